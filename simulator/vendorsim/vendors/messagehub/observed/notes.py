"""What a server remembers of one conversation and its contact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vendorsim.conversation.state import OPEN, Agent, Message
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.versions import Version
from vendorsim.vendors.messagehub.payloads import STATUSES


@dataclass(slots=True)
class Notes:
    """What a server of one version remembers of one conversation and its contact. Times are milliseconds, None: never.

    `status` and `assignee` are those that its bodies say. `unread` counts what the visitor wrote after the agents last
    looked. `held` are automatic messages that wait for the conversation to begin. By message id: `statuses` (SENT where
    none stands here), `errors` (why it could not be delivered) and `edited` (when it was last changed). `contact` are
    the contact's data as they were last saved, None while there is no contact. `settings` are those of the inbox.
    """

    version: Version = versions.NEWEST
    status: str = STATUSES[OPEN]
    assignee: Agent | None = None
    unread: int = 0
    priority: str | None = None
    snoozed_until: int | None = None
    waiting_since: int | None = None
    first_reply_at: int | None = None
    updated_at: int = 0
    held: list[Message] = field(default_factory=list)
    statuses: dict[int, str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    edited: dict[int, int] = field(default_factory=dict)
    contact: dict[str, Any] | None = None
    contact_since: int = 0
    contact_updated_at: int = 0
    contact_active_at: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    settings_updated_at: int | None = None

    def has(self, since: Version) -> bool:
        """Whether this server is of that version or newer."""
        return self.version >= since
