"""What Userlike remembers of one conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vendorsim.conversation.changes import Assigned
from vendorsim.conversation.state import Agent, Conversation


@dataclass(slots=True)
class UserlikeMemory:
    """State that Userlike keeps beside the conversation. A conversation that is reopened starts another session.

    `open` and `ended_at` (milliseconds since 1970) are about the session. `unread` is whether an operator has still to
    read a message. `proactive` is whether an automatic message was shown. `send_queued`: a manual send waits for the
    next change of the status. `operator` has the conversation now, `operator_created` had it first. `messages` and
    `notes` are finished JSON, since every callback contains all of them. `offline_messages` counts offline messages
    (profile `legacy`). `settings` are the changed settings of the widget.
    """

    open: bool = False
    ended_at: int | None = None
    unread: bool = False
    proactive: bool = False
    send_queued: bool = False
    operator: Agent | None = None
    operator_created: Agent | None = None
    feedback: str | None = None
    goal: dict[str, Any] = field(default_factory=lambda: {"id": None, "name": None})
    messages: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    offline_messages: int = 0
    settings: dict[str, Any] = field(default_factory=dict)

    def set_operator(self, conversation: Conversation) -> None:
        """The operator is the assignee, else the agent who joined last."""
        self.operator = conversation.assignee or conversation.current_agent

    def assign(self, change: Assigned) -> bool:
        """Sets the operator. Returns whether the chat was forwarded: given from an operator or group to another one.

        The first operator of a conversation is no forward.
        """
        _, team_before = change.before
        operator, team = change.after
        was_held = self.operator is not None or team_before is not None
        moved = operator is not self.operator or team != team_before
        self.operator = operator
        return was_held and moved and (operator is not None or team is not None)
