"""The events that real servers send: since which version, when, and which step of a scenario causes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from vendorsim.core.provenance import CAPTURED, RECONSTRUCTED
from vendorsim.vendorkit.profile import EventKind
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.versions import OLDEST, Version
from vendorsim.vendors.messagehub.reactions import (
    CONVERSATION_CREATED,
    CONVERSATION_STATUS_CHANGED,
    CONVERSATION_UPDATED,
    MESSAGE_CREATED,
    MESSAGE_UPDATED,
    WEBWIDGET_TRIGGERED,
)

CONTACT_CREATED, CONTACT_UPDATED = "contact_created", "contact_updated"
INBOX_CREATED, INBOX_UPDATED = "inbox_created", "inbox_updated"
CONVERSATION_TYPING_ON, CONVERSATION_TYPING_OFF = "conversation_typing_on", "conversation_typing_off"
CONVERSATION_OPENED, CONVERSATION_RESOLVED = "conversation_opened", "conversation_resolved"

_WEBHOOKS = "chatwoot/chatwoot, app/listeners/webhook_listener.rb and app/models/webhook.rb"
_BOTS = "chatwoot/chatwoot v4.15.1, app/listeners/agent_bot_listener.rb"


class _Known(NamedTuple):
    since: Version
    summary: str
    provenance: str = RECONSTRUCTED
    source: str = _WEBHOOKS


_EVENTS: Mapping[str, _Known] = {
    CONVERSATION_CREATED: _Known(OLDEST, "a conversation begins", CAPTURED, "chatwoot/chatwoot#11753"),
    CONVERSATION_UPDATED: _Known(OLDEST, "one of a few attributes of a conversation changes; says which"),
    CONVERSATION_STATUS_CHANGED: _Known(
        OLDEST,
        "a conversation is resolved, snoozed, set to pending or opened again",
        CAPTURED,
        "wppconnect-team/wppconnect#1511",
    ),
    MESSAGE_CREATED: _Known(OLDEST, "someone writes a message or a private note", CAPTURED, "chatwoot/chatwoot#1564"),
    MESSAGE_UPDATED: _Known(OLDEST, "a message is edited, deleted or read, or could not be delivered"),
    WEBWIDGET_TRIGGERED: _Known(OLDEST, "the visitor opens the chat widget"),
    CONTACT_CREATED: _Known(versions.CONTACT_EVENTS, "a new visitor loads a page with the widget"),
    CONTACT_UPDATED: _Known(versions.CONTACT_EVENTS, "a contact's data change, or the contact writes; says which"),
    INBOX_CREATED: _Known(versions.INBOX_EVENTS, "an inbox is set up; only where ENABLE_INBOX_EVENTS is set"),
    INBOX_UPDATED: _Known(versions.INBOX_EVENTS, "an inbox's settings change; only where ENABLE_INBOX_EVENTS is set"),
    CONVERSATION_TYPING_ON: _Known(versions.TYPING_EVENTS, "someone starts typing"),
    CONVERSATION_TYPING_OFF: _Known(versions.TYPING_EVENTS, "someone stops typing"),
    CONVERSATION_OPENED: _Known(
        versions.BOT_ONLY_EVENTS, "for agent bots only: a conversation is open again", source=_BOTS
    ),
    CONVERSATION_RESOLVED: _Known(
        versions.BOT_ONLY_EVENTS, "for agent bots only: a conversation is resolved", source=_BOTS
    ),
}


def kinds(version: Version) -> tuple[EventKind, ...]:
    """The events of a version."""
    return tuple(
        EventKind(name, known.summary, known.provenance, known.source)
        for name, known in _EVENTS.items()
        if version >= known.since
    )


_STATUS = (CONVERSATION_STATUS_CHANGED, CONVERSATION_UPDATED)
_OPENED, _RESOLVED = (CONVERSATION_OPENED, *_STATUS), (CONVERSATION_RESOLVED, *_STATUS)
# What waits for the conversation comes out with whatever begins it.
_BEGINS = (CONVERSATION_CREATED, MESSAGE_CREATED)

# Per verb: the events, each with the version since when that verb causes it (the event's own where none is given).
_CAUSES: Mapping[str, Mapping[str, Version]] = {
    "open_widget": dict.fromkeys((WEBWIDGET_TRIGGERED, CONTACT_CREATED), OLDEST),
    "start": {CONVERSATION_CREATED: OLDEST, MESSAGE_CREATED: versions.TEMPLATES_SENT},
    "say": dict.fromkeys((CONVERSATION_CREATED, *_OPENED, MESSAGE_CREATED, CONTACT_UPDATED), OLDEST),
    "trigger": {MESSAGE_CREATED: versions.TEMPLATES_SENT},
    "note": dict.fromkeys(_BEGINS, OLDEST),
    "edit": {MESSAGE_UPDATED: OLDEST},
    "delete": {MESSAGE_UPDATED: OLDEST},
    "read": {MESSAGE_UPDATED: versions.READ_TELLS},
    "typing": dict.fromkeys((CONVERSATION_TYPING_ON, CONVERSATION_TYPING_OFF), OLDEST),
    "join": {CONVERSATION_CREATED: OLDEST, MESSAGE_CREATED: versions.TEMPLATES_SENT},
    "assign": {CONVERSATION_UPDATED: OLDEST},
    "label": {CONVERSATION_UPDATED: versions.FIRST_REPLY},
    "attributes": {CONVERSATION_UPDATED: OLDEST},
    "close": {**dict.fromkeys((CONVERSATION_CREATED, *_RESOLVED), OLDEST), MESSAGE_CREATED: versions.TEMPLATES_SENT},
    "snooze": dict.fromkeys(_STATUS, OLDEST),
    "pend": dict.fromkeys(_STATUS, OLDEST),
    "reopen": dict.fromkeys(_OPENED, OLDEST),
    "miss": {CONVERSATION_CREATED: OLDEST, MESSAGE_CREATED: versions.TEMPLATES_SENT},
    "offline_message": {
        **dict.fromkeys((*_BEGINS, CONTACT_UPDATED), OLDEST),
        CONVERSATION_UPDATED: versions.WAITING_SINCE,
    },
    "contact": dict.fromkeys((CONTACT_CREATED, CONTACT_UPDATED), OLDEST),
    "configure_widget": dict.fromkeys((INBOX_CREATED, INBOX_UPDATED), OLDEST),
}


def emits(version: Version) -> Mapping[str, tuple[str, ...]]:
    """Per verb of a scenario: the events that it may cause."""
    found = {
        verb: tuple(name for name, since in events.items() if version >= max(since, _EVENTS[name].since))
        for verb, events in _CAUSES.items()
    }
    return {verb: events for verb, events in found.items() if events}
