"""Google CCAI Platform: the API that integrations call, and the chat reactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendorsim.core.provenance import ASSUMED, DOCUMENTED, RECONSTRUCTED, Stated
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.identification import Identification
from vendorsim.vendorkit.policy import SUCCESS, Policy
from vendorsim.vendorkit.profile import EventKind, Profile
from vendorsim.vendorkit.vendor import Operation, Vendor
from vendorsim.vendors.ccai import reactions
from vendorsim.vendors.ccai.api import end_user
from vendorsim.vendors.ccai.memory import CcaiMemory
from vendorsim.vendors.ccai.signing import SCHEMES

if TYPE_CHECKING:
    from flask import Blueprint

    from vendorsim.http.messages import FastPath

SOURCE = "Google Cloud, CCAI Platform, Mid-session authentication (docs.cloud.google.com)"
END_USERS = "Google Cloud, CCAI Platform, Apps API, End users (docs.cloud.google.com)"
CHATS = "Google Cloud, CCAI Platform, Apps API, Chat (docs.cloud.google.com)"
GUIDE = "Google Cloud, CCAI Platform, Chat platform API integration guide (docs.cloud.google.com)"
FILES = "Google Cloud, CCAI Platform, Agent file attachments with the chat platform API (docs.cloud.google.com)"
CLIENT = "webchat-proxy, a public client in Go that runs against a live tenant, package internal/ccaas"
RECEIVER = "a public receiver and client: jonnathancosta/google_ccas (GitHub)"
_NO_WEBHOOKS = "no webhooks in this profile"
_API = "/apps/api/v1"


def _identify(body: Any) -> str | None:
    return "end_user" if isinstance(body, dict) else None


def _api(backend: Backend) -> Blueprint:
    # Imported here: only servers need Flask.
    from vendorsim.vendors.ccai.api.blueprint import blueprint

    return blueprint(backend)


def _fast_path(backend: Backend) -> FastPath:
    from vendorsim.vendors.ccai.api.answering import fast_path

    return fast_path(backend)


def _identify_webhook(body: Any) -> str | None:
    """Every body contains the name of its event."""
    event = body.get("event_type") if isinstance(body, dict) else None
    return event if isinstance(event, str) and event in reactions.SUMMARIES else None


def _order_key(event: str, body: Any) -> str:
    """The time in the envelope. It has a fixed width, so its text sorts by time."""
    timestamp: str = body["timestamp"]
    return timestamp


DOCUMENTED_PROFILE = Profile(
    name="documented",
    title="mid-session authentication: the integration tells who the end user of a call or chat is",
    events=(),
    policy=Policy(
        accepted=Stated(SUCCESS, ASSUMED, _NO_WEBHOOKS),
        connect_timeout=Stated(5_000, ASSUMED, _NO_WEBHOOKS),
        read_timeout=Stated(15_000, ASSUMED, _NO_WEBHOOKS),
    ),
    identify=_identify,
)

WEBHOOKS = Profile(
    name="webhooks",
    title="chat webhooks: what happens in a chat, signed with one or two secrets",
    events=tuple(
        EventKind(name, summary, DOCUMENTED, FILES)
        if name == reactions.MESSAGE_RECEIVED
        else EventKind(name, summary, RECONSTRUCTED, RECEIVER if name in reactions.ESCALATIONS else CLIENT)
        for name, summary in reactions.SUMMARIES.items()
    ),
    policy=Policy(signing=Stated("ccai", DOCUMENTED, GUIDE)),
    headers={"Content-Type": "application/json"},
    reactions=reactions.REACTIONS,
    identify=_identify_webhook,
    memory=CcaiMemory,
    order_key=_order_key,
    event_keys=("event_type",),
)

IDENTIFICATION = Identification(
    vendor="ccai",
    operation="end_user",
    path=f"{_API}/{{comm_type}}/{{session_id}}/end_user",
    comm_types={"call": "calls", "chat": "chats"},
    profile=DOCUMENTED_PROFILE.name,
    answers=end_user.FORCED,
    accepted=end_user.ACCEPTED.status,
    unauthorized=end_user.UNAUTHORIZED.status,
    reserved=tuple(end_user.RESERVED),
    example={"identifier": "crm-4711"},
    statements={
        "called": Stated(
            "When a visitor says who he is, the integration tells the platform during the session.", DOCUMENTED, SOURCE
        ),
        "valid_body": Stated(
            "The body is a JSON object with a string `identifier`, and strings only.", DOCUMENTED, SOURCE
        ),
        "credentials": Stated("Every call carries the customer's credentials.", DOCUMENTED, SOURCE),
        "once": Stated(
            "A session is linked with an end user by one call.", ASSUMED, f"follows from the duplicates of {SOURCE}"
        ),
        "duplicate": Stated("After a duplicate request the interval has to be waited out.", DOCUMENTED, SOURCE),
        "hammering": Stated(
            "The API takes ten requests per second and customer, for all his sessions.", DOCUMENTED, SOURCE
        ),
    },
)

VENDOR = Vendor(
    name="ccai",
    title="Google CCAI Platform",
    profiles={DOCUMENTED_PROFILE.name: DOCUMENTED_PROFILE, WEBHOOKS.name: WEBHOOKS},
    operations=(
        Operation("end_user", "POST", f"{_API}/calls/:call_id/end_user", DOCUMENTED, SOURCE),
        Operation("end_user", "POST", f"{_API}/chats/:chat_id/end_user", DOCUMENTED, SOURCE),
        Operation("update_end_user", "POST", f"{_API}/end_users", DOCUMENTED, END_USERS),
        Operation("get_end_user", "GET", f"{_API}/end_users", DOCUMENTED, END_USERS),
        Operation("create_chat", "POST", f"{_API}/chats", RECONSTRUCTED, CLIENT),
        Operation("send_message", "POST", f"{_API}/chats/:chat_id/message", RECONSTRUCTED, CLIENT),
        Operation("get_chat", "GET", f"{_API}/chats/:chat_id", RECONSTRUCTED, RECEIVER),
        Operation("get_messages", "GET", f"{_API}/chats/:chat_id/messages", RECONSTRUCTED, RECEIVER),
        Operation(
            "get_escalations", "GET", f"{_API}/chats/:chat_id/escalations", ASSUMED, "no public client asks for them"
        ),
        Operation("escalate_chat", "POST", f"{_API}/chats/:chat_id/escalations", RECONSTRUCTED, RECEIVER),
        Operation("finish_chat", "PATCH", f"{_API}/chats/:chat_id", DOCUMENTED, CHATS),
    ),
    conversation_parameters=("chat_id", "call_id"),
    identification=IDENTIFICATION,
    api=_api,
    fast_path=_fast_path,
    schemes=SCHEMES,
)
