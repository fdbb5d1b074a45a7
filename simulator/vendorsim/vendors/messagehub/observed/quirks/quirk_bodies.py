"""Quirks with wrong bodies. Their names and sources are in `by_version.py`."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from vendorsim.conversation.files import LATE
from vendorsim.conversation.state import Conversation
from vendorsim.vendorkit.profile import Body, Draft
from vendorsim.vendors.messagehub.bodies import OUTGOING
from vendorsim.vendors.messagehub.observed.bodies.conversations import MESSAGE_TYPES
from vendorsim.vendors.messagehub.observed.memory import ASSISTANT, ChatwootMemory
from vendorsim.vendors.messagehub.reactions import CONVERSATION_CREATED, MESSAGE_CREATED, MESSAGE_UPDATED

# The key in the URL of a file that is served.
_FILE = re.compile(r"(/blobs/redirect/[0-9-]+)(/)")
_BOLD = re.compile(r"\*\*(.+?)\*\*")


def bent(draft: Draft, change: Callable[[Body], Body]) -> Draft:
    """The draft with a changed body. A body that is built later is changed later."""
    body = draft.body
    if callable(body):
        return draft._replace(body=lambda: change(body()))
    return draft._replace(body=change(body))


def empty_messages(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """`conversation_created` without its message."""
    return [
        bent(draft, lambda body: {**body, "messages": []}) if draft.event == CONVERSATION_CREATED else draft
        for draft in drafts
    ]


def null_sender(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """Messages of agents have no sender."""
    return _of_messages(drafts, _without_sender)


def dirty_content(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """Messages of agents have a backslash before every line break, in both forms of the message."""
    return _of_messages(drafts, _with_backslashes)


def html_content(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """The content of messages is HTML, except in the nested message."""
    return _of_messages(drafts, _rendered)


def assistant_owns(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """The bot of the inbox is an assistant: bodies that are built later show it."""
    memory.bot = ASSISTANT
    return drafts


def late_file(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """The URLs of files lead to content that can't be had at once. Files that no server serves stay as they are."""
    return _of_messages(drafts, _late) if conversation.files is not None else drafts


def _late(body: Body) -> Body:
    found: Body = _nested(body, _with_late_files)
    return _with_late_files(found)


def _with_late_files(message: Body) -> Body:
    if "attachments" not in message:
        return message
    return {**message, "attachments": [{**file, **_late_urls(file)} for file in message["attachments"]]}


def _late_urls(file: Body) -> Body:
    return {name: _FILE.sub(rf"\1{LATE}\2", file[name]) for name in ("data_url", "thumb_url")}


def _of_messages(drafts: list[Draft], change: Callable[[Body], Body]) -> list[Draft]:
    return [bent(draft, change) if draft.event in (MESSAGE_CREATED, MESSAGE_UPDATED) else draft for draft in drafts]


def _without_sender(body: Body) -> Body:
    if not _by_agent(body):
        return body
    return _nested({**body, "sender": None}, lambda message: {k: v for k, v in message.items() if k != "sender"})


def _with_backslashes(body: Body) -> Body:
    if not _by_agent(body) or body["content"] is None:
        return body
    content = body["content"].replace("\n", "\\\n")
    stored = {"content": content, "processed_message_content": content}
    return _nested({**body, "content": content}, lambda message: message | stored)


def _rendered(body: Body) -> Body:
    if body["content"] is None:
        return body
    text = _BOLD.sub(r"<strong>\1</strong>", escape(body["content"], quote=False))
    return {**body, "content": "".join(f"<p>{part}</p>\n" for part in text.split("\n\n"))}


def _by_agent(body: Body) -> bool:
    return bool(body["message_type"] == MESSAGE_TYPES[OUTGOING])


def _nested(body: Body, change: Callable[[Body], Body]) -> Body:
    """The body with its message changed where the conversation contains it. Other messages there stay the same."""
    conversation = body["conversation"]
    messages = [change(message) if message["id"] == body["id"] else message for message in conversation["messages"]]
    return {**body, "conversation": {**conversation, "messages": messages}}
