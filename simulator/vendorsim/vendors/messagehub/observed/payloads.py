"""The bodies that real servers send, version by version.

Fields, types and their order: source of Chatwoot (chatwoot/chatwoot), v2.5.0 and v4.15.1, `webhook_data` and
`push_event_data` of app/models and app/presenters. A message has two forms: one for webhooks, and the row that a
conversation holds.
"""

from __future__ import annotations

from typing import Any

from vendorsim.conversation.state import Account, Conversation, Message, Visitor
from vendorsim.core.times import iso
from vendorsim.scenario.verbs import Attachment
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.notes import Notes
from vendorsim.vendors.messagehub.observed.parties import (
    account_object,
    browser,
    browser_date,
    contact_inbox,
    contact_object,
    contact_pushed,
    inbox_id,
    inbox_object,
    iso_or_null,
    referer,
    unix,
    user_object,
    user_pushed,
)
from vendorsim.vendors.messagehub.payloads import CHANNEL, DELETED_TEXT, INCOMING, OUTGOING, TEMPLATE, team_id

__all__ = [
    "DELIVERED",
    "FAILED",
    "MESSAGE_TYPES",
    "READ",
    "SENT",
    "Notes",
    "conversation_object",
    "message_object",
    "message_type",
    "nested_message",
]

MESSAGE_TYPES = {INCOMING: "incoming", OUTGOING: "outgoing", TEMPLATE: "template"}
MOST_UNREAD = 10
SENT, DELIVERED, READ, FAILED = "sent", "delivered", "read", "failed"
# More attachments than a message has.
_ATTACHMENTS = 32
_FILE_TYPES = ("image", "audio", "video")


def conversation_object(conversation: Conversation, notes: Notes) -> dict[str, Any]:
    """A conversation. `id` is the number that the account's agents see."""
    body: dict[str, Any] = {
        "additional_attributes": {
            "browser": browser(conversation.visitor),
            "referer": referer(conversation, 0),
            "initiated_at": {"timestamp": browser_date(conversation.started_at)},
            "browser_language": conversation.visitor.language or "",
        },
        "can_reply": True,
        "channel": CHANNEL,
        "contact_inbox": contact_inbox(conversation, notes),
        "id": conversation.id,
        "inbox_id": inbox_id(conversation.account),
        "messages": _newest_public(conversation, notes),
    }
    if notes.has(versions.LABELS):
        body["labels"] = list(conversation.labels)
    body |= {
        "meta": _meta(conversation, notes),
        "status": notes.status,
        "custom_attributes": conversation.attributes,
        "snoozed_until": iso_or_null(notes.snoozed_until),
        "unread_count": unread_count(notes),
    }
    if notes.has(versions.FIRST_REPLY):
        body["first_reply_created_at"] = iso_or_null(notes.first_reply_at)
    if notes.has(versions.PRIORITY):
        body["priority"] = notes.priority
    if notes.has(versions.WAITING_SINCE):
        body["waiting_since"] = unix(notes.waiting_since)
    return body | _times(conversation, notes) | _account_since(conversation, notes)


def message_object(message: Message, conversation: Conversation, notes: Notes) -> dict[str, Any]:
    """A message with its conversation, which holds the newest message once more, in the other form."""
    body: dict[str, Any] = {"account": account_object(conversation.account)}
    if notes.has(versions.MESSAGE_ADDITIONAL_ATTRIBUTES):
        body["additional_attributes"] = {}
    body |= {
        "content_attributes": _content_attributes(message, notes),
        "content_type": _content_type(message),
        "content": _content(message),
        "conversation": conversation_object(conversation, notes),
        "created_at": iso(message.at),
        "id": message.id,
        "inbox": inbox_object(conversation.account),
        "message_type": MESSAGE_TYPES[message_type(message)],
        "private": message.private,
        "sender": _sender(message, conversation, notes),
        "source_id": None,
    }
    if notes.has(versions.ATTACHMENTS):
        body |= _attachments(message, conversation.account)
    return body


def nested_message(message: Message, conversation: Conversation, notes: Notes) -> dict[str, Any]:
    """A message as a conversation holds it: its whole row, with numbers where the other form has text."""
    body: dict[str, Any] = {
        "id": message.id,
        "content": _content(message),
        "account_id": conversation.account.id,
        "inbox_id": inbox_id(conversation.account),
        "conversation_id": conversation.id,
        "message_type": message_type(message),
        "created_at": unix(message.at),
        "updated_at": iso(notes.edited.get(message.id, message.at)),
        "private": message.private,
        "status": notes.statuses.get(message.id, SENT),
        "source_id": None,
        "content_type": _content_type(message),
        "content_attributes": _content_attributes(message, notes),
        "sender_type": _sender_type(message),
        "sender_id": message.author.id if message.author is not None else None,
        "external_source_ids": {},
        "additional_attributes": {},
        "processed_message_content": _content(message),
        "sentiment": {},
        "conversation": {
            "assignee_id": notes.assignee.id if notes.assignee is not None else None,
            "unread_count": unread_count(notes),
            "last_activity_at": unix(last_activity(conversation)),
            "contact_inbox": {"source_id": conversation.visitor.token},
        },
    }
    if isinstance(message.author, Visitor):
        body["sender"] = contact_pushed(conversation, notes)
    elif message.author is not None:
        body["sender"] = user_pushed(message.author)
    return body | _attachments(message, conversation.account)


def message_type(message: Message) -> int:
    """An automatic message is a template, other ones come from the visitor or go to them."""
    if message.by_visitor:
        return INCOMING
    return OUTGOING if message.by_agent else TEMPLATE


def last_activity(conversation: Conversation) -> int:
    """Moves with messages only."""
    return max(conversation.started_at, conversation.messages[-1].at if conversation.messages else 0)


def unread_count(notes: Notes) -> int:
    return min(notes.unread, MOST_UNREAD) if notes.has(versions.UNREAD_CAPPED) else notes.unread


def _times(conversation: Conversation, notes: Notes) -> dict[str, Any]:
    body: dict[str, Any] = {
        "agent_last_seen_at": unix(conversation.agent_seen_at),
        "contact_last_seen_at": unix(conversation.visitor_seen_at),
    }
    active = unix(last_activity(conversation))
    if notes.has(versions.LAST_ACTIVITY_AT):
        body["last_activity_at"] = active
    body["timestamp"] = active
    if notes.has(versions.CREATED_AT):
        body["created_at"] = unix(conversation.started_at)
    if notes.has(versions.UPDATED_AT):
        body["updated_at"] = (notes.updated_at or conversation.started_at) / 1000
    return body


def _account_since(conversation: Conversation, notes: Notes) -> dict[str, Any]:
    if notes.has(versions.ACCOUNT_IN_CONVERSATION):
        return {"account": account_object(conversation.account)}
    return {}


def _meta(conversation: Conversation, notes: Notes) -> dict[str, Any]:
    assignee = notes.assignee
    meta: dict[str, Any] = {
        "sender": contact_pushed(conversation, notes),
        "assignee": user_pushed(assignee) if assignee is not None else None,
    }
    if notes.has(versions.ASSIGNEE_TYPE):
        meta["assignee_type"] = "User" if assignee is not None else None
    if notes.has(versions.TEAM):
        team = conversation.team
        meta["team"] = {"id": team_id(team), "name": team} if team is not None else None
    return meta | {"hmac_verified": False}


def _newest_public(conversation: Conversation, notes: Notes) -> list[dict[str, Any]]:
    for message in reversed(conversation.messages):
        if not message.private:
            return [nested_message(message, conversation, notes)]
    return []


def _sender(message: Message, conversation: Conversation, notes: Notes) -> dict[str, Any] | None:
    if isinstance(message.author, Visitor):
        return contact_object(conversation, notes)
    return user_object(message.author) if message.author is not None else None


def _sender_type(message: Message) -> str | None:
    if isinstance(message.author, Visitor):
        return "Contact"
    return "User" if message.author is not None else None


def _content(message: Message) -> str | None:
    return DELETED_TEXT if message.deleted else message.text


def _content_type(message: Message) -> str:
    return "text" if message.deleted else message.content_type


def _content_attributes(message: Message, notes: Notes) -> dict[str, Any]:
    attributes: dict[str, Any] = {"deleted": True} if message.deleted else {}
    if message.id in notes.errors:
        attributes["external_error"] = notes.errors[message.id]
    return attributes


def _attachments(message: Message, account: Account) -> dict[str, Any]:
    """Left out where there are none. They go with a message that is deleted."""
    if not message.attachments or message.deleted:
        return {}
    made = [_attachment(item, number, message, account) for number, item in enumerate(message.attachments)]
    return {"attachments": made}


def _attachment(item: Attachment, number: int, message: Message, account: Account) -> dict[str, Any]:
    kind = (item.content_type or "").partition("/")[0]
    return {
        "id": message.id * _ATTACHMENTS + number,
        "message_id": message.id,
        "file_type": kind if kind in _FILE_TYPES else "file",
        "account_id": account.id,
        "extension": None,
        "content_type": item.content_type,
        "data_url": item.url,
        "thumb_url": item.url if kind == "image" else "",
        "file_size": item.size,
        "width": None,
        "height": None,
    }
