"""The customer's status, and what is sent because of it: the reactions that both profiles share.

The vendor's page names three statuses and says of one transition what it means: from DONE to UNREAD is a new
conversation. What else leads from one to another is assumed, and stands here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vendorsim.conversation.changes import ContactCreated, Joined, MessageAdded, MessagesRead, StatusChanged
from vendorsim.conversation.state import BY_VISITOR, CLOSED, OPEN, Conversation
from vendorsim.vendorkit.profile import Draft, Reaction
from vendorsim.vendors.chatvisor import payloads
from vendorsim.vendors.chatvisor.payloads import DONE, UNREAD, UNRESOLVED


@dataclass(slots=True)
class Inbox:
    """`status` is None until the customer has written; `registered`: he has subscribed, or was created by the API."""

    status: str | None = None
    registered: bool = False

    @property
    def has_customer(self) -> bool:
        """Whether the vendor has an account of this visitor."""
        return self.status is not None or self.registered


def _message_added(change: MessageAdded, conversation: Conversation, inbox: Inbox) -> Iterator[Draft]:
    message = change.message
    if message.by_visitor:
        yield from _becomes(UNREAD, conversation, inbox)
        yield Draft("new_message", payloads.new_message(conversation, message))
    elif message.by_agent and not message.private:
        yield from _seen(conversation, inbox)


def _status_changed(change: StatusChanged, conversation: Conversation, inbox: Inbox) -> Iterator[Draft]:
    """A customer reopens by writing: then his message, which follows, makes the conversation UNREAD."""
    if inbox.status is None:
        return
    if change.after == CLOSED:
        yield from _becomes(DONE, conversation, inbox)
    elif change.after != OPEN:
        yield from _becomes(UNRESOLVED, conversation, inbox)
    elif change.before == CLOSED and change.by != BY_VISITOR:
        yield from _becomes(UNREAD, conversation, inbox)


def _joined(change: Joined, conversation: Conversation, inbox: Inbox) -> Iterator[Draft]:
    return _seen(conversation, inbox)


def _read(change: MessagesRead, conversation: Conversation, inbox: Inbox) -> Iterator[Draft]:
    if change.by is not None:
        yield from _seen(conversation, inbox)


def _contact_created(change: ContactCreated, conversation: Conversation, inbox: Inbox) -> Iterator[Draft]:
    """The customer leaves an address: the closest that a story has to a subscription."""
    inbox.registered = True
    yield Draft("new_subscriber", payloads.customer(conversation, inbox.status))


def _seen(conversation: Conversation, inbox: Inbox) -> Iterator[Draft]:
    """An agent has looked at what the customer wrote."""
    if inbox.status == UNREAD:
        yield from _becomes(UNRESOLVED, conversation, inbox)


def _becomes(status: str, conversation: Conversation, inbox: Inbox) -> Iterator[Draft]:
    before, inbox.status = inbox.status, status
    if before == status:
        return
    body = payloads.conversation(conversation, status)
    if status == UNREAD and before in (None, DONE):
        yield Draft("new_conversation", body)
    if before is not None:
        yield Draft("status_change", body)


REACTIONS: Mapping[type, Reaction] = {
    MessageAdded: _message_added,
    StatusChanged: _status_changed,
    Joined: _joined,
    MessagesRead: _read,
    ContactCreated: _contact_created,
}


def telling(*events: str) -> dict[type, Reaction]:
    """The reactions of a profile that has these events only: the status changes all the same."""
    return {change: _telling(frozenset(events), reaction) for change, reaction in REACTIONS.items()}


def _telling(events: frozenset[str], reaction: Reaction) -> Callable[[Any, Conversation, Inbox], Iterable[Draft]]:
    def react(change: Any, conversation: Conversation, inbox: Inbox) -> Iterable[Draft]:
        return (draft for draft in reaction(change, conversation, inbox) if draft.event in events)

    return react
