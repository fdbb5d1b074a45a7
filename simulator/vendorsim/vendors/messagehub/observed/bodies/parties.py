"""Parts of the bodies: contact, agent, account, inbox and browser, and the formats of times.

Source of Chatwoot, v2.5.0 and v4.15.1, app/models. A contact and an agent have two forms: one for webhooks, and one,
here called pushed, that servers push to the dashboard and nest in a conversation.
"""

from __future__ import annotations

from typing import Any

from vendorsim.conversation import files
from vendorsim.conversation.state import Account, Agent, Conversation, Visitor
from vendorsim.core.times import iso, moment
from vendorsim.vendors.messagehub.bodies import inbox_id
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.memory import AGENT_BOT, ChatwootMemory

# Added to a contact's id to make the id of its contact_inbox, so that the two differ.
_CONTACT_INBOXES = 500_000
# Added to an inbox's id to make the id of its bot.
_BOTS = 700_000


def contact_object(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    """A contact in the form for webhooks."""
    visitor = conversation.visitor
    account, url = account_object(conversation.account), avatar_of(conversation, visitor)
    if not memory.has(versions.WHOLE_CONTACT):
        return {"id": visitor.id, "name": visitor.name or "", "avatar": url, "type": "contact", "account": account}
    body = {
        "account": account,
        "additional_attributes": visitor.additional,
        "avatar": url,
        "custom_attributes": visitor.custom,
        "email": visitor.email,
        "id": visitor.id,
        "identifier": visitor.identifier,
        "name": visitor.name or "",
        "phone_number": visitor.phone,
        "thumbnail": url,
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
        "thumbnail": avatar_of(conversation, visitor),
    }
    return body | _blocked(visitor, memory) | {"type": "contact"}


def avatar_of(conversation: Conversation, person: Visitor | Agent) -> str:
    """The URL of a person's picture; "" where there is none (app/models/concerns/avatarable.rb)."""
    return files.avatar(conversation, person.id, person.avatar) or ""


def user_object(agent: Agent) -> dict[str, Any]:
    """An agent in the form for webhooks."""
    return {"id": agent.id, "name": agent.name, "email": agent.email, "type": "user"}


def user_pushed(conversation: Conversation, agent: Agent) -> dict[str, Any]:
    """An agent in the form nested in a conversation: without an e-mail address."""
    url = avatar_of(conversation, agent)
    return {
        "id": agent.id,
        "name": agent.name,
        "available_name": agent.name,
        "avatar_url": url,
        "type": "user",
        "availability_status": agent.presence if agent.presence in ("online", "offline") else "busy",
        "thumbnail": url,
    }


def bot_id(conversation: Conversation) -> int:
    """The id of the inbox's bot."""
    return _BOTS + inbox_id(conversation.account)


def bot_pushed(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    """The bot of the inbox in the form nested in a conversation (app/models/agent_bot.rb, and
    enterprise/app/models/captain/assistant.rb). Its name is assumed."""
    number = bot_id(conversation)
    if memory.bot == AGENT_BOT:
        return {"id": number, "name": "Bot", "avatar_url": "", "type": "agent_bot"}
    return {
        "id": number,
        "name": "Captain",
        "avatar_url": "",
        "description": None,
        "created_at": iso(conversation.started_at),
        "type": "captain_assistant",
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
