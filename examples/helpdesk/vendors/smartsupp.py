"""Smartsupp: the POST hook sends a whole chat when it is over; event webhooks send each event of a chat.

Both may come to the same URL. Event webhooks have only the ids of agents and contacts; names would need a call of the
vendor's API.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..body import Body, Mismatch, array, flag, identity, integer, mapping, moment, text
from ..lines import lines
from ..tickets import (
    AGENT,
    ANNOUNCED,
    AUTOMATIC,
    CLOSED,
    OPEN,
    PENDING,
    VISITOR,
    Fact,
    Message,
    Update,
    Version,
)

_STATUSES = {"open": OPEN, "served": OPEN, "pending": PENDING, "closed": CLOSED}
_AUTHORS = {"contact": VISITOR, "agent": AGENT, "bot": AUTOMATIC, "trigger": AUTOMATIC, "system": AUTOMATIC}
_REPLIES = ("agent_replied", "contact_replied", "bot_replied")
_DELIVERIES = ("message_delivered", "message_delivery_failed")
_PRESENCES = ("agent_joined", "agent_left")


def smartsupp(body: Body) -> Update | None:
    if body.get("type", text) == "event_callback":
        return _event(body)
    return _post_hook(body)


def _event(body: Body) -> Update | None:
    subject, _, what = body.need("event", text).partition(".")
    data, at = body.need_child("data"), body.need("timestamp", moment)
    if subject in ("contact", "visitor"):
        data.need_child(subject).need("id", identity)
        data.get("conversation_id", identity)
        return None  # It says nothing about a conversation.
    if subject != "conversation":
        return None
    if what in _PRESENCES:
        data.need("conversation_id", identity)
        data.need("agent_id", identity)
        return None  # A present agent is not the assignee.
    if what in _DELIVERIES:
        message = data.need_child("message")
        update = Update(message.need("conversation_id", identity))
    else:
        conversation = data.need_child("conversation")
        update = _conversation(conversation, data, what, (at,))
        message = data.need_child("message") if what in _REPLIES else None
    if message is not None:
        update.messages.append(_event_message(message, at))
    return update


def _conversation(conversation: Body, data: Body, what: str, version: Version) -> Update:
    update = Update(conversation.need("id", identity))
    status, served = conversation.need("status", text), conversation.get("is_served", flag)
    update.add(
        version,
        status=_STATUSES.get(status, status),
        unanswered=None if served is None else not served,
        custom=conversation.get("variables", mapping),
        labels=conversation.get("tags", array),
        team=conversation.get("group_id", text),
        rating=conversation.get("rating_value", integer),
        feedback=conversation.get("rating_text", text) or None,
    )
    if what == "rated":
        update.add(
            version,
            ("rating", "feedback"),
            # Public receivers disagree about the name.
            rating=data.need("rating" if "rating" in data else "rating_value", integer),
            feedback=data.get("rating_text", text) or None,
        )
    update.facts += _assignees(conversation, data, what, version)
    return update


def _assignees(conversation: Body, data: Body, what: str, version: Version) -> Iterator[Fact]:
    """Yields the assignee: that of the conversation, or that of the event if the conversation has none."""
    given = data.need("assigned", identity) if what == "agent_assigned" else None
    holders = conversation.get("assigned_ids", array)
    if holders is None and what not in ("agent_assigned", "agent_unassigned"):
        return
    holder = given if holders is None else holders[0] if holders else None
    person = None if holder is None else {"id": str(holder), "name": None, "email": None}
    yield Fact("assignee", person, (*version, ANNOUNCED))


def _event_message(message: Body, at: int) -> Message:
    """`at` is the time of the event, which orders messages of the same time."""
    files = [file.get("url", text) or "" for file in message.children("attachments")]
    author = message.need("sub_type", text)
    return Message(
        key=message.need("id", identity),
        author=_AUTHORS.get(author, author),
        name=None,
        text=message.need("content", _content) or " ".join(files),
        at=message.need("created_at", moment),
        order=at,
        version=(at,),
    )


def _content(value: Any) -> str:
    """Reads {"type": "text", "text": "Hello"} or the older form "Hello"."""
    if isinstance(value, dict):
        value = value.get("text")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Mismatch("text, or an object with a text")
    return text(value)


def _post_hook(body: Body) -> Update:
    channel, visitor = body.need_child("channel"), body.need_child("visitor")
    update = Update(channel.need("id", identity), live=False)
    messages = body.children("messages")
    version = (body.need("endAt", moment), len(messages))
    update.add(
        version,
        status=CLOSED,
        unanswered=channel.need("isMissed", flag) or channel.need("isOffline", flag),
        name=visitor.get("name", text) or None,
        email=visitor.get("email", text) or None,
        custom=_variables(visitor),
        assignee=_last_agent(messages),
        rating=channel.get("rating", integer),
        feedback=channel.get("ratingDesc", text) or None,
    )
    update.messages += _messages(messages, version)
    return update


def _messages(items: list[Body], version: Version) -> Iterator[Message]:
    for order, (item, (key, line)) in enumerate(zip(items, lines(items, "sentAt", "from", "content"), strict=True)):
        author = item.need("type", text)
        if author == "system":
            continue  # A code such as agent.join, not a message.
        if item.get("triggeredBy", text) is not None:
            author = AUTOMATIC
        yield Message(key, author, item.get("name", text) or None, line.text, line.at, order, version)


def _last_agent(messages: list[Body]) -> dict[str, str | None] | None:
    joins = [item for item in messages if item.get("content", text) == "agent.join"]
    if not joins:
        return None
    last = joins[-1]
    return {"id": last.need("from", text).removeprefix("agent:"), "name": last.get("name", text), "email": None}


def _variables(visitor: Body) -> dict[str, Any] | None:
    """{"plan": {"label": "Plan", "value": "pro"}} → {"plan": "pro"}"""
    given = visitor.get("variables", mapping) or {}
    return {key: item.get("value") if isinstance(item, dict) else item for key, item in given.items()} or None
