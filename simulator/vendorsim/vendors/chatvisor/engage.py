"""Profile `engage`: all four webhooks that the vendor's page describes."""

from __future__ import annotations

from typing import Any

from vendorsim.core.provenance import DOCUMENTED
from vendorsim.vendorkit.policy import Policy
from vendorsim.vendorkit.profile import EventKind, Profile
from vendorsim.vendors.chatvisor import payloads
from vendorsim.vendors.chatvisor.inbox import Inbox, telling
from vendorsim.vendors.chatvisor.payloads import DONE, UNRESOLVED

SOURCE = "Chatvisor API (v1), Webhooks (developers.chatvisor.com)"

NEW_CONVERSATION = EventKind(
    "new_conversation", "a customer is created, or an existing one goes from DONE to UNREAD", DOCUMENTED, SOURCE
)
NEW_MESSAGE = EventKind("new_message", "a customer writes", DOCUMENTED, f"{SOURCE}; the body is assumed")
STATUS_CHANGE = EventKind(
    "status_change",
    "the customer's status changes: UNREAD, DONE, UNRESOLVED",
    DOCUMENTED,
    f"{SOURCE}; which steps change it is assumed, save DONE to UNREAD",
)
NEW_SUBSCRIBER = EventKind(
    "new_subscriber",
    "a customer subscribes to a category: here the contact is created",
    DOCUMENTED,
    f"{SOURCE}; the body, and what counts as subscribing, are assumed",
)


def identify(body: Any) -> str | None:
    """The bodies name no event; their shapes differ. A Conversation that is UNREAD is taken for a new one, though it
    may as well be a status change: nothing in it tells them apart. Any other status is no new conversation."""
    if not isinstance(body, dict):
        return None
    if "customerId" not in body:
        return "new_subscriber" if "id" in body and {"email", "firstname", "labels"} & body.keys() else None
    if "lastMessage" in body or "status" in body:
        return "status_change" if body.get("status") in (DONE, UNRESOLVED) else "new_conversation"
    return "new_message" if "text" in body else None


def order_key(event: str, body: Any) -> str | None:
    """A message has a time, ISO 8601 in UTC with milliseconds; conversations and customers have none."""
    created: str | None = body.get("createdAt")
    return created


_EVENTS = (NEW_CONVERSATION, STATUS_CHANGE, NEW_MESSAGE, NEW_SUBSCRIBER)

ENGAGE = Profile(
    name="engage",
    title="all webhooks of the API (v1): also status changes and new subscribers",
    events=_EVENTS,
    policy=Policy(),
    headers={"Content-Type": "application/json"},
    reactions=telling(*(kind.name for kind in _EVENTS)),
    emits={
        "say": ("new_conversation", "status_change", "new_message"),
        "offline_message": ("new_conversation", "status_change", "new_message"),
        "reopen": ("new_conversation", "status_change"),
        "join": ("status_change",),
        "read": ("status_change",),
        "snooze": ("status_change",),
        "pend": ("status_change",),
        "close": ("status_change",),
        "miss": ("status_change",),
        "contact": ("new_subscriber",),
    },
    identify=identify,
    conversation_id=payloads.customer_id,
    memory=Inbox,
    order_key=order_key,
)
