"""What Userlike notes about one conversation, beyond what the conversation itself knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vendorsim.conversation.state import Agent


@dataclass(slots=True)
class Session:
    """The notes of one conversation. A conversation that is reopened starts another session.

    `messages` and `notes` hold the finished JSON of what was written, so that a long chat is told in
    full by every callback without being worked out again. `operator` is who has the conversation now,
    `operator_created` who had it first. `ended_at` is in milliseconds since 1970.
    `offline_messages` counts those that were told on their own, not in a chat.
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
