"""What a Chatwoot server remembers of one conversation and its contact."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from vendorsim.conversation.state import OPEN, Agent, Message
from vendorsim.vendors.messagehub.memory import STATUSES
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.versions import Version

# The kinds of bots: one of the account's, and the assistant of the enterprise edition.
AGENT_BOT, ASSISTANT = "AgentBot", "Captain::Assistant"


class ChatwootMemory(Struct):
    """State that a server of one version keeps beside the conversation. Times are in milliseconds since 1970.

    `status` and `assignee` are those in the bodies. `unread` counts the visitor's messages since an agent last looked.
    `held` are automatic messages from before the conversation's start. By message id: `statuses` (SENT for those that
    are missing), `errors` (why it could not be delivered) and `edited` (time of the last change). `contact` are the
    contact's data as last saved, None before there is a contact. `settings` are those of the inbox. `bot_owns` says
    that the inbox's bot is the assignee, and `bot` what kind of bot that is (`meta.assignee_type`).
    """

    version: Version = versions.NEWEST
    status: str = STATUSES[OPEN]
    assignee: Agent | None = None
    bot: str = AGENT_BOT
    bot_owns: bool = False
    status_changed_at: int = 0
    unread: int = 0
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
        """Whether the server has this version or a newer one."""
        return self.version >= since
