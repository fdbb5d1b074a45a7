"""Chatvisor: which steps send a webhook, how it is delivered, and the API that integrations call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendorsim.vendorkit.policy import Policy
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor
from vendorsim.vendors.chatvisor import payloads
from vendorsim.vendors.chatvisor.engage import ENGAGE, NEW_CONVERSATION, NEW_MESSAGE, order_key
from vendorsim.vendors.chatvisor.inbox import Inbox, telling
from vendorsim.vendors.chatvisor.paths import OPERATIONS

if TYPE_CHECKING:
    from flask import Blueprint

    from vendorsim.server.backend import ServerState


def _identify(body: Any) -> str | None:
    """The bodies name no event; their shapes differ."""
    if not isinstance(body, dict) or "customerId" not in body:
        return None
    if "lastMessage" in body or "status" in body:
        return "new_conversation"
    return "new_message" if "text" in body else None


def _api(state: ServerState) -> Blueprint:
    # Flask is imported by whoever serves, and by nobody else.
    from vendorsim.vendors.chatvisor.api import blueprint

    return blueprint(state)


WEBHOOKS = Profile(
    name="documented",
    title="the webhooks of Settings, API: new conversations and new messages",
    events=(NEW_CONVERSATION, NEW_MESSAGE),
    policy=Policy(),
    headers={"Content-Type": "application/json"},
    reactions=telling(NEW_CONVERSATION.name, NEW_MESSAGE.name),
    emits={
        "say": ("new_conversation", "new_message"),
        "offline_message": ("new_conversation", "new_message"),
        "reopen": ("new_conversation",),
    },
    identify=_identify,
    conversation_id=payloads.customer_id,
    memory=Inbox,
    order_key=order_key,
)

VENDOR = Vendor(
    name="chatvisor",
    title="Chatvisor",
    profiles={WEBHOOKS.name: WEBHOOKS, ENGAGE.name: ENGAGE},
    operations=OPERATIONS,
    api=_api,
)
