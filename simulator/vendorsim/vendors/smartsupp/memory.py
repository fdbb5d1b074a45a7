"""What Smartsupp remembers of one conversation (profile `webhooks`)."""

from __future__ import annotations

from msgspec import Struct, field

from vendorsim.conversation.state import Message


class SmartsuppMemory(Struct):
    """State that Smartsupp keeps beside the conversation. Times are in milliseconds since 1970.

    `last_event_at` is the time of the newest event. `first_seen` is when the visitor came, `contact_since` when the
    visitor became a contact. `present` is whether the chat window is open. `unread` is whether an agent has still to
    read a message, `served` whether an agent has joined or written, `replied` whether one has answered. `waiting_since`
    is when the visitor began to wait for an answer. `held` are automatic messages from before the conversation's start.
    """

    last_event_at: int = 0
    first_seen: int | None = None
    contact_since: int | None = None
    present: bool = True
    unread: bool = False
    served: bool = False
    replied: bool = False
    waiting_since: int | None = None
    held: list[Message] = field(default_factory=list)

    def seen(self, at: int) -> int:
        """When the visitor was first seen; `at` where that is now."""
        if self.first_seen is None:
            self.first_seen = at
        return self.first_seen

    def next_event_at(self, now: int) -> int:
        """The time of a new event: now, but at least a millisecond after the newest one."""
        self.last_event_at = max(now, self.last_event_at + 1)
        return self.last_event_at
