"""Parts of the bodies: contact, agent, account, inbox and browser, and the formats of times.

Source of Chatwoot, v2.5.0 and v4.15.1, app/models. A contact and an agent have two forms: one for webhooks, and one,
here called pushed, that servers push to the dashboard and nest in a conversation.
"""

from __future__ import annotations

from typing import Any

from vendorsim.conversation.state import Account, Agent, Conversation, Visitor
from vendorsim.core.times import iso, moment
from vendorsim.vendors.messagehub.bodies import inbox_id
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory

# Added to a contact's id to make the id of its contact_inbox, so that the two differ.
_CONTACT_INBOXES = 500_000


def contact_object(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    """A contact in the form for webhooks."""
    visitor = conversation.visitor
    account = account_object(conversation.account)
    if not memory.has(versions.WHOLE_CONTACT):
        return {"id": visitor.id, "name": visitor.name or "", "avatar": "", "type": "contact", "account": account}
    body = {
        "account": account,
        "additional_attributes": visitor.additional,
        "avatar": "",
        "custom_attributes": visitor.custom,
        "email": visitor.email,
        "id": visitor.id,
        "identifier": visitor.identifier,
        "name": visitor.name or "",
        "phone_number": visitor.phone,
        "thumbnail": "",
    }
    return body | _blocked(visitor, memory)


def contact_pushed(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    """A contact in the form nested in a conversation."""
    visitor = conversation.visitor
    body = {
        "additional_attributes": visitor.additional,
        "custom_attributes": visitor.custom,
        "email": visitor.email,
        "id": visitor.id,
        "identifier": visitor.identifier,
        "name": visitor.name or "",
        "phone_number": visitor.phone,
        "thumbnail": "",
    }
    return body | _blocked(visitor, memory) | {"type": "contact"}


def user_object(agent: Agent) -> dict[str, Any]:
    """An agent in the form for webhooks."""
    return {"id": agent.id, "name": agent.name, "email": agent.email, "type": "user"}


def user_pushed(agent: Agent) -> dict[str, Any]:
    """An agent in the form nested in a conversation: without an e-mail address."""
    return {
        "id": agent.id,
        "name": agent.name,
        "available_name": agent.name,
        "avatar_url": "",
        "type": "user",
        "availability_status": agent.presence if agent.presence in ("online", "offline") else "busy",
        "thumbnail": "",
    }


def account_object(account: Account) -> dict[str, Any]:
    return {"id": account.id, "name": account.name}


def inbox_object(account: Account) -> dict[str, Any]:
    return {"id": inbox_id(account), "name": f"{account.name} website"}


def contact_inbox_id(conversation: Conversation) -> int:
    return _CONTACT_INBOXES + conversation.visitor.id


def contact_inbox(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    """The database row. Its token would let anybody read the visitor's chats; the one here is obviously fake."""
    since = iso(memory.contact_since or conversation.started_at)
    return {
        "id": contact_inbox_id(conversation),
        "contact_id": conversation.visitor.id,
        "inbox_id": inbox_id(conversation.account),
        "source_id": conversation.visitor.token,
        "created_at": since,
        "updated_at": since,
        "hmac_verified": False,
        "pubsub_token": f"fake-pubsub-token-{contact_inbox_id(conversation)}",
    }


def _blocked(visitor: Visitor, memory: ChatwootMemory) -> dict[str, Any]:
    return {"blocked": visitor.blocked} if memory.has(versions.BLOCKED) else {}


def browser(visitor: Visitor) -> dict[str, Any]:
    return {
        "browser_name": visitor.browser or "",
        "browser_version": visitor.browser_version,
        "device_name": visitor.device,
        "platform_name": visitor.system,
        "platform_version": visitor.system_version,
    }


def referer(conversation: Conversation, position: int) -> str | None:
    """The URL of the page with the widget, as the widget tells it (`app/javascript/sdk/DOMHelpers.js`). `position` is 0
    for the first, -1 for the last."""
    return conversation.pages[position].url if conversation.pages else None


def unix(milliseconds: int | None) -> int:
    """Seconds since 1970; 0 for None."""
    return (milliseconds or 0) // 1000


def browser_date(milliseconds: int) -> str:
    """A date as JavaScript writes it: `Mon Jan 05 2026 09:00:00 GMT+0000 (Coordinated Universal Time)`."""
    return f"{moment(milliseconds):%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)"


def iso_or_null(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else iso(milliseconds)
