"""Operations that read conversations, agents and teams.

Rules: source of Chatwoot (chatwoot/chatwoot), app/finders/conversation_finder.rb.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import Blueprint, Response

from vendorsim.conversation.state import Agent, Conversation
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendors.messagehub.api.objects import (
    agent_of,
    author_of,
    conversation_of,
    status_of,
    team_of,
    teams_of,
)
from vendorsim.vendors.messagehub.api.requests import (
    account_id,
    answer,
    chosen,
    identifier,
    not_found,
    positive,
    queried,
)

ACCOUNT = "/api/v1/accounts/<account>"
CONVERSATIONS = f"{ACCOUNT}/conversations"
CONVERSATION = f"{CONVERSATIONS}/<conversation_id>"
PAGE = 25
STATUSES = ("open", "resolved", "pending", "snoozed")
ASSIGNEE_TYPES = ("all", "me", "assigned", "unassigned")
T = TypeVar("T")


def add_operations(api: Blueprint, backend: Backend) -> None:
    """Adds the operations that read conversations, agents and teams."""

    @api.get(CONVERSATIONS)
    def list_conversations(account: str) -> Response:
        account_id(backend, account)
        status = chosen("status", (*STATUSES, "all"), "open")
        assigned = chosen("assignee_type", ASSIGNEE_TYPES, "all")
        page = queried("page", positive, 1) or 1
        wanted = [handle for handle in _begun(backend) if status in ("all", _status(handle))]
        kept = [handle for handle in wanted if handle.look(lambda c: _is_assigned(c, assigned))]
        kept.sort(key=lambda handle: handle.look(_last_activity), reverse=True)
        shown = kept[(page - 1) * PAGE : page * PAGE]
        return answer({"data": {"meta": _counts(wanted), "payload": [_shown(handle) for handle in shown]}})

    @api.get(CONVERSATION)
    def show_conversation(account: str, conversation_id: str) -> Response:
        return answer(_shown(find(backend, account, conversation_id)))

    @api.get(f"{ACCOUNT}/agents")
    def list_agents(account: str) -> Response:
        account_id(backend, account)
        return answer(_of_the_latest(backend, _agents))

    @api.get(f"{ACCOUNT}/teams")
    def list_teams(account: str) -> Response:
        number = account_id(backend, account)
        return answer(_of_the_latest(backend, lambda c: [team_of(name, number) for name in teams_of(c)]))


def find(backend: Backend, account: str, conversation_id: str) -> ConversationHandle:
    """The conversation in a path. Raises ApiError where there is none, or where it has not started."""
    account_id(backend, account)
    handle = backend.conversations.get("messagehub", str(identifier(conversation_id)))
    if handle is None or not handle.look(lambda conversation: conversation.started):
        raise not_found()
    return handle


def _begun(backend: Backend) -> list[ConversationHandle]:
    known: Sequence[ConversationHandle] = backend.conversations.of("messagehub")
    return [handle for handle in known if handle.look(lambda conversation: conversation.started)]


def _status(handle: ConversationHandle) -> str:
    return handle.look(lambda conversation: status_of(handle))


def _shown(handle: ConversationHandle) -> dict[str, Any]:
    return handle.look(lambda conversation: conversation_of(handle, conversation))


def _is_assigned(conversation: Conversation, wanted: str) -> bool:
    assignee = conversation.assignee
    if wanted == "me":
        return assignee is not None and assignee == author_of(conversation)
    return wanted == "all" or (assignee is not None) == (wanted == "assigned")


def _counts(handles: Sequence[ConversationHandle]) -> dict[str, int]:
    def count(wanted: str) -> int:
        return sum(handle.look(lambda conversation: _is_assigned(conversation, wanted)) for handle in handles)

    return {
        "mine_count": count("me"),
        "assigned_count": count("assigned"),
        "unassigned_count": count("unassigned"),
        "all_count": len(handles),
    }


def _last_activity(conversation: Conversation) -> int:
    return max(conversation.started_at, conversation.messages[-1].at if conversation.messages else 0)


def _of_the_latest(backend: Backend, read: Callable[[Conversation], list[T]]) -> list[T]:
    """What `read` returns for the newest conversation; an empty list without conversations."""
    known = backend.conversations.of("messagehub")
    return known[-1].look(read) if known else []


def agent_shown(conversation: Conversation, agent: Agent) -> dict[str, Any]:
    """An agent. The first one of the cast is the administrator, since only administrators may change webhooks."""
    return agent_of(agent, conversation.account.id, administrator=agent == conversation.default_agent())


def _agents(conversation: Conversation) -> list[dict[str, Any]]:
    conversation.default_agent()
    return [agent_shown(conversation, agent) for agent in conversation.agents.values()]
