"""The bodies of the event webhooks.

The envelope is documented (docs.smartsupp.com, REST API, Webhooks). `data` is not: its keys are those that a live
receiver reads, its objects those of the vendor's REST API. The contract says which is which.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from vendorsim.conversation.state import CLOSED, OPEN, PENDING, SNOOZED, Agent, Conversation, Message
from vendorsim.conversation.state import Visitor as Person
from vendorsim.core.seeding import derive
from vendorsim.core.times import iso
from vendorsim.vendors.smartsupp.bodies import ids
from vendorsim.vendors.smartsupp.memory import SmartsuppMemory

STATUSES = {OPEN: "open", PENDING: "pending", SNOOZED: "pending", CLOSED: "closed"}
CLOSED_BY_AGENT, CLOSED_BY_TIMEOUT = "agent_close", "timeout_close"
DELIVERED, FAILED = "delivered", "failed"
BY_EMAIL = "email"
_CHANNEL = {"type": "default", "id": None}
_COLOURS = 1 << 24


def envelope(event: str, data: dict[str, Any], conversation: Conversation, memory: SmartsuppMemory) -> dict[str, Any]:
    """A whole body. Every event of a conversation has a time of its own."""
    return {
        "type": "event_callback",
        "event": event,
        "timestamp": iso(memory.next_event_at(conversation.now)),
        "account_id": str(conversation.account.id),
        "app_id": ids.app_id(conversation.account.id),
        "data": data,
    }


def conversation_object(conversation: Conversation, memory: SmartsuppMemory) -> dict[str, Any]:
    """The conversation as it is now."""
    visitor, team = conversation.visitor, conversation.team
    return {
        "id": ids.conversation_id(conversation.id),
        "ext_id": None,
        "status": STATUSES[conversation.status],
        "unread": memory.unread,
        "is_offline": conversation.offline,
        "is_served": memory.served,
        "created_at": iso(conversation.started_at),
        "updated_at": iso(conversation.now),
        "finished_at": _iso_or_none(conversation.ended_at),
        "contact_id": ids.contact_id(visitor.id) if _is_contact(visitor, memory) else None,
        "visitor_id": ids.visitor_id(visitor.id),
        "group_id": team,
        "agent_ids": [agent_id(agent) for agent in conversation.joined],
        "assigned_ids": [agent_id(conversation.assignee)] if conversation.assignee is not None else [],
        "domain": urlsplit(conversation.pages[0].url).hostname if conversation.pages else None,
        "referer": visitor.referer,
        "rating_value": conversation.rating,
        "rating_text": conversation.rating_comment,
        "channel": _CHANNEL,
        "variables": _variables(visitor) | conversation.attributes,
        "tags": list(conversation.labels),
        "location": {
            "ip": visitor.ip,
            "code": visitor.country_code,
            "country": visitor.country,
            "city": visitor.city,
        },
        "last_message": _last_message(conversation),
    }


def message_object(message: Message, conversation: Conversation) -> dict[str, Any]:
    """A message, without the values of its delivery and as an answer: those are set for messages of agents."""
    agent = message.author if isinstance(message.author, Agent) else None
    trigger = message.trigger
    return {
        "id": ids.message_id(message.id),
        "ext_id": None,
        "type": "message",
        "sub_type": "contact" if message.by_visitor else "bot" if trigger is not None else "agent",
        "conversation_id": ids.conversation_id(conversation.id),
        "visitor_id": ids.visitor_id(conversation.visitor.id),
        "agent_id": agent_id(agent) if agent is not None else None,
        "content": _content(message),
        "trigger_id": None if trigger is None else trigger_id(trigger),
        "trigger_name": trigger,
        "delivery_to": None,
        "delivery_status": None,
        "delivered_at": None,
        "is_reply": False,
        "is_first_reply": False,
        "is_offline": message.offline,
        "is_offline_reply": False,
        "response_time": None,
        "page_url": conversation.pages[-1].url if conversation.pages else None,
        "attachments": _attachments(message),
        "channel": _CHANNEL,
        "created_at": iso(message.at),
        "updated_at": iso(message.at),
    }


def contact_object(conversation: Conversation, memory: SmartsuppMemory) -> dict[str, Any]:
    """The visitor as a contact."""
    visitor = conversation.visitor
    since = conversation.started_at if memory.contact_since is None else memory.contact_since
    return {
        "id": ids.contact_id(visitor.id),
        "email": visitor.email,
        "name": visitor.name,
        "phone": visitor.phone,
        "note": visitor.note,
        "banned_at": None,
        "banned_by": None,
        "gdpr_approved": False,
        "tags": [],
        "properties": _variables(visitor),
        "created_at": iso(min(since, conversation.now)),
        "updated_at": iso(conversation.now),
    }


def visitor_object(conversation: Conversation, memory: SmartsuppMemory) -> dict[str, Any]:
    """The visitor with browser and present page."""
    visitor = conversation.visitor
    page = conversation.pages[-1] if conversation.pages else None
    return {
        "id": ids.visitor_id(visitor.id),
        "created_at": iso(memory.seen(conversation.now)),
        "updated_at": iso(conversation.now),
        "is_online": memory.present,
        "status": "online" if memory.present else "offline",
        "visits": 1,
        "lang": visitor.language,
        "avatar": _avatar(visitor),
        "user_agent": visitor.user_agent,
        "browser": visitor.browser,
        "browser_version": visitor.browser_version,
        "platform": visitor.platform,
        "device": "desktop" if visitor.device == "Unknown" else "mobile",
        "os": f"{visitor.system} {visitor.system_version}",
        "location_country": visitor.country,
        "location_country_code": visitor.country_code,
        "location_city": visitor.city,
        "referrer": visitor.referer,
        "page_url": page.url if page is not None else None,
        "page_title": page.title if page is not None else None,
        "variables": _variables(visitor) or None,
    }


def agent_id(agent: Agent) -> str:
    """The id of an agent: a number, as text."""
    return str(agent.id)


def trigger_id(name: str) -> str:
    """The id of the automatic message of that name."""
    return ids.trigger_id(derive(0, "trigger", name))


def _is_contact(visitor: Person, memory: SmartsuppMemory) -> bool:
    return visitor.email is not None or memory.contact_since is not None


def _variables(visitor: Person) -> dict[str, Any]:
    """The visitor's custom data, without labels."""
    return {key: item["value"] if isinstance(item, dict) else item for key, item in visitor.custom.items()}


def _content(message: Message) -> dict[str, Any]:
    return {"type": "upload" if message.text is None else "text", "text": message.text}


def _attachments(message: Message) -> list[dict[str, Any]]:
    return [
        {
            "type": "image" if item.content_type.startswith("image/") else "file",
            "file_name": item.name,
            "file_type": item.content_type,
            "url": item.url,
            "size": item.size,
        }
        for item in message.attachments
    ]


def _last_message(conversation: Conversation) -> dict[str, Any] | None:
    """The newest message that is neither private nor deleted."""
    for message in reversed(conversation.messages):
        if not message.private and not message.deleted:
            return {"text": message.text, "created_at": iso(message.at)}
    return None


def _avatar(visitor: Person) -> dict[str, Any]:
    """The visitor's initials, and two colours derived from the id."""
    initials = "".join(word[0] for word in (visitor.name or "").split()[:2]).upper()
    text, background = (f"{derive(0, part, visitor.id) % _COLOURS:06x}" for part in ("text", "background"))
    return {"initials": initials or "A", "color": {"text": text, "bg": background}}


def _iso_or_none(at: int | None) -> str | None:
    return None if at is None else iso(at)
