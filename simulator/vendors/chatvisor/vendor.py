"""Chatvisor: which steps send a webhook, and how it is delivered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.vendors.base import (
    DOCUMENTED,
    Draft,
    EventKind,
    Policy,
    Profile,
    Vendor,
)
from simulator.vendors.chatvisor import payloads
from simulator.world import BY_VISITOR, CLOSED, OPEN, Conversation, MessageAdded, StatusChanged

SOURCE = "Chatvisor API (v1), Webhooks (developers.chatvisor.com)"


@dataclass(slots=True)
class Inbox:
    """`announce`: the customer's next message makes the conversation new (first contact, or DONE until then)."""

    announce: bool = True


def _message_added(change: MessageAdded, conversation: Conversation, inbox: Inbox) -> Iterator[Draft]:
    message = change.message
    if not message.by_visitor:
        return
    if inbox.announce:
        inbox.announce = False
        yield Draft("new_conversation", payloads.new_conversation(conversation))
    yield Draft("new_message", payloads.new_message(conversation, message))


def _status_changed(change: StatusChanged, conversation: Conversation, inbox: Inbox) -> Iterator[Draft]:
    """DONE → UNREAD. The customer reopens by writing, so his message announces it: then `lastMessage` is that one."""
    if change.before != CLOSED or change.after != OPEN:
        return
    if change.by == BY_VISITOR:
        inbox.announce = True
    elif not inbox.announce:
        yield Draft("new_conversation", payloads.new_conversation(conversation))


def _identify(body: Any) -> str | None:
    """The bodies name no event; their shapes differ."""
    if not isinstance(body, dict) or "customerId" not in body:
        return None
    if "lastMessage" in body or "status" in body:
        return "new_conversation"
    return "new_message" if "text" in body else None


def _order_key(event: str, body: Any) -> str | None:
    """A message has a time, ISO 8601 in UTC with milliseconds; a conversation has none."""
    created: str | None = body.get("createdAt")
    return created


WEBHOOKS = Profile(
    name="documented",
    title="the webhooks of Settings, API: new conversations and new messages",
    events=(
        EventKind(
            "new_conversation", "a customer is created, or an existing one goes from DONE to UNREAD", DOCUMENTED, SOURCE
        ),
        EventKind("new_message", "a customer writes", DOCUMENTED, f"{SOURCE}; the body is assumed"),
    ),
    policy=Policy(),
    headers={"Content-Type": "application/json"},
    reactions={MessageAdded: _message_added, StatusChanged: _status_changed},
    emits={
        "say": ("new_conversation", "new_message"),
        "offline_message": ("new_conversation", "new_message"),
        "reopen": ("new_conversation",),
    },
    identify=_identify,
    conversation_id=payloads.customer_id,
    memory=Inbox,
    order_key=_order_key,
)

VENDOR = Vendor(name="chatvisor", title="Chatvisor", profiles={WEBHOOKS.name: WEBHOOKS})
