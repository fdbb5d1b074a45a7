"""The operation that creates a conversation.

Rules: source of Chatwoot (chatwoot/chatwoot), app/controllers/api/v1/accounts/conversations_controller.rb and
app/builders/conversation_builder.rb.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from flask import Blueprint, Response

from vendorsim.conversation.casting import Opening
from vendorsim.conversation.state import Conversation, Visitor
from vendorsim.scenario import verbs
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.request_body import Fields
from vendorsim.vendors.messagehub.api.changes import agent_key, number_of, team_name, to_status
from vendorsim.vendors.messagehub.api.conversations import CONVERSATIONS, STATUSES
from vendorsim.vendors.messagehub.api.messages import written
from vendorsim.vendors.messagehub.api.objects import conversation_of
from vendorsim.vendors.messagehub.api.requests import account_id, answer, body, not_found, unprocessable

LONGEST_SOURCE_ID = 255


@dataclass(frozen=True, slots=True)
class _NewConversation:
    """The data of a request for a new conversation. `message` makes the step of its first message."""

    source_id: str | None
    contact_id: int | None
    status: str
    assignee: int | None
    team: int | None
    attributes: dict[str, Any] | None
    message: Callable[[Conversation], verbs.Verb] | None


def add_operations(api: Blueprint, backend: Backend) -> None:
    """Adds the operation that creates a conversation."""

    @api.post(CONVERSATIONS)
    def create_conversation(account: str) -> Response:
        number = account_id(backend, account)
        wanted = _read(body())
        visitor = _visitor(backend, wanted)

        known: dict[str, Any] = {}
        if visitor is not None:
            known = {each.name: getattr(visitor, each.name) for each in fields(visitor)}
        elif wanted.source_id is not None:
            known = {"token": wanted.source_id}
        # The first conversation determines the account.
        handle = backend.stage("messagehub").open(Opening(known, account=number))
        return answer(
            handle.act_on(
                lambda conversation: _steps(conversation, wanted),
                lambda conversation: conversation_of(handle, conversation),
            )
        )


def _read(document: Fields) -> _NewConversation:
    """Reads the body. Raises ApiError."""
    source_id = document.value("source_id", str, "text")
    if source_id is not None and not 0 < len(source_id) <= LONGEST_SOURCE_ID:
        raise unprocessable(f"source_id must be a text of 1 to {LONGEST_SOURCE_ID} characters")
    status = document.value("status", str, "text", "open")
    if status not in STATUSES:
        raise unprocessable(f"'{status}' is not a valid status")
    number_of(document, "inbox_id")
    document.value("additional_attributes", dict, "an object")
    message = document.child("message")
    return _NewConversation(
        source_id=source_id,
        contact_id=number_of(document, "contact_id"),
        status=status,
        assignee=number_of(document, "assignee_id"),
        team=number_of(document, "team_id"),
        attributes=document.value("custom_attributes", dict, "an object"),
        message=written(message)[0] if message is not None and message.values else None,
    )


def _visitor(backend: Backend, wanted: _NewConversation) -> Visitor | None:
    """The existing contact of the new conversation; None for a new contact. Raises ApiError."""
    if wanted.contact_id is None and wanted.source_id is None:
        return None
    for handle in reversed(backend.conversations.of("messagehub")):
        visitor = handle.look(lambda conversation: replace(conversation.visitor))
        if wanted.contact_id == visitor.id or (wanted.contact_id is None and wanted.source_id == visitor.token):
            return visitor
    if wanted.contact_id is not None:
        raise not_found()
    return None


def _steps(conversation: Conversation, wanted: _NewConversation) -> list[verbs.Verb]:
    """The steps of the new conversation. What is set before the start causes no events of its own."""
    steps: list[verbs.Verb] = to_status(conversation, "open", wanted.status)
    if wanted.attributes:
        steps.append(verbs.Attributes(wanted.attributes))
    assigned = (agent_key(conversation, wanted.assignee), team_name(conversation, wanted.team))
    if assigned != (None, None):
        steps.append(verbs.Assign(assigned))
    steps.append(verbs.Start())
    if wanted.message is not None:
        steps.append(wanted.message(conversation))
    return steps
