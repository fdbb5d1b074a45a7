"""The bodies of the callbacks before Unified Messaging: `chat_meta` and `offline_message`.

They have exactly the keys of the public samples (grokify/chathooks, docs/handlers/userlike). The profile `documented`
has the same fields under other types, so its builders are used here.
"""

from __future__ import annotations

from typing import Any

from vendorsim.conversation.state import Conversation, Message
from vendorsim.vendors.userlike.bodies import chats
from vendorsim.vendors.userlike.memory import UserlikeMemory

# The fields about the visitor and the visit that an offline message has in common with a chat.
_OF_A_CHAT = (
    "browser_name",
    "browser_os",
    "browser_version",
    "chat_widget",
    "client_email",
    "client_name",
    "custom",
    "loc_city",
    "loc_country",
    "loc_lat",
    "loc_lon",
    "page_impressions",
    "status",
    "topic",
    "url",
    "visits",
)


def chat_meta(event: str, conversation: Conversation, memory: UserlikeMemory) -> dict[str, Any]:
    """The chat as it is now: the body of all `chat_meta` events."""
    return _chat("chat_meta", event, conversation, memory)


def offline_message(written: Message, conversation: Conversation, memory: UserlikeMemory) -> dict[str, Any]:
    """An offline message. It is not part of a chat, and has an id of its own.

    The first one of a conversation has the conversation's id, so that the two can be matched.
    """
    of_a_chat = _chat("offline_message", "receive", conversation, UserlikeMemory(settings=memory.settings))
    return {
        "_type": "offline_message",
        "_event": "receive",
        "id": written.id if memory.offline_messages else conversation.id,
        "created_at": chats.date(written.at),
        "message": chats.message(written)["message"],
        # True in the sample, although the message is new.
        "marked_read": True,
        "data_privacy": None,
        "screenshot_oid": None,
        "screenshot_url": None,
        **{key: of_a_chat[key] for key in _OF_A_CHAT},
    }


def _chat(kind: str, event: str, conversation: Conversation, memory: UserlikeMemory) -> dict[str, Any]:
    if memory.operator_created is None:
        # In the samples a chat has an operator from the start.
        memory.operator_created = conversation.default_agent()
    body = chats.chat(kind, event, chats.SESSION_STATUS, memory.ended_at, conversation, memory)
    if memory.operator is None:
        body |= chats.operator("current", memory.operator_created, conversation.team)
        body.pop("operator_group", None)
    # Without custom data, this is an empty object here.
    body.setdefault("custom", {})
    return body
