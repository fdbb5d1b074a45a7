"""The operation that creates a conversation.

Rules: source of Chatwoot (chatwoot/chatwoot), app/controllers/api/v1/accounts/conversations_controller.rb and
app/builders/conversation_builder.rb.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response
from msgspec import Struct

from vendorsim.conversation.casting import Opening
from vendorsim.conversation.state import Conversation
from vendorsim.scenario import verbs
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.request_body import Fields
from vendorsim.vendors.messagehub.api.changes import agent_key, team_name, to_status
from vendorsim.vendors.messagehub.api.contacts import contact_with, contacts, opening_for, require_free, source_of
from vendorsim.vendors.messagehub.api.conversations import CONVERSATIONS, STATUSES
from vendorsim.vendors.messagehub.api.inboxes import require_inbox
from vendorsim.vendors.messagehub.api.messages import written
from vendorsim.vendors.messagehub.api.objects import conversation_of
from vendorsim.vendors.messagehub.api.requests import account_id, answer, body, number_of, unprocessable


class _NewConversation(Struct, frozen=True):
    """The data of a request for a new conversation. `message` makes the step of its first message."""

    source_id: str | None
    inbox_id: int | None
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
        require_inbox(backend, number, wanted.inbox_id)
        # The first conversation determines the account.
        handle = backend.stage("messagehub").open(_opening(backend, wanted, number))
        return answer(
            handle.act_on(
                lambda conversation: _steps(conversation, wanted),
                lambda conversation: conversation_of(handle, conversation),
            )
        )


def _read(document: Fields) -> _NewConversation:
    """Reads the body. Raises ApiError."""
    status = document.value("status", str, "text", "open")
    if status not in STATUSES:
        raise unprocessable(f"'{status}' is not a valid status")
    document.value("additional_attributes", dict, "an object")
    message = document.child("message")
    return _NewConversation(
        source_id=source_of(document),
        inbox_id=number_of(document, "inbox_id"),
        contact_id=number_of(document, "contact_id"),
        status=status,
        assignee=number_of(document, "assignee_id"),
        team=number_of(document, "team_id"),
        attributes=document.value("custom_attributes", dict, "an object"),
        message=written(message)[0] if message is not None and message.values else None,
    )


def _opening(backend: Backend, wanted: _NewConversation, account: int) -> Opening:
    """The opening of the conversation, for a known contact or a new one. Raises ApiError."""
    source_id, known = wanted.source_id, None
    if wanted.contact_id is not None:
        known = contact_with(backend, wanted.contact_id)
        require_free(backend, source_id, wanted.contact_id)
    elif source_id is not None:
        known = next((each for each in contacts(backend).values() if source_id in each.sources()), None)
    return opening_for(known, source_id, account)


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
