"""Chatvisor: the vendor, and its profiles `documented` (two webhooks) and `engage` (all four)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendorsim.core.provenance import ASSUMED, DOCUMENTED, Stated
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.policy import Policy
from vendorsim.vendorkit.profile import EventKind, Profile
from vendorsim.vendorkit.vendor import Polling, Vendor
from vendorsim.vendors.chatvisor import bodies
from vendorsim.vendors.chatvisor.api.operations import OPERATIONS
from vendorsim.vendors.chatvisor.bodies import DONE, UNRESOLVED
from vendorsim.vendors.chatvisor.memory import ChatvisorMemory
from vendorsim.vendors.chatvisor.reactions import prevents, reactions

if TYPE_CHECKING:
    from flask import Blueprint


SOURCE = "Chatvisor API (v1), Webhooks (developers.chatvisor.com)"
_POLLING = "Chatvisor, use case Chat: conversations can be polled by the REST API; what the answer tells is assumed"
_HEADERS = {"Content-Type": "application/json"}
_TEXT_FIELDS = frozenset({"test"})

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
_EVENTS = (NEW_CONVERSATION, STATUS_CHANGE, NEW_MESSAGE, NEW_SUBSCRIBER)


def _identify_documented(body: Any) -> str | None:
    """Bodies contain no name of an event, but their keys differ."""
    if not isinstance(body, dict) or "customerId" not in body:
        return None
    if "lastMessage" in body or "status" in body:
        return "new_conversation"
    return "new_message" if "text" in body else None


def _identify_engage(body: Any) -> str | None:
    """Bodies contain no name of an event, but their keys differ.

    A Conversation object with the status UNREAD counts as a new conversation. It can also be a status change: nothing
    in the body tells the two apart.
    """
    if not isinstance(body, dict):
        return None
    if "customerId" not in body:
        return "new_subscriber" if "id" in body and {"email", "firstname", "labels"} & body.keys() else None
    if "lastMessage" in body or "status" in body:
        return "status_change" if body.get("status") in (DONE, UNRESOLVED) else "new_conversation"
    return "new_message" if "text" in body else None


def _order_key(event: str, body: Any) -> str | None:
    """The time of a message, ISO 8601 in UTC with milliseconds. Conversations and customers have none."""
    created: str | None = body.get("createdAt")
    return created


def _api(backend: Backend) -> Blueprint:
    # Imported here: only servers need Flask.
    from flask import Blueprint

    from vendorsim.vendors.chatvisor.api.account import ChatvisorAccount
    from vendorsim.vendors.chatvisor.api.blueprint import blueprint
    from vendorsim.vendors.chatvisor.pages.agent_chat import agent_chat
    from vendorsim.vendors.chatvisor.pages.webchat import webchat

    account = ChatvisorAccount(backend)
    served = Blueprint("chatvisor", __name__)
    for part in (blueprint(account), agent_chat(account), webchat(account)):
        served.register_blueprint(part)
    return served


WEBHOOKS = Profile(
    name="documented",
    title="the webhooks of Settings, API: new conversations and new messages",
    events=(NEW_CONVERSATION, NEW_MESSAGE),
    policy=Policy(),
    headers=_HEADERS,
    reactions=reactions(NEW_CONVERSATION.name, NEW_MESSAGE.name),
    identify=_identify_documented,
    conversation_id=bodies.customer_id,
    memory=ChatvisorMemory,
    order_key=_order_key,
    prevents=prevents,
    text_fields=_TEXT_FIELDS,
    message_fields=_TEXT_FIELDS,
)

ENGAGE = Profile(
    name="engage",
    title="all webhooks of the API (v1): also status changes and new subscribers",
    events=_EVENTS,
    policy=Policy(),
    headers=_HEADERS,
    reactions=reactions(*(kind.name for kind in _EVENTS)),
    identify=_identify_engage,
    conversation_id=bodies.customer_id,
    memory=ChatvisorMemory,
    order_key=_order_key,
    prevents=prevents,
    text_fields=_TEXT_FIELDS,
    message_fields=_TEXT_FIELDS,
)

VENDOR = Vendor(
    name="chatvisor",
    title="Chatvisor",
    profiles={WEBHOOKS.name: WEBHOOKS, ENGAGE.name: ENGAGE},
    operations=OPERATIONS,
    conversation_parameters=("customer_id",),
    api=_api,
    polling=Stated(Polling(("list_conversations",), newest_only=True), ASSUMED, _POLLING),
    page="/webchat/",
)
