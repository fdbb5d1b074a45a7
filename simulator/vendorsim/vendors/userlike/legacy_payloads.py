"""The bodies of the callbacks before Unified Messaging: `chat_meta` and `offline_message`.

They have exactly the keys of the public samples (grokify/chathooks, docs/handlers/userlike). Today's profile carries
the same fields under other types, so its builders make them.
"""

from __future__ import annotations

from typing import Any

from vendorsim.conversation.state import Conversation, Message
from vendorsim.vendors.userlike import payloads
from vendorsim.vendors.userlike.session import Session

# What an offline message tells of the visitor and the visit, as a chat does.
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


def chat_meta(event: str, conversation: Conversation, session: Session) -> dict[str, Any]:
    """The chat as it is now; all `chat_meta` events have this body."""
    return _chat("chat_meta", event, conversation, session)


def offline_message(written: Message, conversation: Conversation, session: Session) -> dict[str, Any]:
    """A message that was left while nobody was there. It is no part of a chat, and has an id of its own.

    The first one of a conversation takes the conversation's id for that, by which it can be found again.
    """
    of_a_chat = _chat("offline_message", "receive", conversation, Session())
    return {
        "_type": "offline_message",
        "_event": "receive",
        "id": written.id if session.offline_messages else conversation.id,
        "created_at": payloads.date(written.at),
        "message": payloads.message(written)["message"],
        # As in the sample, though the callback tells of a new message.
        "marked_read": True,
        "data_privacy": None,
        "screenshot_oid": None,
        "screenshot_url": None,
        **{key: of_a_chat[key] for key in _OF_A_CHAT},
    }


def _chat(kind: str, event: str, conversation: Conversation, session: Session) -> dict[str, Any]:
    body = payloads.chat(kind, event, payloads.SESSION_STATUS, session.ended_at, conversation, session)
    # Without any custom data it is an empty object here.
    body.setdefault("custom", {})
    return body
