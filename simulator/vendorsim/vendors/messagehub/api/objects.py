"""The objects in the API's answers, the same in every profile.

Fields and types: source of Chatwoot (chatwoot/chatwoot), app/views/api/v1 (conversations/partials/_conversation,
models/_message, _contact, _inbox, _agent, _team, _user) and `push_event_data` of app/models/message.rb.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any
from uuid import UUID

from vendorsim.conversation.state import Account, Agent, Conversation, Message
from vendorsim.core.times import iso
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendors.messagehub import bodies
from vendorsim.vendors.messagehub.memory import MessageHubMemory
from vendorsim.vendors.messagehub.observed.bodies import conversations as observed
from vendorsim.vendors.messagehub.observed.bodies.inboxes import DEFAULTS, working_hours
from vendorsim.vendors.messagehub.observed.bodies.parties import (
    avatar_of,
    bot_pushed,
    contact_pushed,
    inbox_object,
    unix,
    user_pushed,
)
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory

WIDGET = "https://www.example.com"


def conversation_of(handle: ConversationHandle, conversation: Conversation) -> dict[str, Any]:
    """A conversation."""
    memory = _memory(handle, conversation)
    whole = observed.conversation_object(conversation, memory)
    newest = None
    if conversation.messages:
        newest = observed.nested_message(conversation.messages[-1], conversation, memory)
    seen = unix(conversation.agent_seen_at)
    active = unix(observed.last_activity(conversation))
    return {
        "meta": _meta(conversation, memory),
        "id": conversation.id,
        "messages": [] if newest is None else [newest],
        "account_id": conversation.account.id,
        "uuid": _uuid("conversation", conversation.account.id, conversation.id),
        "additional_attributes": whole["additional_attributes"],
        "agent_last_seen_at": seen,
        "assignee_last_seen_at": seen if memory.assignee is not None else 0,
        "can_reply": True,
        "contact_last_seen_at": unix(conversation.visitor_seen_at),
        "custom_attributes": conversation.attributes,
        "inbox_id": bodies.inbox_id(conversation.account),
        "labels": list(conversation.labels),
        "muted": conversation.visitor.blocked,
        "snoozed_until": snoozed_until(handle),
        "status": memory.status,
        "created_at": unix(conversation.started_at),
        "updated_at": (memory.updated_at or conversation.started_at) / 1000,
        "timestamp": active,
        "first_reply_created_at": unix(memory.first_reply_at),
        "unread_count": observed.unread_count(memory),
        "last_non_activity_message": newest,
        "last_activity_at": active,
        "priority": conversation.priority,
        "waiting_since": unix(memory.waiting_since),
        "sla_policy_id": None,
    }


def message_of(handle: ConversationHandle, conversation: Conversation, message: Message) -> dict[str, Any]:
    """A message. Its kind is a number and its time is in seconds since 1970."""
    whole = observed.nested_message(message, conversation, _memory(handle, conversation))
    keys = (
        "id",
        "content",
        "inbox_id",
        "conversation_id",
        "message_type",
        "content_type",
        "status",
        "content_attributes",
        "created_at",
        "private",
        "source_id",
    )
    return {
        **{key: whole[key] for key in keys},
        **{key: whole[key] for key in ("sender", "attachments") if key in whole},
    }


def messages_meta(handle: ConversationHandle, conversation: Conversation) -> dict[str, Any]:
    """The object `meta` beside a conversation's messages."""
    memory = _memory(handle, conversation)
    seen = unix(conversation.agent_seen_at)
    return {
        "labels": list(conversation.labels),
        "additional_attributes": observed.conversation_object(conversation, memory)["additional_attributes"],
        "contact": contact_pushed(conversation, memory),
        **({} if memory.assignee is None else {"assignee": user_pushed(conversation, memory.assignee)}),
        "agent_last_seen_at": seen,
        "assignee_last_seen_at": seen if memory.assignee is not None else 0,
    }


def contact_of(conversation: Conversation) -> dict[str, Any]:
    """The contact of a conversation, without its inboxes."""
    visitor = conversation.visitor
    written = [message.at for message in conversation.messages if message.by_visitor]
    return {
        "additional_attributes": visitor.additional,
        "availability_status": "offline",
        "email": visitor.email,
        "id": visitor.id,
        "name": visitor.name or "",
        "phone_number": visitor.phone,
        "blocked": visitor.blocked,
        "identifier": visitor.identifier,
        "thumbnail": avatar_of(conversation, visitor),
        "custom_attributes": visitor.custom,
        **({"last_activity_at": unix(written[-1])} if written else {}),
        "created_at": unix(conversation.started_at),
    }


def contact_inbox_of(source_id: str, account: Account) -> dict[str, Any]:
    """A contact's presence in an inbox."""
    return {"source_id": source_id, "inbox": slim_inbox_of(account)}


def slim_inbox_of(account: Account) -> dict[str, Any]:
    """An inbox in a contact."""
    return {
        "id": bodies.inbox_id(account),
        "avatar_url": "",
        "channel_id": bodies.inbox_id(account),
        "name": inbox_object(account)["name"],
        "channel_type": bodies.CHANNEL,
        "provider": None,
    }


def inbox_of(account: Account) -> dict[str, Any]:
    """An inbox with its settings. Tokens are obviously fake."""
    number = bodies.inbox_id(account)
    return {
        "id": number,
        "avatar_url": "",
        "channel_id": number,
        "name": inbox_object(account)["name"],
        "channel_type": bodies.CHANNEL,
        **DEFAULTS,
        "working_hours": working_hours(),
        "callback_webhook_url": None,
        "widget_color": "#1f93ff",
        "website_url": WIDGET,
        "hmac_mandatory": False,
        "welcome_title": "",
        "welcome_tagline": "",
        "web_widget_script": "",
        "website_token": f"fake-website-token-{number}",
        "selected_feature_flags": ["attachments", "emoji_picker", "end_conversation"],
        "reply_time": "in_a_few_minutes",
        "hmac_token": f"fake-hmac-token-{number}",
        "pre_chat_form_enabled": False,
        "pre_chat_form_options": {},
        "continuity_via_email": True,
        "messaging_service_sid": None,
        "phone_number": None,
        "provider": None,
    }


def profile_of(conversation: Conversation, has_api: bool = True) -> dict[str, Any]:
    """The user who owns the token: an administrator of the account. Tokens are obviously fake; it is empty if the plan
    has no API."""
    agent, account = conversation.default_agent(), conversation.account
    status = _availability(agent)
    return {
        "access_token": "fake-access-token" if has_api else "",
        "account_id": account.id,
        "available_name": agent.name,
        "avatar_url": avatar_of(conversation, agent),
        "confirmed": True,
        "display_name": None,
        "message_signature": None,
        "email": agent.email,
        "id": agent.id,
        "inviter_id": None,
        "name": agent.name,
        "provider": "email",
        "pubsub_token": "fake-pubsub-token",
        "role": "administrator",
        "ui_settings": {},
        "uid": agent.email,
        "type": None,
        "accounts": [
            {
                "id": account.id,
                "name": account.name,
                "status": "active",
                "active_at": None,
                "role": "administrator",
                "permissions": ["administrator"],
                "availability": status,
                "availability_status": status,
                "auto_offline": True,
            }
        ],
    }


def status_of(handle: ConversationHandle) -> str:
    """The conversation's status in the bodies."""
    memory: MessageHubMemory | ChatwootMemory = handle.memory
    return memory.status


def snoozed_until(handle: ConversationHandle) -> str | None:
    """The time at which a snoozed conversation opens again; None in profiles that don't have it."""
    memory = handle.memory
    if not isinstance(memory, ChatwootMemory) or memory.snoozed_until is None:
        return None
    return iso(memory.snoozed_until)


def agent_of(conversation: Conversation, agent: Agent, *, administrator: bool) -> dict[str, Any]:
    """An agent in the API's form."""
    return {
        "id": agent.id,
        "account_id": conversation.account.id,
        "availability_status": _availability(agent),
        "auto_offline": True,
        "confirmed": True,
        "email": agent.email,
        "available_name": agent.name,
        "name": agent.name,
        "role": "administrator" if administrator else "agent",
        "thumbnail": avatar_of(conversation, agent),
    }


def agent_shown(conversation: Conversation, agent: Agent) -> dict[str, Any]:
    """An agent. The first one of the cast is the administrator, since only administrators may change webhooks."""
    return agent_of(conversation, agent, administrator=agent == conversation.default_agent())


def team_of(name: str, account: int) -> dict[str, Any]:
    """A team in the API's form."""
    return {
        "id": bodies.team_id(name),
        "name": name,
        "description": None,
        "allow_auto_assign": True,
        "account_id": account,
    }


def teams_of(conversation: Conversation) -> list[str]:
    """The names of the teams: the groups of the agents, and the team of the conversation."""
    groups: Iterable[str] = (agent.group for agent in conversation.agents.values())
    names = dict.fromkeys(groups)
    if conversation.team is not None:
        names[conversation.team] = None
    return list(names)


def author_of(conversation: Conversation) -> Agent:
    """The agent who owns the token: the one in the conversation, else the first of the cast."""
    return conversation.current_agent or conversation.default_agent()


def _meta(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    meta: dict[str, Any] = {"sender": contact_of(conversation), "channel": bodies.CHANNEL}
    if memory.bot_owns:
        meta |= {"assignee": bot_pushed(conversation, memory), "assignee_type": memory.bot}
    elif memory.assignee is not None:
        meta |= {"assignee": agent_shown(conversation, memory.assignee), "assignee_type": "User"}
    if conversation.team is not None:
        meta["team"] = team_of(conversation.team, conversation.account.id)
    return meta | {"hmac_verified": False}


def _memory(handle: ConversationHandle, conversation: Conversation) -> ChatwootMemory:
    """What a server remembers. The profile `documented` remembers a part of it."""
    memory = handle.memory
    if isinstance(memory, ChatwootMemory):
        return memory
    assert isinstance(memory, MessageHubMemory)
    return ChatwootMemory(status=memory.status, assignee=conversation.assignee, unread=memory.unread)


def _availability(agent: Agent) -> str:
    return agent.presence if agent.presence in ("online", "offline") else "busy"


def _uuid(*parts: object) -> str:
    return str(UUID(bytes=blake2b(repr(parts).encode(), digest_size=16).digest(), version=4))
