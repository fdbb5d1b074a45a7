"""What the API answers of conversations, messages, agents and teams.

The objects are those of the webhooks of the profile that is played, with what the API's own documents and views add
(chatwoot/chatwoot, app/views/api/v1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vendorsim.conversation.state import Agent, Conversation, Message
from vendorsim.core.times import iso
from vendorsim.runs.conversation_handle import Handle
from vendorsim.vendors.messagehub import payloads
from vendorsim.vendors.messagehub.observed import payloads as observed


def conversation_of(handle: Handle, conversation: Conversation) -> dict[str, Any]:
    """A conversation as the webhooks have it, with the API's own fields."""
    return {
        **_conversation(handle, conversation),
        "account_id": conversation.account.id,
        "labels": list(conversation.labels),
        "custom_attributes": conversation.attributes,
        "muted": False,
        "created_at": conversation.started_at // 1000,
    }


def message_of(handle: Handle, conversation: Conversation, message: Message) -> dict[str, Any]:
    """A message: here its kind is a number and its time in seconds, whatever the webhooks have."""
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


def messages_meta(handle: Handle, conversation: Conversation) -> dict[str, Any]:
    """What stands beside a conversation's messages."""
    whole = _conversation(handle, conversation)
    return {
        "labels": list(conversation.labels),
        "additional_attributes": whole["additional_attributes"],
        "contact": whole["meta"]["sender"],
        **({"assignee": whole["meta"]["assignee"]} if whole["meta"].get("assignee") is not None else {}),
        "agent_last_seen_at": whole["agent_last_seen_at"],
    }


def status_of(handle: Handle) -> str:
    """The status that the vendor's bodies say."""
    notes: payloads.Notes | observed.Notes = handle.live.memory
    return notes.status


def snoozed_until(handle: Handle) -> str | None:
    """Until when the conversation is put off, where the profile knows that."""
    notes = handle.live.memory
    if not isinstance(notes, observed.Notes) or notes.snoozed_until is None:
        return None
    return iso(notes.snoozed_until)


def agent_of(agent: Agent, account: int, *, administrator: bool) -> dict[str, Any]:
    """An agent as the API lists them."""
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
    """A team as the API has it."""
    return {
        "id": payloads.team_id(name),
        "name": name,
        "description": None,
        "allow_auto_assign": True,
        "account_id": account,
    }


def teams_of(conversation: Conversation) -> list[str]:
    """The names of the teams: the groups of the agents, and the team that has the conversation."""
    groups: Iterable[str] = (agent.group for agent in conversation.agents.values())
    names = dict.fromkeys(groups)
    if conversation.team is not None:
        names[conversation.team] = None
    return list(names)


def author_of(conversation: Conversation) -> Agent:
    """Whose token it is: the agent who is in the conversation, or the first of the cast."""
    return conversation.current_agent or conversation.default_agent()


def _delivery_of(handle: Handle, message: Message) -> str:
    """How far a message has come, where the profile knows that."""
    notes = handle.live.memory
    return notes.statuses.get(message.id, observed.SENT) if isinstance(notes, observed.Notes) else observed.SENT


def _conversation(handle: Handle, conversation: Conversation) -> dict[str, Any]:
    notes = handle.live.memory
    if isinstance(notes, observed.Notes):
        return observed.conversation_object(conversation, notes)
    return payloads.conversation_object(conversation, notes)


def _message(handle: Handle, conversation: Conversation, message: Message) -> dict[str, Any]:
    notes = handle.live.memory
    if isinstance(notes, observed.Notes):
        return observed.message_object(message, conversation, notes)
    return payloads.message_object(message, conversation, notes)
