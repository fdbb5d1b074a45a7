"""Operations that read conversations, agents and teams.

Rules: source of Chatwoot (chatwoot/chatwoot), app/finders/conversation_finder.rb.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import Blueprint, Response, request

from vendorsim.conversation.casting import Opening
from vendorsim.conversation.state import Conversation
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendors.messagehub.api import filters
from vendorsim.vendors.messagehub.api.objects import (
    agent_shown,
    author_of,
    conversation_of,
    status_of,
    team_of,
    teams_of,
)
from vendorsim.vendors.messagehub.api.requests import (
    account_id,
    answer,
    body,
    chosen,
    identifier,
    not_found,
    positive,
    queried,
)
from vendorsim.vendors.messagehub.bodies import inbox_id, team_id
from vendorsim.vendors.messagehub.observed.bodies.conversations import last_activity

ACCOUNT = "/api/v1/accounts/<account>"
CONVERSATIONS = f"{ACCOUNT}/conversations"
CONVERSATION = f"{CONVERSATIONS}/<record:conversation_id>"
PAGE = 25
STATUSES = ("open", "resolved", "pending", "snoozed")
ASSIGNEE_TYPES = ("all", "me", "assigned", "unassigned")
T = TypeVar("T")


def add_operations(api: Blueprint, backend: Backend) -> None:
    """Adds the operations that read conversations, agents and teams."""

    @api.get(CONVERSATIONS)
    def list_conversations(account: str) -> Response:
        account_id(backend, account)
        assigned = chosen("assignee_type", ASSIGNEE_TYPES, "all")
        wanted = _wanted(backend)
        kept = [handle for handle in wanted if handle.look(lambda c: _is_assigned(c, assigned))]
        return answer({"data": {"meta": _counts(wanted), "payload": _page(kept)}})

    @api.get(f"{CONVERSATIONS}/meta")
    def count_conversations(account: str) -> Response:
        account_id(backend, account)
        return answer({"meta": _counts(_wanted(backend))})

    @api.post(f"{CONVERSATIONS}/filter")
    def filter_conversations(account: str) -> Response:
        account_id(backend, account)
        keeps = filters.conditions(body(), filters.CONVERSATION_KEYS)
        kept = [handle for handle in _begun(backend) if keeps(shown(handle))]
        return answer({"meta": _counts(kept), "payload": _page(kept)})

    @api.get(CONVERSATION)
    def show_conversation(account: str, conversation_id: str) -> Response:
        return answer(shown(find(backend, account, conversation_id)))

    @api.get(f"{ACCOUNT}/agents")
    def list_agents(account: str) -> Response:
        return answer(of_the_latest(backend, account_id(backend, account), _agents))

    @api.get(f"{ACCOUNT}/teams")
    def list_teams(account: str) -> Response:
        number = account_id(backend, account)
        return answer(of_the_latest(backend, number, lambda c: [team_of(name, number) for name in teams_of(c)]))


def find(backend: Backend, account: str, conversation_id: str) -> ConversationHandle:
    """The conversation in a path. Raises ApiError where there is none, or where it has not started or was deleted."""
    account_id(backend, account)
    handle = backend.conversations.get("messagehub", str(identifier(conversation_id)))
    if handle is None or not handle.look(is_shown):
        raise not_found()
    return handle


def is_shown(conversation: Conversation) -> bool:
    """Whether operations know the conversation: it has started, and was not deleted."""
    return conversation.started and not conversation.deleted


def _begun(backend: Backend) -> list[ConversationHandle]:
    known: Sequence[ConversationHandle] = backend.conversations.of("messagehub")
    return [handle for handle in known if handle.look(is_shown)]


def _wanted(backend: Backend) -> list[ConversationHandle]:
    """The conversations that the query asks for, whoever has them. Raises ApiError."""
    status = chosen("status", (*STATUSES, "all"), "open")
    inbox, team = queried("inbox_id", positive), queried("team_id", positive)
    labels = {*request.args.getlist("labels[]"), *request.args.getlist("labels")}
    text = request.args.get("q", "").lower()

    def keeps(conversation: Conversation) -> bool:
        return (
            inbox in (None, inbox_id(conversation.account))
            and team in (None, team_id(conversation.team))
            and (not labels or not labels.isdisjoint(conversation.labels))
            and (not text or any(text in (message.text or "").lower() for message in conversation.messages))
        )

    begun = (handle for handle in _begun(backend) if status in ("all", _status(handle)))
    return [handle for handle in begun if handle.look(keeps)]


def _page(handles: list[ConversationHandle]) -> list[dict[str, Any]]:
    """The page that the query asks for, the most recently active conversations first. Raises ApiError."""
    page = queried("page", positive, 1) or 1
    ordered = sorted(handles, key=lambda handle: handle.look(last_activity), reverse=True)
    return [shown(handle) for handle in ordered[(page - 1) * PAGE : page * PAGE]]


def _status(handle: ConversationHandle) -> str:
    return handle.look(lambda conversation: status_of(handle))


def shown(handle: ConversationHandle) -> dict[str, Any]:
    """A conversation in answers."""
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


def of_the_latest(backend: Backend, account: int | None, read: Callable[[Conversation], T]) -> T:
    """What `read` returns for the newest conversation; without conversations, for one that could be opened in the
    account (None: the account that the server would make up)."""
    known = backend.conversations.of("messagehub")
    if known:
        return known[-1].look(read)
    return read(backend.stage("messagehub").sample(Opening(account=account)))


def _agents(conversation: Conversation) -> list[dict[str, Any]]:
    conversation.default_agent()
    return [agent_shown(conversation, agent) for agent in conversation.agents.values()]
