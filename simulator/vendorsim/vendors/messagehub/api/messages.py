"""Operations on the messages of a conversation: list, create, delete, typing status.

Rules and limits: source of Chatwoot (chatwoot/chatwoot), app/builders/messages/message_builder.rb,
app/finders/message_finder.rb and app/models/message.rb.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response

from vendorsim.conversation.state import Conversation, Message
from vendorsim.scenario import verbs
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.request_body import Fields
from vendorsim.vendors.messagehub.api.conversations import CONVERSATION, find
from vendorsim.vendors.messagehub.api.objects import author_of, message_of, messages_meta
from vendorsim.vendors.messagehub.api.requests import (
    answer,
    body,
    identifier,
    not_found,
    nothing,
    positive,
    queried,
    unprocessable,
)

LONGEST_CONTENT = 150_000
CONTENT_TYPES = (
    "text",
    "input_text",
    "input_textarea",
    "input_email",
    "input_select",
    "cards",
    "form",
    "article",
    "incoming_email",
    "input_csat",
)
# How many messages are listed: the latest or those before one, those after one, those between two.
PAGE, AFTER, BETWEEN = 20, 100, 1_000
MESSAGES = f"{CONVERSATION}/messages"


def add_operations(api: Blueprint, backend: Backend) -> None:
    """Adds the operations on messages, and the typing status."""

    @api.get(MESSAGES)
    def list_messages(account: str, conversation_id: str) -> Response:
        handle = find(backend, account, conversation_id)
        after, before = queried("after", positive), queried("before", positive)

        def read(conversation: Conversation) -> dict[str, Any]:
            page = listed(conversation.messages, after, before)
            return {
                "meta": messages_meta(handle, conversation),
                "payload": [message_of(handle, conversation, message) for message in page],
            }

        return answer(handle.look(read))

    @api.post(MESSAGES)
    def create_message(account: str, conversation_id: str) -> Response:
        handle = find(backend, account, conversation_id)
        verb, echo = written(body())

        def read(conversation: Conversation) -> dict[str, Any]:
            return message_of(handle, conversation, conversation.messages[-1])

        document = handle.act_on(lambda conversation: [verb(conversation)], read)
        return answer(document if echo is None else {**document, "echo_id": echo})

    @api.delete(f"{MESSAGES}/<message>")
    def delete_message(account: str, conversation_id: str, message: str) -> Response:
        handle = find(backend, account, conversation_id)
        number = identifier(message)

        def delete(conversation: Conversation) -> list[verbs.Verb]:
            found = _message(conversation, number)
            return [] if found.deleted else [verbs.Delete(found.number)]

        def read(conversation: Conversation) -> dict[str, Any]:
            return message_of(handle, conversation, _message(conversation, number))

        return answer(handle.act_on(delete, read))

    @api.post(f"{CONVERSATION}/toggle_typing_status")
    def toggle_typing_status(account: str, conversation_id: str) -> Response:
        handle = find(backend, account, conversation_id)
        status = body().value("typing_status", str, "on or off")
        if status not in ("on", "off"):
            raise unprocessable("typing_status must be on or off")
        active = status == "on"
        handle.act_on(
            lambda conversation: [verbs.Typing(author_of(conversation).key, active)], lambda conversation: None
        )
        return nothing()


def listed(messages: list[Message], after: int | None, before: int | None) -> list[Message]:
    """The messages after one id, before another, or the newest; oldest first."""
    if after is not None and before is not None:
        return [message for message in messages if after <= message.id < before][:BETWEEN]
    if before is not None:
        return [message for message in messages if message.id < before][-PAGE:]
    if after is not None:
        return [message for message in messages if message.id > after][:AFTER]
    return messages[-PAGE:]


def written(document: Fields) -> tuple[Callable[[Conversation], verbs.Verb], str | None]:
    """Reads a new message: the function that makes its step, and the caller's `echo_id`. Raises ApiError."""
    content = document.value("content", str, "text")
    if not content:
        raise unprocessable("Validation failed: Content can't be blank")
    if len(content) > LONGEST_CONTENT:
        raise unprocessable(f"Validation failed: Content is too long (maximum is {LONGEST_CONTENT} characters)")
    kind = document.value("message_type", str, "outgoing or incoming", "outgoing")
    if kind not in ("outgoing", "incoming"):
        raise unprocessable(f"'{kind}' is not a valid message_type")
    content_type = document.value("content_type", str, "text", "text")
    if content_type not in CONTENT_TYPES:
        raise unprocessable(f"'{content_type}' is not a valid content_type")
    private = document.value("private", bool, "true or false", False)
    document.value("content_attributes", dict, "an object")
    echo = document.value("echo_id", str, "text")

    def verb(conversation: Conversation) -> verbs.Verb:
        if kind == "incoming":
            return verbs.Say(content, content_type=content_type)
        author = author_of(conversation).key
        return verbs.Note(content, author) if private else verbs.Say(content, author, content_type=content_type)

    return verb, echo


def _message(conversation: Conversation, number: int) -> Message:
    for message in conversation.messages:
        if message.id == number:
            return message
    raise not_found()
