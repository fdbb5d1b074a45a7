"""Userlike: every callback of a chat contains the whole chat as it was at that time.

Before Unified Messaging a chat was called `chat_meta`; it had the same fields, and no events for single messages. A
message left while no operator was online was not a chat, but had a callback of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..body import Body, Mismatch, identity, integer, mapping, moment, text
from ..lines import lines
from ..tickets import AGENT, ANNOUNCED, AUTOMATIC, CARRIED, CLOSED, OPEN, VISITOR, Message, Update, Version

# The fields that an event announces; the others are only contained in the body.
_ANNOUNCES = {
    "start": ("status",),
    "end": ("status",),
    "ended": ("status",),
    "receive": ("status",),
    "unread": ("status", "unanswered"),
    "message_sent": ("unanswered",),
    "forward": ("assignee", "team"),
    "rating": ("rating",),
    "feedback": ("feedback",),
    "survey": ("survey",),
    "goal": ("goal",),
}
# Messages have only a name, which visitor and operator may share. These events tell who wrote the last message.
_AUTHORS = {"message_received": VISITOR, "message_sent": AGENT}
# The registration fields that the widget asks for.
_PHONE, _CUSTOMER = "Phone number", "Customer ID"


def userlike(body: Body) -> Update | None:
    kind, event, number = body.need("_type", text), body.need("_event", text), body.need("id", identity)
    if kind == "offline_message":
        return _offline_message(body, number)
    if kind not in ("chat_session", "conversation", "chat_meta"):
        return None
    update = Update(number)
    version = _version(body)
    operator, goal = body.child("operator_current"), body.child("chat_widget_goal")
    group = operator.child("operator_group") if operator else body.child("operator_group")
    fields = [f"client_additional0{n}" for n in (1, 2, 3)]
    registration = {body.get(f"{field}_name", text): body.get(f"{field}_value", text) for field in fields}
    update.add(
        version,
        _ANNOUNCES.get(event, ()),
        status=_status(body, kind),
        unanswered={"unread": True, "message_sent": False}.get(event),
        name=body.get("client_name", text) or None,
        email=body.get("client_email", text) or None,
        phone=registration.get(_PHONE),
        identifier=registration.get(_CUSTOMER),
        custom=body.get("custom", mapping),
        assignee=operator.person() if operator else None,
        team=group.get("name", text) if group else None,
        rating=body.get("rate", integer),
        feedback=body.get("feedback_message", text) or None,
        survey=body.get("post_survey_option", text),
        goal=goal.get("name", text) if goal else None,
    )
    update.messages += _messages(body, _AUTHORS.get(event))
    update.messages += _notes(body)
    return update


def _offline_message(body: Body, number: str) -> Update:
    """Returns a ticket of its own, because its number may also be that of a chat. It never changes."""
    update = Update(f"offline-{number}", live=False)
    at, name = body.need("created_at", moment), body.get("client_name", text) or None
    update.add(
        (at, 1),
        status=CLOSED,
        unanswered=True,
        name=name,
        email=body.get("client_email", text) or None,
        custom=body.get("custom", mapping),
    )
    update.messages.append(Message("offline", VISITOR, name, body.need("message", text), at, 0, (ANNOUNCED,)))
    return update


def _version(body: Body) -> Version:
    """There is no sequence number: the version is the body's time (start and duration) and its number of messages."""
    written = body.children("messages") + body.children("notes")
    moments = [item.need("sent_at", moment) for item in written]
    moments.append(body.need("created_at", moment) + (body.get("duration", _duration) or 0))
    moments.append(body.get("ended_at", moment) or 0)
    return max(moments), len(written)


def _status(body: Body, kind: str) -> str | None:
    """An operator can send a conversation by hand, open or not; only its status tells if it has ended."""
    if kind == "conversation":
        return CLOSED if body.get("status", text) == "ended" else None
    return CLOSED if body.get("ended_at", moment) else OPEN


def _messages(body: Body, author_of_last: str | None) -> Iterator[Message]:
    visitor, items = body.get("client_name", text) or "", body.children("messages")
    for order, (key, line) in enumerate(lines(items, "sent_at", "person", "message")):
        if author_of_last is not None and order == len(items) - 1:
            author, rank = author_of_last, ANNOUNCED
        else:
            author, rank = VISITOR if line.author == visitor else AGENT if line.author else AUTOMATIC, CARRIED
        yield Message(key, author, line.author or None, line.text, line.at, order, (rank,))


def _notes(body: Body) -> Iterator[Message]:
    for order, (key, line) in enumerate(lines(body.children("notes"), "sent_at", "name", "body")):
        yield Message(f"note {key}", AGENT, line.author or None, line.text, line.at, order, (CARRIED,), private=True)


def _duration(value: Any) -> int:
    """Converts `00:02:53` to milliseconds."""
    found = re.fullmatch(r"([0-9]{1,6}):([0-9]{2}):([0-9]{2})", value) if isinstance(value, str) else None
    if found is None:
        raise Mismatch("a duration such as 00:02:53")
    hours, minutes, seconds = map(int, found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000
