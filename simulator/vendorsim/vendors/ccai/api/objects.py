"""The objects of the Apps API's answers.

The keys of the chat object are documented, but only a few of its values. The other values are assumed.
"""

from __future__ import annotations

from typing import Any

from vendorsim.conversation import files
from vendorsim.conversation.state import SNOOZED, Agent, Conversation, Message
from vendorsim.core.times import iso
from vendorsim.vendors.ccai import bodies

FINISHED, DISMISSED, ASSIGNED, QUEUED = "finished", "dismissed", "assigned", "queued"


def chat_object(conversation: Conversation, menu_id: int | None = None, lang: str | None = None) -> dict[str, Any]:
    """Returns a chat as it is now. `menu_id` and `lang` are those of `create_chat`; None: not given."""
    status = chat_status(conversation)
    agent = conversation.current_agent
    return {
        "id": conversation.id,
        "status": status,
        "status_text": status.capitalize(),
        "features": [],
        "created_at": iso(conversation.started_at),
        "ends_at": None if conversation.ended_at is None else iso(conversation.ended_at),
        "timeout_at": None,
        "agent": None if agent is None else _agent(conversation, agent),
        "virtual_agent": None,
        "all_agents": [_agent(conversation, joined) for joined in conversation.joined],
        "all_virtual_agents": [],
        "lang": lang or conversation.locale.partition("_")[0],
        "menus": [] if menu_id is None else [{"id": menu_id, "name": f"Menu {menu_id}"}],
        "end_user": {"id": conversation.visitor.id, "identifier": conversation.visitor.identifier},
    }


def messages(conversation: Conversation) -> list[dict[str, Any]]:
    """Returns what was said in a chat, in the form of the transcript that a new chat can be given."""
    return [
        {"sender": _sender(message), "timestamp": iso(message.at), "content": [_part(part) for part in parts]}
        for message in conversation.public_messages()
        if (parts := list(bodies.messages(message, conversation)))
    ]


def escalations(conversation: Conversation) -> list[dict[str, Any]]:
    """Returns the escalations of a chat: one with the chat's number if it went to a team, else none. All of it is
    assumed, but for `id`, which a public client reads."""
    return [] if conversation.team is None else [{"id": conversation.id}]


def _sender(message: Message) -> str:
    if message.by_visitor:
        return "end_user"
    return "agent" if message.by_agent else "virtual_agent"


def _part(message: dict[str, Any]) -> dict[str, Any]:
    """A text, or a file by its `media_id`."""
    if "media_id" in message:
        return {"type": message["type"], "media_id": message["media_id"]}
    return {"type": message["type"], "text": message["content"]}


def chat_status(conversation: Conversation) -> str:
    """Returns `finished`, `dismissed`, `assigned` (an agent has joined) or `queued`."""
    if conversation.ended:
        return FINISHED
    if conversation.status == SNOOZED:
        return DISMISSED
    return ASSIGNED if conversation.joined else QUEUED


def _agent(conversation: Conversation, agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name,
        "first_name": agent.first_name,
        "avatar_url": files.avatar(conversation, agent.id, agent.avatar),
        "status": agent.presence,
    }
