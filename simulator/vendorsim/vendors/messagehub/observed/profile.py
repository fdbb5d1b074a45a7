"""The profiles `observed-<version>`: what real servers of a version send.

Contracts are stored for the first and the last version. For a version between them, the one of the last version is
changed: without what came later, and with what the version still had.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any, NamedTuple

from vendorsim.core.provenance import CAPTURED, RECONSTRUCTED
from vendorsim.vendorkit.profile import EventKind, Profile
from vendorsim.vendors.messagehub.bodies import ACCOUNT_FIELDS, INBOX_FIELDS
from vendorsim.vendors.messagehub.observed import policies, versions
from vendorsim.vendors.messagehub.observed.bodies.encoding import encode
from vendorsim.vendors.messagehub.observed.contract import amended
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory
from vendorsim.vendors.messagehub.observed.quirks.by_version import quirks
from vendorsim.vendors.messagehub.observed.reactions import conversations, inboxes, visits
from vendorsim.vendors.messagehub.observed.reactions.conversations import (
    AUTOMATION_EVENT,
    CONVERSATION_OPENED,
    CONVERSATION_RESOLVED,
)
from vendorsim.vendors.messagehub.observed.reactions.failures import failed
from vendorsim.vendors.messagehub.observed.reactions.inboxes import INBOX_CREATED, INBOX_UPDATED
from vendorsim.vendors.messagehub.observed.reactions.visits import (
    CONTACT_CREATED,
    CONTACT_UPDATED,
    CONVERSATION_TYPING_OFF,
    CONVERSATION_TYPING_ON,
)
from vendorsim.vendors.messagehub.observed.versions import OLDEST, PREFIX, Version, parse
from vendorsim.vendors.messagehub.reactions import (
    CONVERSATION_CREATED,
    CONVERSATION_STATUS_CHANGED,
    CONVERSATION_UPDATED,
    MESSAGE_CREATED,
    MESSAGE_UPDATED,
    WEBWIDGET_TRIGGERED,
)

FIRST, LAST = "observed-2.5", "observed-4.18"
# One profile for each version with which a body or an event changes, oldest first.
CHANGES = tuple(map(versions.name_of, versions.CHANGES))

_WEBHOOKS = "chatwoot/chatwoot, app/listeners/webhook_listener.rb and app/models/webhook.rb"
# Older than 2.5.0: a receiver of July 2021 handles both.
_BOTS = "chatwoot/chatwoot, app/listeners/agent_bot_listener.rb; wppconnect-team/wppconnect-server#122"


class _Known(NamedTuple):
    """An event, and the first version that sends it."""

    since: Version
    summary: str
    provenance: str = RECONSTRUCTED
    source: str = _WEBHOOKS


_SINCE: Mapping[str, _Known] = {
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
    AUTOMATION_EVENT: _Known(
        versions.AUTOMATION,
        "for automation rules only: what has happened, as the event `automation_event.` and the name of the event",
        source="chatwoot/chatwoot, app/services/automation_rules/action_service.rb",
    ),
    CONVERSATION_OPENED: _Known(OLDEST, "for agent bots only: a conversation is open again", source=_BOTS),
    CONVERSATION_RESOLVED: _Known(OLDEST, "for agent bots only: a conversation is resolved", source=_BOTS),
}


@cache
def version(name: str) -> Profile | None:
    """The profile of that name, such as `observed-4.9`. None for any other name or version."""
    found = parse(name)
    return None if found is None else _profile(name, found)


def observed(name: str) -> Profile:
    """The profile of that name. Raises ValueError where there is none."""
    found = version(name)
    if found is None:
        raise ValueError(f"'{name}' is no version that can be played")
    return found


def _profile(name: str, of: Version) -> Profile:
    events = _events(of)
    kept = name in (FIRST, LAST)
    return Profile(
        name=name,
        title=f"what Chatwoot {name.removeprefix(PREFIX)}, on which MessageHub is built, really sends",
        events=events,
        policy=policies.policy(of),
        headers=policies.headers(of),
        reactions={**conversations.REACTIONS, **visits.REACTIONS, **inboxes.REACTIONS},
        identify=partial(_identify, frozenset(event.name for event in events)),
        memory=partial(ChatwootMemory, of),
        encode=encode,
        target_kinds=policies.target_kinds(of),
        order_key=_order_key,
        event_keys=("event",),
        meaning_fields=frozenset({"message_type", "private", "content_type"}),
        quirks=quirks(of),
        failed=failed,
        account_fields=ACCOUNT_FIELDS,
        inbox_fields=INBOX_FIELDS,
        contract=name if kept else LAST,
        amend=None if kept else partial(amended, of),
    )


def _events(version: Version) -> tuple[EventKind, ...]:
    """The events that a version sends."""
    return tuple(
        EventKind(name, known.summary, known.provenance, known.source)
        for name, known in _SINCE.items()
        if version >= known.since
    )


def _identify(known: frozenset[str], body: Any) -> str | None:
    event = body.get("event") if isinstance(body, dict) else None
    if isinstance(event, str) and event.startswith(f"{AUTOMATION_EVENT}."):
        event = AUTOMATION_EVENT
    return event if isinstance(event, str) and event in known else None


def _order_key(event: str, body: Any) -> float | None:
    """When the conversation was last saved, in seconds since 1970; before 4.0.2, the time of the last message.

    None for bodies about contacts and inboxes, which don't contain that time.
    """
    if event.startswith(("contact_", "inbox_")):
        return None
    conversation = body.get("conversation") or body.get("current_conversation") or body
    found: float | None = conversation.get("updated_at", conversation.get("timestamp"))
    return found
