"""The objects in the API's answers: conversations, messages, agents and teams.

They are those in the webhooks of the profile that is played, with the fields that the API's own views add
(chatwoot/chatwoot, app/views/api/v1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vendorsim.conversation.state import Agent, Conversation, Message
from vendorsim.core.times import iso
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendors.messagehub import bodies
from vendorsim.vendors.messagehub.memory import MessageHubMemory
from vendorsim.vendors.messagehub.observed.bodies import conversations as observed
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory


def conversation_of(handle: ConversationHandle, conversation: Conversation) -> dict[str, Any]:
    """A conversation as in the webhooks, with the API's own fields."""
    return {
        **_conversation(handle, conversation),
        "account_id": conversation.account.id,
        "labels": list(conversation.labels),
        "custom_attributes": conversation.attributes,
        "muted": False,
        "created_at": conversation.started_at // 1000,
    }


def message_of(handle: ConversationHandle, conversation: Conversation, message: Message) -> dict[str, Any]:
    """A message. In all profiles, its kind is a number and its time is in seconds since 1970."""
    whole = _message(handle, conversation, message)
    return {
        "id": message.id,
        "content": whole["content"],
        "inbox_id": whole["inbox"]["id"],
        "conversation_id": conversation.id,
        "message_type": observed.message_type(message),
        "content_type": whole["content_type"],
        "status": _delivery_of(handle, message),
        "content_attributes": whole["content_attributes"],
        "created_at": message.at // 1000,
        "private": message.private,
        "source_id": whole["source_id"],
        **{key: whole[key] for key in ("sender", "attachments") if whole.get(key) is not None},
    }


def messages_meta(handle: ConversationHandle, conversation: Conversation) -> dict[str, Any]:
    """The object `meta` beside a conversation's messages."""
    whole = _conversation(handle, conversation)
    return {
        "labels": list(conversation.labels),
        "additional_attributes": whole["additional_attributes"],
        "contact": whole["meta"]["sender"],
        **({"assignee": whole["meta"]["assignee"]} if whole["meta"].get("assignee") is not None else {}),
        "agent_last_seen_at": whole["agent_last_seen_at"],
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


def agent_of(agent: Agent, account: int, *, administrator: bool) -> dict[str, Any]:
    """An agent in the API's form."""
    return {
        "id": agent.id,
        "account_id": account,
        "availability_status": agent.presence if agent.presence in ("online", "offline") else "busy",
        "auto_offline": True,
        "confirmed": True,
        "email": agent.email,
        "available_name": agent.name,
        "name": agent.name,
        "role": "administrator" if administrator else "agent",
        "thumbnail": "",
    }


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


def _delivery_of(handle: ConversationHandle, message: Message) -> str:
    """The delivery status of a message; SENT in profiles that don't have one."""
    memory = handle.memory
    return memory.statuses.get(message.id, observed.SENT) if isinstance(memory, ChatwootMemory) else observed.SENT


def _conversation(handle: ConversationHandle, conversation: Conversation) -> dict[str, Any]:
    memory = handle.memory
    if isinstance(memory, ChatwootMemory):
        return observed.conversation_object(conversation, memory)
    return bodies.conversation_object(conversation, memory)


def _message(handle: ConversationHandle, conversation: Conversation, message: Message) -> dict[str, Any]:
    memory = handle.memory
    if isinstance(memory, ChatwootMemory):
        return observed.message_object(message, conversation, memory)
    return bodies.message_object(message, conversation, memory)
