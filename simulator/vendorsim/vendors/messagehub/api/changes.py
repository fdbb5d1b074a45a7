"""Operations that change a conversation: status, priority, assignee and team, labels, custom attributes, last seen,
muting, deletion.

Rules: source of Chatwoot (chatwoot/chatwoot), app/controllers/api/v1/accounts/conversations_controller.rb and the
controllers below conversations/.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from vendorsim.conversation.state import Conversation
from vendorsim.scenario import verbs
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendorkit.request_body import Fields
from vendorsim.vendors.messagehub.api.contacts import contact_with
from vendorsim.vendors.messagehub.api.conversations import CONVERSATION, STATUSES, find, shown
from vendorsim.vendors.messagehub.api.objects import (
    agent_shown,
    author_of,
    conversation_of,
    snoozed_until,
    status_of,
    team_of,
    teams_of,
)
from vendorsim.vendors.messagehub.api.requests import answer, body, nothing, number_of, unprocessable
from vendorsim.vendors.messagehub.bodies import team_id

PRIORITIES = ("low", "medium", "high", "urgent")
MOST_LABELS, LONGEST_LABEL = 100, 255
_SECONDS = (int, float, str)


def add_operations(api: Blueprint, backend: Backend) -> None:
    """Adds the operations that change a conversation."""

    @api.post(f"{CONVERSATION}/toggle_status")
    def toggle_status(account: str, conversation_id: str) -> Response:
        handle = find(backend, account, conversation_id)
        document = body()
        status = document.value("status", str, "text")
        if status is not None and status not in STATUSES:
            raise unprocessable(f"'{status}' is not a valid status")
        document.value("snoozed_until", _SECONDS, "a time")

        def change(conversation: Conversation) -> list[verbs.Verb]:
            before = status_of(handle)
            return to_status(conversation, before, status or ("resolved" if before == "open" else "open"))

        after = handle.act_on(change, lambda c: (c.id, status_of(handle), snoozed_until(handle)))
        payload = {
            "success": True,
            "conversation_id": after[0],
            "current_status": after[1],
            "snoozed_until": after[2],
        }
        return answer({"meta": {}, "payload": payload})

    @api.patch(CONVERSATION)
    def update_conversation(account: str, conversation_id: str) -> Response:
        """As in Chatwoot, this changes the priority only."""
        handle = find(backend, account, conversation_id)
        document = body()
        if "priority" in document:
            handle.act(_priority(document), lambda conversation: None)
        return answer(shown(handle))

    @api.delete(CONVERSATION)
    def delete_conversation(account: str, conversation_id: str) -> Response:
        handle = find(backend, account, conversation_id)
        handle.act(verbs.Delete(verbs.CONVERSATION), lambda conversation: None)
        return nothing()

    @api.post(f"{CONVERSATION}/toggle_priority")
    def toggle_priority(account: str, conversation_id: str) -> Response:
        handle = find(backend, account, conversation_id)
        handle.act(_priority(body()), lambda conversation: None)
        return nothing()

    @api.post(f"{CONVERSATION}/mute")
    def mute(account: str, conversation_id: str) -> Response:
        """Resolves the conversation and blocks the contact."""
        handle = find(backend, account, conversation_id)

        def change(conversation: Conversation) -> list[verbs.Verb]:
            resolving = to_status(conversation, status_of(handle), "resolved")
            return [*resolving, verbs.Contact(updated={"blocked": True})]

        _block_elsewhere(backend, handle, blocked=True)
        handle.act_on(change, lambda conversation: None)
        return nothing()

    @api.post(f"{CONVERSATION}/unmute")
    def unmute(account: str, conversation_id: str) -> Response:
        handle = find(backend, account, conversation_id)
        _block_elsewhere(backend, handle, blocked=False)
        handle.act(verbs.Contact(updated={"blocked": False}), lambda conversation: None)
        return nothing()

    @api.post(f"{CONVERSATION}/assignments")
    def assign_conversation(account: str, conversation_id: str) -> Response:
        handle = find(backend, account, conversation_id)
        document = body()
        assignee, team = number_of(document, "assignee_id"), number_of(document, "team_id")
        if "assignee_id" in document:
            return answer(_assign_agent(handle, assignee))
        if "team_id" in document:
            return answer(_assign_team(handle, team))
        return answer(None)

    @api.get(f"{CONVERSATION}/labels")
    def list_labels(account: str, conversation_id: str) -> Response:
        handle = find(backend, account, conversation_id)
        return answer({"payload": handle.look(lambda conversation: list(conversation.labels))})

    @api.post(f"{CONVERSATION}/labels")
    def set_labels(account: str, conversation_id: str) -> Response:
        handle = find(backend, account, conversation_id)
        labels = _labels(body())
        return answer({"payload": handle.act(verbs.Label(labels), lambda conversation: list(conversation.labels))})

    @api.post(f"{CONVERSATION}/custom_attributes")
    def set_custom_attributes(account: str, conversation_id: str) -> Response:
        handle = find(backend, account, conversation_id)
        values = body().value("custom_attributes", dict, "an object")
        if values is None:
            raise unprocessable("param is missing or the value is empty: custom_attributes")
        found = handle.act(verbs.Attributes(values), lambda conversation: conversation.attributes)
        return answer({"custom_attributes": found})

    @api.post(f"{CONVERSATION}/update_last_seen")
    def update_last_seen(account: str, conversation_id: str) -> Response:
        handle = find(backend, account, conversation_id)
        return answer(
            handle.act_on(
                lambda conversation: [verbs.Read(author_of(conversation).key)],
                lambda conversation: conversation_of(handle, conversation),
            )
        )


def to_status(conversation: Conversation, before: str, wanted: str) -> list[verbs.Verb]:
    """The steps from one status in the bodies, `before`, to another."""
    if wanted == before:
        return []
    step: verbs.Verb
    if wanted == "open":
        step = verbs.Reopen()
    elif wanted == "resolved":
        step = verbs.Close(author_of(conversation).key)
    else:
        step = verbs.Pend() if wanted == "pending" else verbs.Snooze()
    # For Chatwoot, a missed conversation is still open.
    return [verbs.Reopen(), step] if conversation.missed else [step]


def agent_key(conversation: Conversation, number: int | None) -> str | None:
    """The key of the agent with this id. None for None, and for an unknown id."""
    conversation.default_agent()
    return next((key for key, agent in conversation.agents.items() if agent.id == number), None)


def team_name(conversation: Conversation, number: int | None) -> str | None:
    """The name of the team with this id. None for None, and for an unknown id."""
    return next((name for name in teams_of(conversation) if team_id(name) == number), None)


def _assign_agent(handle: ConversationHandle, number: int | None) -> dict[str, Any] | None:
    def assign(conversation: Conversation) -> list[verbs.Verb]:
        return [verbs.Assign((agent_key(conversation, number), conversation.team))]

    def read(conversation: Conversation) -> dict[str, Any] | None:
        agent = conversation.assignee
        return None if agent is None else agent_shown(conversation, agent)

    return handle.act_on(assign, read)


def _assign_team(handle: ConversationHandle, number: int | None) -> dict[str, Any] | None:
    def assign(conversation: Conversation) -> list[verbs.Verb]:
        assignee = conversation.assignee
        return [verbs.Assign((None if assignee is None else assignee.key, team_name(conversation, number)))]

    def read(conversation: Conversation) -> dict[str, Any] | None:
        return None if conversation.team is None else team_of(conversation.team, conversation.account.id)

    return handle.act_on(assign, read)


def _block_elsewhere(backend: Backend, handle: ConversationHandle, *, blocked: bool) -> None:
    """Blocks or unblocks the contact in its other conversations."""
    contact = contact_with(backend, handle.look(lambda conversation: conversation.visitor.id))
    for other in contact.handles:
        if other.id != handle.id:
            other.describe_visitor({"blocked": blocked})


def _priority(document: Fields) -> verbs.Prioritize:
    priority = document.value("priority", str, "text")
    if priority is not None and priority not in PRIORITIES:
        raise unprocessable(f"'{priority}' is not a valid priority")
    return verbs.Prioritize(priority)


def _labels(document: Fields) -> tuple[str, ...]:
    labels = document.value("labels", list, "a list of texts")
    if labels is None or not all(isinstance(label, str) and 0 < len(label) <= LONGEST_LABEL for label in labels):
        raise unprocessable("labels must be a list of texts")
    if len(labels) > MOST_LABELS:
        raise unprocessable(f"vendorsim keeps {MOST_LABELS} labels of a conversation at most")
    return tuple(dict.fromkeys(labels))
