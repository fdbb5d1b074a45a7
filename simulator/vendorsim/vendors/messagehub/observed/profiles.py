"""The profiles `observed-<version>`: what real servers of a version send.

The documents of every version are those of 4.15, without what came later than the version and with what it had before.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from vendorsim.vendorkit.profile import Profile
from vendorsim.vendors.messagehub.observed import delivery, failures, names, quirks
from vendorsim.vendors.messagehub.observed.amending import amended
from vendorsim.vendors.messagehub.observed.encoding import encode
from vendorsim.vendors.messagehub.observed.notes import Notes
from vendorsim.vendors.messagehub.observed.reactions import REACTIONS
from vendorsim.vendors.messagehub.observed.versions import PREFIX, Version, parse

FIRST, LAST = "observed-2.5", "observed-4.15"


@cache
def version(name: str) -> Profile | None:
    """The profile of a version between the two whose documents are kept, `observed-4.9`; None for any other name."""
    found = parse(name)
    return None if found is None else _profile(name, found)


def observed(name: str) -> Profile:
    """The profile of a version that is known to be one. Raises ValueError."""
    found = version(name)
    if found is None:
        raise ValueError(f"'{name}' is no version that can be played")
    return found


def _profile(name: str, of: Version) -> Profile:
    events = names.kinds(of)
    kept = name in (FIRST, LAST)
    return Profile(
        name=name,
        title=f"what Chatwoot {name.removeprefix(PREFIX)}, on which MessageHub is built, really sends",
        events=events,
        policy=delivery.policy(of),
        headers=delivery.headers(of),
        reactions=REACTIONS,
        emits=names.emits(of),
        identify=partial(_identify, frozenset(event.name for event in events)),
        memory=partial(Notes, of),
        encode=encode,
        target_kinds=delivery.target_kinds(of),
        order_key=_order_key,
        quirks=quirks.quirks(of),
        failed=failures.failed,
        contract=name if kept else LAST,
        amend=None if kept else partial(amended, of),
    )


def _identify(known: frozenset[str], body: Any) -> str | None:
    event = body.get("event") if isinstance(body, dict) else None
    return event if isinstance(event, str) and event in known else None


def _order_key(event: str, body: Any) -> float | None:
    """When the conversation was last saved; before 4.0.2, when somebody last wrote. Contacts and inboxes don't tell."""
    if event.startswith(("contact_", "inbox_")):
        return None
    conversation = body.get("conversation") or body.get("current_conversation") or body
    found: float | None = conversation.get("updated_at", conversation.get("timestamp"))
    return found
