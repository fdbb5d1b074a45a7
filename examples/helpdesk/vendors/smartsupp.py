"""Smartsupp's POST hook: one body per finished chat, missed chat or offline message, sent when all is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..body import Body, flag, identity, integer, mapping, moment, text
from ..lines import lines
from ..tickets import AUTOMATIC, CLOSED, Message, Update, Version


def smartsupp(body: Body) -> Update | None:
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
            continue  # A code such as agent.join, which nobody wrote.
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
