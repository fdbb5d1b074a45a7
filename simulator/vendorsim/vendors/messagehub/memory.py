"""What MessageHub remembers of one conversation (profile `documented`)."""

from __future__ import annotations

from msgspec import Struct, field

from vendorsim.conversation.state import CLOSED, OPEN, PENDING, SNOOZED, Message

# The status in the bodies, by the status of the conversation.
STATUSES = {OPEN: "open", CLOSED: "resolved", PENDING: "pending", SNOOZED: "snoozed"}


class MessageHubMemory(Struct):
    """State that MessageHub keeps beside the conversation.

    `status` is the status in the bodies; a missed chat doesn't change it. `unread` counts the visitor's messages since
    an agent last looked. `seen` is when both sides had last seen the conversation, by the attribute. `told` are the
    values of both when they were last compared. `held` are automatic messages from before the conversation's start.
    """

    status: str = STATUSES[OPEN]
    unread: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    held: list[Message] = field(default_factory=list)
