"""The bodies of the webhooks.

The Conversation object is documented (developers.chatvisor.com); the Message object is not, so its body
is assumed. The contract labels every field.
"""

from __future__ import annotations

from typing import Any

from simulator.times import iso
from simulator.world import Conversation, Message


def customer_id(conversation: Conversation) -> str:
    """The id in all bodies: text in the documented Conversation object."""
    return str(conversation.id)


def new_conversation(conversation: Conversation) -> dict[str, Any]:
    """A conversation that has just become UNREAD. `test` is how the vendor's page prints the key, not `text`."""
    last = next(message for message in reversed(conversation.messages) if not message.private)
    return {
        "customerId": customer_id(conversation),
        "status": "UNREAD",
        "lastMessage": {"test": _text(last)},
        "url": conversation.pages[-1].url,
    }


def new_message(conversation: Conversation, message: Message) -> dict[str, Any]:
    """A message of the customer. `createdAt` is ISO 8601 in UTC with milliseconds."""
    return {
        "id": str(message.id),
        "customerId": customer_id(conversation),
        "text": _text(message),
        "createdAt": iso(message.at),
    }


def _text(message: Message) -> str:
    """A message without text is told by the addresses of its files."""
    return message.text or " ".join(file.url or file.name for file in message.attachments)
