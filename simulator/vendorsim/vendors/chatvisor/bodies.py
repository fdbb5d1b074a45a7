"""The bodies of the webhooks. The API answers with the same objects.

The Conversation object is documented (developers.chatvisor.com). The Message and Customer objects are not, so they are
assumed. The contract labels every field.
"""

from __future__ import annotations

from typing import Any

from vendorsim.conversation.state import Conversation, Message
from vendorsim.core.times import iso

UNREAD, DONE, UNRESOLVED = "UNREAD", "DONE", "UNRESOLVED"
# The attributes of a conversation that hold what a customer was tagged with.
FIRST_NAME, LAST_NAME, EXTERNAL_ID = "firstname", "lastname", "externalId"


def customer_id(conversation: Conversation) -> str:
    """The id in all bodies. It is a string in the documented Conversation object."""
    return str(conversation.id)


def conversation(conversation: Conversation, status: str) -> dict[str, Any]:
    """The Conversation object. The vendor's page spells the key of the text `test`, not `text`."""
    last = next(message for message in reversed(conversation.messages) if not message.private)
    return {
        "customerId": customer_id(conversation),
        "status": status,
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


def customer(conversation: Conversation, status: str | None) -> dict[str, Any]:
    """The Customer object. `status` is None for a customer who has never written."""
    first, last = names(conversation)
    assignee = conversation.assignee
    return {
        "id": customer_id(conversation),
        "externalId": conversation.attributes.get(EXTERNAL_ID),
        "email": conversation.visitor.email,
        "firstname": first,
        "lastname": last,
        "labels": list(conversation.labels),
        "status": status,
        "assignedUser": None if assignee is None else assignee.email,
        "assignedTeam": conversation.team,
    }


def names(conversation: Conversation) -> tuple[str | None, str | None]:
    """First and last name: the tagged ones while they match the full name, else the full name split in two."""
    name = conversation.visitor.name
    if name is None:
        return None, None
    tagged = [conversation.attributes.get(key) or "" for key in (FIRST_NAME, LAST_NAME)]
    if full_name(*tagged) == name:
        return tagged[0], tagged[1]
    first, _, last = name.rpartition(" ")
    return (first, last) if first else (name, None)


def full_name(first: str, last: str) -> str:
    """First and last name as one text. Either may be empty."""
    return f"{first} {last}".strip()


def _text(message: Message) -> str:
    """The text of a message; without one, the URLs of its files."""
    return message.text or " ".join(file.url or file.name for file in message.attachments)
