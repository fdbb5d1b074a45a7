"""Conversations and messages, by version.

Fields, types and their order: source of Chatwoot (chatwoot/chatwoot), v2.5.0 to v4.15.1, `webhook_data` and
`push_event_data` of app/models and app/presenters. A message has two forms: one for webhooks, and the database row that
is nested in a conversation.
"""

from __future__ import annotations

import re
from os.path import splitext
from typing import Any

from vendorsim.conversation.state import Account, Conversation, Message, Visitor
from vendorsim.core.times import iso
from vendorsim.scenario.verbs import Attachment
from vendorsim.vendors.messagehub.bodies import CHANNEL, DELETED_TEXT, INCOMING, OUTGOING, TEMPLATE, inbox_id, team_id
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.bodies.parties import (
    account_object,
    bot_pushed,
    browser,
    browser_date,
    contact_inbox,
    contact_object,
    contact_pushed,
    inbox_object,
    iso_or_null,
    referer,
    unix,
    user_object,
    user_pushed,
)
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory

__all__ = [
    "DELIVERED",
    "FAILED",
    "MESSAGE_TYPES",
    "READ",
    "SENT",
    "conversation_object",
    "message_object",
    "message_type",
    "nested_message",
]

MESSAGE_TYPES = {INCOMING: "incoming", OUTGOING: "outgoing", TEMPLATE: "template"}
MOST_UNREAD = 10
SENT, DELIVERED, READ, FAILED = "sent", "delivered", "read", "failed"
# More than the attachments of any message. Used to make their ids.
_ATTACHMENTS = 32
_FILE_TYPES = ("image", "audio", "video")
_BACKSLASHES, _LAST_BREAKS = re.compile(r"\\\r?\n"), re.compile(r"(?:\r?\n)+\Z")


def conversation_object(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    """A conversation. `id` is the number that agents see."""
    body: dict[str, Any] = {
        "additional_attributes": {
            "browser": browser(conversation.visitor),
            "referer": referer(conversation, 0),
            "initiated_at": {"timestamp": browser_date(conversation.started_at)},
            "browser_language": conversation.visitor.language or "",
        },
        "can_reply": True,
        "channel": CHANNEL,
        "contact_inbox": contact_inbox(conversation, memory),
        "id": conversation.id,
        "inbox_id": inbox_id(conversation.account),
        "messages": _newest_public(conversation, memory),
    }
    if memory.has(versions.LABELS):
        body["labels"] = list(conversation.labels)
    body |= {
        "meta": _meta(conversation, memory),
        "status": memory.status,
        "custom_attributes": conversation.attributes,
        "snoozed_until": iso_or_null(memory.snoozed_until),
        "unread_count": unread_count(memory),
    }
    if memory.has(versions.FIRST_REPLY):
        body["first_reply_created_at"] = iso_or_null(memory.first_reply_at)
    if memory.has(versions.PRIORITY):
        body["priority"] = conversation.priority
    if memory.has(versions.WAITING_SINCE):
        body["waiting_since"] = unix(memory.waiting_since)
    return body | _times(conversation, memory) | _account_since(conversation, memory)


def message_object(message: Message, conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    """A message with its conversation, which contains the newest message again in its other form."""
    body: dict[str, Any] = {"account": account_object(conversation.account)}
    if memory.has(versions.MESSAGE_ADDITIONAL_ATTRIBUTES):
        body["additional_attributes"] = {}
    body |= {
        "content_attributes": _content_attributes(message, memory),
        "content_type": _content_type(message),
        "content": _content(message, memory),
        "conversation": conversation_object(conversation, memory),
        "created_at": iso(message.at),
        "id": message.id,
        "inbox": inbox_object(conversation.account),
        "message_type": MESSAGE_TYPES[message_type(message)],
        "private": message.private,
        "sender": _sender(message, conversation, memory),
        "source_id": message.source_id,
    }
    if memory.has(versions.ATTACHMENTS):
        body |= _attachments(message, conversation.account, memory)
    return body


def nested_message(message: Message, conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    """A message in the form nested in a conversation: the whole row, with numbers where the other form has text."""
    body: dict[str, Any] = {
        "id": message.id,
        "content": _content(message, memory),
        "account_id": conversation.account.id,
        "inbox_id": inbox_id(conversation.account),
        "conversation_id": conversation.id,
        "message_type": message_type(message),
        "created_at": unix(message.at),
        "updated_at": iso(memory.edited.get(message.id, message.at)),
        "private": message.private,
        "status": memory.statuses.get(message.id, SENT),
        "source_id": message.source_id,
        "content_type": _content_type(message),
        "content_attributes": _content_attributes(message, memory),
        "sender_type": _sender_type(message),
        "sender_id": message.author.id if message.author is not None else None,
        "external_source_ids": {},
        "additional_attributes": {},
    }
    if memory.has(versions.PROCESSED_CONTENT):
        body["processed_message_content"] = _content(message, memory)
    if memory.has(versions.SENTIMENT):
        body["sentiment"] = {}
    body["conversation"] = _of_nested(conversation, memory)
    if isinstance(message.author, Visitor):
        body["sender"] = contact_pushed(conversation, memory)
    elif message.author is not None:
        body["sender"] = user_pushed(conversation, message.author)
    return body | _attachments(message, conversation.account, memory)


def _of_nested(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    """What a nested message says of its conversation."""
    body: dict[str, Any] = {"assignee_id": memory.assignee.id if memory.assignee is not None else None}
    if memory.has(versions.NESTED_UNREAD):
        body["unread_count"] = unread_count(memory)
    if memory.has(versions.NESTED_ACTIVITY):
        body["last_activity_at"] = unix(last_activity(conversation))
    if memory.has(versions.SENTIMENT):
        body["contact_inbox"] = {"source_id": conversation.visitor.token}
    return body


def message_type(message: Message) -> int:
    """INCOMING from the visitor, OUTGOING from an agent, TEMPLATE for automatic messages."""
    if message.by_visitor:
        return INCOMING
    return OUTGOING if message.by_agent else TEMPLATE


def last_activity(conversation: Conversation) -> int:
    """The time of the newest message, else of the start, in milliseconds since 1970."""
    return max(conversation.started_at, conversation.messages[-1].at if conversation.messages else 0)


def unread_count(memory: ChatwootMemory) -> int:
    return min(memory.unread, MOST_UNREAD) if memory.has(versions.UNREAD_CAPPED) else memory.unread


def _times(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    body: dict[str, Any] = {
        "agent_last_seen_at": unix(conversation.agent_seen_at),
        "contact_last_seen_at": unix(conversation.visitor_seen_at),
    }
    active = unix(last_activity(conversation))
    if memory.has(versions.LAST_ACTIVITY_AT):
        body["last_activity_at"] = active
    body["timestamp"] = active
    if memory.has(versions.CREATED_AT):
        body["created_at"] = unix(conversation.started_at)
    if memory.has(versions.UPDATED_AT):
        body["updated_at"] = (memory.updated_at or conversation.started_at) / 1000
    return body


def _account_since(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    if memory.has(versions.ACCOUNT_IN_CONVERSATION):
        return {"account": account_object(conversation.account)}
    return {}


def _meta(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    assignee = memory.assignee
    meta: dict[str, Any] = {"sender": contact_pushed(conversation, memory), "assignee": None}
    if memory.bot_owns:
        meta["assignee"] = bot_pushed(conversation, memory)
    elif assignee is not None:
        meta["assignee"] = user_pushed(conversation, assignee)
    if memory.has(versions.ASSIGNEE_TYPE):
        meta["assignee_type"] = memory.bot if memory.bot_owns else "User" if assignee is not None else None
    if memory.has(versions.TEAM):
        team = conversation.team
        meta["team"] = {"id": team_id(team), "name": team} if team is not None else None
    return meta | {"hmac_verified": False}


def _newest_public(conversation: Conversation, memory: ChatwootMemory) -> list[dict[str, Any]]:
    for message in reversed(conversation.messages):
        if not message.private:
            return [nested_message(message, conversation, memory)]
    return []


def _sender(message: Message, conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any] | None:
    if isinstance(message.author, Visitor):
        return contact_object(conversation, memory)
    return user_object(message.author) if message.author is not None else None


def _sender_type(message: Message) -> str | None:
    if isinstance(message.author, Visitor):
        return "Contact"
    return "User" if message.author is not None else None


def _content(message: Message, memory: ChatwootMemory) -> str | None:
    """The text of the message. Newer servers clean it up for webhooks (app/services/messages: #13950, #14272)."""
    text = DELETED_TEXT if message.deleted else message.text
    if text and memory.has(versions.PLAIN_BREAKS):
        text = _BACKSLASHES.sub("\n", text)
    if text and memory.has(versions.NO_LAST_BREAKS):
        text = _LAST_BREAKS.sub("", text)
    return text


def _content_type(message: Message) -> str:
    return "text" if message.deleted else message.content_type


def _content_attributes(message: Message, memory: ChatwootMemory) -> dict[str, Any]:
    attributes: dict[str, Any] = {"deleted": True} if message.deleted else dict(message.attributes)
    if message.id in memory.errors:
        attributes["external_error"] = memory.errors[message.id]
    return attributes


def _attachments(message: Message, account: Account, memory: ChatwootMemory) -> dict[str, Any]:
    """The attachments; left out where there are none, and in deleted messages."""
    if not message.attachments or message.deleted:
        return {}
    made = [_attachment(item, number, message, account, memory) for number, item in enumerate(message.attachments)]
    return {"attachments": made}


def _attachment(
    item: Attachment, number: int, message: Message, account: Account, memory: ChatwootMemory
) -> dict[str, Any]:
    kind = (item.content_type or "").partition("/")[0]
    body: dict[str, Any] = {
        "id": message.id * _ATTACHMENTS + number,
        "message_id": message.id,
        "file_type": kind if kind in _FILE_TYPES else "file",
        "account_id": account.id,
        "extension": None,
    }
    if memory.has(versions.FILE_TYPE):
        # Older servers have a column for the extension and never fill it (#13945).
        body |= {"extension": splitext(item.name)[1][1:] or None, "content_type": item.content_type}
    if kind == "audio" and memory.has(versions.TRANSCRIBED):
        body["transcribed_text"] = ""
    body |= {"data_url": item.url, "thumb_url": item.url if kind == "image" else ""}
    if memory.has(versions.FILE_SIZE):
        body["file_size"] = item.size
    if memory.has(versions.IMAGE_SIZE):
        body |= {"width": None, "height": None}
    return body
