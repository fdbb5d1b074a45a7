"""Operations on the messages of a conversation: list, create, update, delete, typing status.

Rules and limits: source of Chatwoot (chatwoot/chatwoot), app/builders/messages/message_builder.rb,
app/finders/message_finder.rb and app/models/message.rb.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from flask import Blueprint, Response
from werkzeug.datastructures import FileStorage

from vendorsim.conversation.files import UNKNOWN_TYPE, safe_name
from vendorsim.conversation.state import Conversation, Message
from vendorsim.core.nesting import is_deeper
from vendorsim.scenario import verbs
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.request_body import Fields
from vendorsim.vendors.messagehub.api.conversations import CONVERSATION, find
from vendorsim.vendors.messagehub.api.objects import author_of, message_of, messages_meta
from vendorsim.vendors.messagehub.api.requests import (
    ApiError,
    answer,
    body,
    form,
    identifier,
    is_form,
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
MOST_FILES = 15
LONGEST_SOURCE_ID = 20_000
MOST_LEVELS = 100
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
# How many messages are listed: the latest or those before one, those after one, those between two.
PAGE, AFTER, BETWEEN = 20, 100, 1_000
MESSAGES = f"{CONVERSATION}/messages"
STATUS_REFUSED = "Message status update is only allowed for API inboxes"


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
        verb, echo = written(*form()) if is_form() else written(body())

        def read(conversation: Conversation) -> dict[str, Any]:
            return message_of(handle, conversation, conversation.messages[-1])

        document = handle.act_on(lambda conversation: [verb(conversation)], read)
        return answer(document if echo is None else {**document, "echo_id": echo})

    @api.patch(f"{MESSAGES}/<message>")
    def update_message(account: str, conversation_id: str, message: str) -> Response:
        """Only inboxes of the kind "API" may say what became of a message; that of vendorsim is a web widget."""
        find(backend, account, conversation_id)
        raise ApiError(403, {"error": STATUS_REFUSED})

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


def written(
    document: Fields, files: Sequence[FileStorage] = ()
) -> tuple[Callable[[Conversation], verbs.Verb], str | None]:
    """Reads a new message: the function that makes its step, and the caller's `echo_id`. `files` are those of a form.
    Raises ApiError."""
    content = document.value("content", str, "text")
    if not content and not files:
        raise unprocessable("Validation failed: Content can't be blank")
    if content is not None and len(content) > LONGEST_CONTENT:
        raise unprocessable(f"Validation failed: Content is too long (maximum is {LONGEST_CONTENT} characters)")
    if len(files) > MOST_FILES:
        raise unprocessable("Validation failed: Attachments exceeded maximum allowed")
    kind = document.value("message_type", str, "outgoing or incoming", "outgoing")
    if kind not in ("outgoing", "incoming"):
        raise unprocessable(f"'{kind}' is not a valid message_type")
    content_type = document.value("content_type", str, "text", "text")
    if content_type not in CONTENT_TYPES:
        raise unprocessable(f"'{content_type}' is not a valid content_type")
    private = _flag(document, "private")
    attributes = _attributes(document)
    source_id = document.value("source_id", str, "text")
    if source_id is not None and len(source_id) > LONGEST_SOURCE_ID:
        raise unprocessable(f"Validation failed: Source is too long (maximum is {LONGEST_SOURCE_ID} characters)")
    echo = document.value("echo_id", str, "text")
    attachments = tuple(_attachment(file) for file in files)

    def verb(conversation: Conversation) -> verbs.Verb:
        if kind == "incoming":
            author = verbs.VISITOR
        else:
            author = author_of(conversation).key
            if private:
                return verbs.Note(content, author, attachments, content_type, source_id, attributes)
        return verbs.Say(content, author, attachments, content_type, source_id, attributes)

    return verb, echo


def _flag(document: Fields, name: str) -> bool:
    """A value that is true or false; in a form also as text."""
    text = document.values.get(name)
    if is_form() and isinstance(text, str) and text in _FLAGS:
        return _FLAGS[text]
    found: bool = document.value(name, bool, "true or false", False)
    return found


def _attributes(document: Fields) -> dict[str, Any]:
    """`content_attributes`; in a form also as a JSON text. As in Chatwoot, an invalid text counts as none."""
    given = document.values.get("content_attributes")
    if is_form() and isinstance(given, str):
        try:
            parsed = orjson.loads(given)
        except orjson.JSONDecodeError:
            return {}
        return parsed if isinstance(parsed, dict) and not is_deeper(parsed, MOST_LEVELS) else {}
    found: dict[str, Any] = document.value("content_attributes", dict, "an object", {})
    return found


def _attachment(file: FileStorage) -> verbs.Attachment:
    content = file.read()
    name = safe_name(file.filename or "")
    return verbs.Attachment(name, None, file.mimetype or UNKNOWN_TYPE, len(content), content)


def _message(conversation: Conversation, number: int) -> Message:
    for message in conversation.messages:
        if message.id == number:
            return message
    raise not_found()
