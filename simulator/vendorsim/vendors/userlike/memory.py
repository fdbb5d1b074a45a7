"""What Userlike remembers of one conversation."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from vendorsim.conversation.changes import Assigned
from vendorsim.conversation.state import Agent, Conversation


class UserlikeMemory(Struct):
    """State that Userlike keeps beside the conversation. A conversation that is reopened starts another session.

    `open` and `ended_at` (milliseconds since 1970) are about the session. `present` are the operators in the chat.
    `unread` is whether an operator has still to read a message, `unanswered` whether the visitor's last message was
    neither answered nor expressly read. `contact_created` is whether the conversation has made the visitor a contact.
    `proactive` is whether an automatic message was shown. `send_queued`: a manual send waits for the next change of the
    status. `operator` has the conversation now, `operator_created` had it first; None before. `messages` and
    `notes` are finished JSON, since every callback contains all of them. `offline_messages` counts offline messages
    (profile `legacy`). `settings` are the changed settings of the widget.
    """

    open: bool = False
    ended_at: int | None = None
    present: list[Agent] = field(default_factory=list)
    unread: bool = False
    unanswered: bool = False
    contact_created: bool = False
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

    def start_session(self) -> None:
        """A session starts. What was unread belongs to the one before."""
        self.open, self.ended_at = True, None
        self.unread = self.unanswered = False

    def end_session(self, conversation: Conversation) -> None:
        """The session ends, and the operators leave it. A chat that was missed without an answer is unread, even if an
        operator was in it."""
        self.open, self.ended_at = False, conversation.now
        self.present.clear()
        self.unread = self.unread or (conversation.missed and self.unanswered)

    def enter(self, agent: Agent) -> None:
        """An operator comes into the chat, and reads what is there."""
        if agent not in self.present:
            self.present.append(agent)
        self.unread = False

    def leave(self, agent: Agent) -> None:
        """An operator leaves the chat."""
        if agent in self.present:
            self.present.remove(agent)

    def received(self) -> None:
        """The visitor writes. An operator who is in the chat reads it at once."""
        self.unread, self.unanswered = not self.present, True

    def answered(self, agent: Agent) -> None:
        """An operator writes."""
        self.enter(agent)
        self.unanswered = False

    def set_operator(self, conversation: Conversation) -> None:
        """The operator is the assignee, else the agent who joined last."""
        self._set_operator(conversation.assignee or conversation.current_agent)

    def _set_operator(self, operator: Agent | None) -> None:
        self.operator = operator
        self.operator_created = self.operator_created or operator

    def assign(self, change: Assigned) -> bool:
        """Sets the operator. Returns whether the chat was forwarded: given from an operator or group to another one.

        The first operator of a conversation is no forward.
        """
        _, team_before = change.before
        operator, team = change.after
        was_held = self.operator is not None or team_before is not None
        moved = operator is not self.operator or team != team_before
        self._set_operator(operator)
        return was_held and moved and (operator is not None or team is not None)
