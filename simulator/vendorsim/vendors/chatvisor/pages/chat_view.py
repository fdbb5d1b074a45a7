"""A chat as its pages show it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from vendorsim.conversation.state import Conversation, Message
from vendorsim.core.times import iso
from vendorsim.vendors.chatvisor import bodies
from vendorsim.vendors.chatvisor.memory import ChatvisorMemory

# How many messages a page shows, the newest ones, and how long one may be that a person writes.
MOST_MESSAGES = 200
LONGEST_MESSAGE = 4_000


class ShownMessage(Struct, frozen=True):
    """A message: `side` is `customer`, `agent` or `automatic`. `files` are names and URLs; a URL that is not of the web
    is empty. `at` is ISO 8601 in UTC, and `clock` its hours and minutes."""

    side: str
    author: str
    text: str
    files: tuple[tuple[str, str], ...]
    at: str

    @property
    def clock(self) -> str:
        return self.at[11:16]


class ChatView(Struct, frozen=True):
    """A chat: the Customer object, the status (None before the first message), the messages and where the customer
    is."""

    customer: dict[str, Any]
    name: str
    status: str | None
    messages: tuple[ShownMessage, ...]
    page: str
    hidden: tuple[str, ...]


def chat_view(conversation: Conversation, memory: ChatvisorMemory, at: int) -> ChatView:
    """The chat at the time `at` (milliseconds since 1970). Call it with the conversation's lock."""
    shown = [message for message in conversation.public_messages() if not message.deleted]
    return ChatView(
        customer=bodies.customer(conversation, memory.status),
        name=_customer_name(conversation),
        status=memory.status,
        messages=tuple(_shown(message, conversation) for message in shown[-MOST_MESSAGES:]),
        page=conversation.pages[-1].url if conversation.pages else "",
        hidden=tuple(memory.hidden_because(conversation, at)),
    )


def _customer_name(conversation: Conversation) -> str:
    visitor = conversation.visitor
    return visitor.name or visitor.email or f"Customer {bodies.customer_id(conversation)}"


def _shown(message: Message, conversation: Conversation) -> ShownMessage:
    author = message.author
    if message.by_visitor:
        side, name = "customer", _customer_name(conversation)
    elif message.by_agent and author is not None:
        side, name = "agent", author.name or ""
    else:
        side, name = "automatic", message.trigger or ""
    files = tuple((file.name, _of_the_web(file.url)) for file in message.attachments)
    return ShownMessage(side, name, message.text or "", files, iso(message.at))


def _of_the_web(url: str | None) -> str:
    return url if url is not None and url.startswith(("http://", "https://")) else ""
