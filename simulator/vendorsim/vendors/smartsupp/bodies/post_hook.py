"""The body of the POST hook.

Field rules: Smartsupp, "Export to 3rd-party system" (help.smartsupp.com), its table and example. Counts and averages
are computed so that they give the numbers of the example. What the page doesn't say is `assumed` in the contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vendorsim.conversation.state import (
    BY_VISITOR,
    CLOSED,
    Agent,
    Conversation,
    Departed,
    Ended,
    Entered,
    Message,
    Visitor,
)

# `close.visitorClose` is documented; the others are from the vendor's websocket SDK.
_CLOSE_CODES = {"visitor": "close.visitorClose", "timeout": "close.timeout"}
_CLOSED_BY_AGENT = "close.agentClose"


def post_hook(conversation: Conversation) -> dict[str, Any]:
    """The copy of a finished chat, a missed chat or an offline message. Times are in milliseconds since 1970."""
    messages = list(_messages(conversation))
    return {
        "accountId": conversation.account.id,
        "beginAt": conversation.started_at,
        "endAt": conversation.ended_at or conversation.now,
        "channel": _channel(conversation, messages),
        "visitor": _visitor(conversation.visitor),
        "paths": [{"url": page.url, "title": page.title} for page in conversation.pages],
        "messages": messages,
    }


def _channel(conversation: Conversation, messages: list[dict[str, Any]]) -> dict[str, Any]:
    public = conversation.public_messages()
    visitor_wrote = any(message.by_visitor for message in public)
    agent_wrote = any(message.by_agent for message in public)
    agent_joined = agent_wrote or any(isinstance(entry, Entered) for entry in conversation.log)
    unanswered = _unanswered(public)
    # The visitor who closes the chat needs no answer to the last message.
    answer_needed = not _closed_by_visitor(conversation)
    is_offline = conversation.offline
    is_chat = visitor_wrote and agent_wrote
    is_missed = conversation.missed or (not is_offline and answer_needed and unanswered > 0)
    waits = _response_times(public)
    counted = [message for message in messages if message["triggeredBy"] is None]
    return {
        "id": conversation.id,
        "isChat": is_chat,
        "isMissed": is_missed,
        "isTriggered": any(message.trigger is not None for message in conversation.messages),
        "isOffline": is_offline,
        "isCompleted": (
            conversation.status == CLOSED
            and is_chat
            and not is_missed
            and not is_offline
            and unanswered <= (0 if answer_needed else 1)
        ),
        "isDropped": visitor_wrote and not is_offline and not agent_joined,
        "duration": ((conversation.ended_at or conversation.now) - conversation.started_at) // 1000,
        "avgResponse": sum(waits) // len(waits) // 1000 if waits else 0,
        "firstResponse": waits[0] // 1000 if waits else 0,
        "messagesCount": len(counted),
        "wordsCount": sum(len(message["content"].split()) for message in counted),
        "rating": conversation.rating,
        "ratingDesc": None if conversation.rating is None else conversation.rating_comment or "",
    }


def _unanswered(public: list[Message]) -> int:
    """How many messages the visitor has sent since a human agent last wrote."""
    count = 0
    for message in public:
        if message.by_visitor:
            count += 1
        elif message.by_agent:
            count = 0
    return count


def _closed_by_visitor(conversation: Conversation) -> bool:
    """Whether the visitor closed the chat, instead of just leaving it (`miss`)."""
    ends = [entry for entry in conversation.log if isinstance(entry, Ended)]
    return conversation.ended and not conversation.missed and bool(ends) and ends[-1].by == BY_VISITOR


def _response_times(public: list[Message]) -> list[int]:
    """Milliseconds from each first unanswered message of the visitor to the answer."""
    waits: list[int] = []
    waiting_since: int | None = None
    for message in public:
        if message.by_visitor:
            waiting_since = message.at if waiting_since is None else waiting_since
        elif message.by_agent and waiting_since is not None:
            waits.append(message.at - waiting_since)
            waiting_since = None
    return waits


def _visitor(visitor: Visitor) -> dict[str, Any]:
    return {
        "id": visitor.id,
        "name": visitor.name or "",
        "email": visitor.email or "",
        "note": visitor.note or "",
        "group": visitor.group,
        "ipAddress": visitor.ip or "",
        "city": visitor.city or "",
        "countryCode": visitor.country_code or "",
        "country": visitor.country or "",
        "userAgent": visitor.user_agent or "",
        "platform": visitor.platform or "",
        "referer": visitor.referer or "",
        "variables": {key: _variable(key, value) for key, value in visitor.custom.items()},
    }


def _variable(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"label": value["label"], "value": value["value"]}
    return {"label": key, "value": value}


def _messages(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """The log of the chat, without private notes and deleted messages (assumed)."""
    named = False
    for entry in conversation.log:
        if isinstance(entry, Message):
            if not entry.private and not entry.deleted:
                yield _written(entry, conversation.visitor, named)
                named = named or entry.by_visitor
        elif isinstance(entry, Entered):
            yield _system(entry.agent.name, f"agent:{entry.agent.id}", "agent.join", entry.at)
        elif isinstance(entry, Departed):
            yield _system(entry.agent.name, f"agent:{entry.agent.id}", "agent.leave", entry.at)
        else:
            yield _ended(entry, conversation.visitor)


def _system(name: str, sender: str, content: str, at: int) -> dict[str, Any]:
    return {"type": "system", "name": name, "from": sender, "content": content, "sentAt": at, "triggeredBy": None}


def _ended(entry: Ended, visitor: Visitor) -> dict[str, Any]:
    if isinstance(entry.by, Agent):
        return _system(entry.by.name, "system", _CLOSED_BY_AGENT, entry.at)
    name = (visitor.name or "") if entry.by == "visitor" else ""
    return _system(name, "system", _CLOSE_CODES[entry.by], entry.at)


def _written(message: Message, visitor: Visitor, named: bool) -> dict[str, Any]:
    """One message. The visitor's first one has no name; `named` is whether it was sent before."""
    content = message.text or " ".join(attachment.url or attachment.name for attachment in message.attachments)
    if isinstance(message.author, Visitor):
        name = {"name": visitor.name or ""} if named else {}
        sender = f"visitor:{visitor.token}"
        return {
            "type": "visitor",
            **name,
            "from": sender,
            "content": content,
            "sentAt": message.at,
            "triggeredBy": None,
        }
    agent = message.author
    return {
        "type": "agent",
        "name": agent.name if agent else "",
        "from": f"agent:{agent.id}" if agent else "system",
        "content": content,
        "sentAt": message.at,
        "triggeredBy": message.trigger,
    }
