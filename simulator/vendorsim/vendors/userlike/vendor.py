"""Userlike: the vendor, and its profile `documented` (the API add-on's callbacks)."""

from __future__ import annotations

from functools import partial

from vendorsim.core.provenance import DOCUMENTED, Stated
from vendorsim.vendorkit.policy import Policy
from vendorsim.vendorkit.profile import EventKind, Profile
from vendorsim.vendorkit.vendor import Vendor
from vendorsim.vendors.userlike.identify import identify, order_key
from vendorsim.vendors.userlike.legacy.profile import LEGACY
from vendorsim.vendors.userlike.memory import UserlikeMemory
from vendorsim.vendors.userlike.reactions import REACTIONS

SOURCE = "Userlike docs, API add-on (docs.userlike.com/developers/api/add-on)"
_OLDER = "the body is reconstructed from the vendor's older callbacks (samples in grokify/chathooks)"
_BODY_ASSUMED = "the body is assumed"

# Event, when it is sent, source of its body.
_EVENTS = (
    ("chat_session.start", "a session starts: the first time, or again after the end", _OLDER),
    ("chat_session.message_received", "the contact writes", _OLDER),
    ("chat_session.message_sent", "an operator writes", _OLDER),
    ("chat_session.unread", "a session ends with messages that no operator has read", _OLDER),
    ("chat_session.end", "a session ends", _OLDER),
    ("chat_session.forward", "the conversation goes to another operator or group", _OLDER),
    ("chat_session.rating", "the contact rates the conversation", _OLDER),
    ("chat_session.feedback", "the contact leaves feedback", _OLDER),
    ("chat_session.survey", "the contact answers the survey after the end", _OLDER),
    ("chat_session.goal", "a goal is reached", _OLDER),
    ("conversation.ended", "the conversation's status is set to ended", _OLDER),
    ("operator.online", "an operator goes online", _OLDER),
    ("operator.offline", "an operator goes offline", _OLDER),
    ("operator.away", "an operator goes away", _OLDER),
    ("operator.back", "an operator comes back from away", _OLDER),
    ("contact.created", "a contact is created", _BODY_ASSUMED),
    ("contact.updated", "a contact is changed", _BODY_ASSUMED),
    ("um_widget.config", "a widget's configuration is edited", _OLDER),
)

_NAMES = frozenset(name for name, _, _ in _EVENTS)


ADD_ON = Profile(
    name="documented",
    title="the API add-on: a callback per event of sessions, conversations, operators, contacts and widgets",
    events=tuple(EventKind(name, summary, DOCUMENTED, f"{SOURCE}; {body}") for name, summary, body in _EVENTS),
    policy=Policy(
        accepted=Stated(frozenset({200}), DOCUMENTED, SOURCE),
    ),
    # Spelled as on the vendor's page; media types are case-insensitive (RFC 9110).
    headers={"Content-Type": "application/JSON"},
    reactions=REACTIONS,
    identify=partial(identify, _NAMES),
    memory=UserlikeMemory,
    order_key=order_key,
    event_keys=("_type", "_event"),
    # The channel that a conversation comes through is a chat widget here.
    account_fields=("customer_id",),
    inbox_fields=("chat_widget/id", "widget_id"),
    text_fields=frozenset({"feedback_message"}),
)

VENDOR = Vendor(name="userlike", title="Userlike", profiles={ADD_ON.name: ADD_ON, LEGACY.name: LEGACY})
