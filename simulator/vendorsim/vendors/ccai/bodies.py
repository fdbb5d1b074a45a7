"""The bodies of the chat webhooks.

The envelope, the names of the events and the body of `message_received` are reconstructed from a client that runs
against the live platform. That files have a `media_id` is documented. The other bodies are not known, so they are
assumed. The contract labels every field.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vendorsim.conversation.state import Agent, Conversation, Message
from vendorsim.core.seeding import derive
from vendorsim.core.times import iso
from vendorsim.scenario.verbs import Attachment

CONNECTED, DISCONNECTED = "connected", "disconnected"
DOCUMENT = "document"
# The kinds of files that agents can attach. All others are documents.
_MEDIA = {
    **dict.fromkeys(("jpeg", "jpg", "png", "gif", "tiff", "raw", "webp"), "photo"),
    **dict.fromkeys(("mp4", "mov", "avi", "wmv", "webm"), "video"),
    **dict.fromkeys(("mp3", "wav"), "audio"),
}
# Added to the account's id to make the id of the virtual agent, above those of agents.
_VIRTUAL_AGENTS = 1_000_000


def envelope(event: str, conversation: Conversation, body: dict[str, Any]) -> dict[str, Any]:
    """A whole body. `timestamp` is ISO 8601 in UTC with milliseconds."""
    return {"event_type": event, "timestamp": iso(conversation.now), "chat_id": conversation.id, "body": body}


def agent(person: Agent, since: int, status: str = CONNECTED) -> dict[str, Any]:
    """An agent in the chat. `since` is when the agent joined, in milliseconds since 1970."""
    who = {"id": person.id, "name": person.name}
    return {"id": person.id, "type": "agent", "status": status, "connected_at": iso(since), "agent": who}


def end_user(conversation: Conversation) -> dict[str, Any]:
    """The end user, who is in the chat from its start."""
    return _from_the_start(conversation, conversation.visitor.id, "end_user")


def virtual_agent(conversation: Conversation) -> dict[str, Any]:
    """The virtual agent, who writes automatic messages."""
    return _from_the_start(conversation, _VIRTUAL_AGENTS + conversation.account.id, "virtual_agent")


def messages(message: Message, conversation: Conversation) -> Iterator[dict[str, Any]]:
    """The messages that the platform sends for one message: its text, then each of its files."""
    if message.text is not None or not message.attachments:
        yield {"type": message.content_type, "content": message.text or ""}
    for position, file in enumerate(message.attachments):
        media_id = 1 + derive(conversation.seed, "media", message.number, position) % 2**31
        yield {"type": media_type(file), "content": {"media_id": media_id}, "media_id": media_id}


def media_type(file: Attachment) -> str:
    """`photo`, `video`, `audio` or `document`, by the file's type or extension."""
    family = {"image": "photo", "video": "video", "audio": "audio"}.get(file.content_type.partition("/")[0])
    return family or _MEDIA.get(file.name.rpartition(".")[2].lower(), DOCUMENT)


def _from_the_start(conversation: Conversation, number: int, kind: str) -> dict[str, Any]:
    return {"id": number, "type": kind, "status": CONNECTED, "connected_at": iso(conversation.started_at)}
