"""Events about an inbox, which `configure_widget` sets up and changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vendorsim.conversation.changes import WidgetConfigured
from vendorsim.conversation.state import Conversation
from vendorsim.core.times import iso
from vendorsim.vendorkit.profile import Draft, Reaction
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.bodies.inboxes import DEFAULTS, inbox_settings
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory
from vendorsim.vendors.messagehub.observed.reactions.changed_attributes import Changes, changed

INBOX_CREATED, INBOX_UPDATED = "inbox_created", "inbox_updated"


def _configured(change: WidgetConfigured, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """The first time sets the inbox up. Settings that Chatwoot doesn't have show in `changed_attributes` only."""
    first = memory.settings_updated_at is None
    made = _saved(change.settings, conversation, memory)
    if not memory.has(versions.INBOX_EVENTS):
        return
    if first:
        yield Draft(INBOX_CREATED, lambda: {**inbox_settings(conversation, memory), "event": INBOX_CREATED})
    elif made:
        event = {"event": INBOX_UPDATED, "changed_attributes": made}
        yield Draft(INBOX_UPDATED, lambda: {**inbox_settings(conversation, memory), **event})


def _saved(settings: Mapping[str, Any], conversation: Conversation, memory: ChatwootMemory) -> Changes:
    """Saves the settings and returns what has changed. `updated_at` is left out the first time."""
    before = {**DEFAULTS, **memory.settings}
    memory.settings = {**memory.settings, **settings}
    made = [changed(key, before.get(key), value) for key, value in settings.items() if before.get(key) != value]
    earlier = memory.settings_updated_at
    if earlier is None:
        memory.settings_updated_at = conversation.now
        return made
    if made:
        memory.settings_updated_at = max(conversation.now, earlier + 1)
        made.append(changed("updated_at", iso(earlier), iso(memory.settings_updated_at)))
    return made


REACTIONS: Mapping[type, Reaction] = {WidgetConfigured: _configured}
