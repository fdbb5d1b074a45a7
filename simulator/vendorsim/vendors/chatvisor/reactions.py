"""Which events a change causes: the changes of the customer's status, and the events that follow.

The vendor's page names three statuses and explains one transition: from DONE to UNREAD is a new conversation. All other
transitions are assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vendorsim.conversation.changes import (
    ContactCreated,
    Joined,
    MessageAdded,
    MessagesRead,
    Navigated,
    PresenceChanged,
    StatusChanged,
    WidgetConfigured,
)
from vendorsim.conversation.state import BY_VISITOR, CLOSED, OPEN, Conversation, StepError
from vendorsim.scenario.verbs import OfflineMessage, Say, Verb
from vendorsim.vendorkit.profile import Draft, Reaction
from vendorsim.vendors.chatvisor import bodies
from vendorsim.vendors.chatvisor.bodies import DONE, UNREAD, UNRESOLVED
from vendorsim.vendors.chatvisor.memory import ChatvisorMemory

# The key of the step `configure_widget` that holds the settings of the plug-in.
WEBCHAT = "webchat"


def _message_added(change: MessageAdded, conversation: Conversation, memory: ChatvisorMemory) -> Iterator[Draft]:
    message = change.message
    if message.by_visitor:
        yield from _becomes(UNREAD, conversation, memory)
        yield Draft("new_message", bodies.new_message(conversation, message))
    elif message.by_agent and not message.private:
        yield from _seen(conversation, memory)


def _status_changed(change: StatusChanged, conversation: Conversation, memory: ChatvisorMemory) -> Iterator[Draft]:
    """A conversation that the customer reopens becomes UNREAD with the message that follows."""
    if memory.status is None:
        return
    if change.after == CLOSED:
        yield from _becomes(DONE, conversation, memory)
    elif change.after != OPEN:
        yield from _becomes(UNRESOLVED, conversation, memory)
    elif change.before == CLOSED and change.by != BY_VISITOR:
        yield from _becomes(UNREAD, conversation, memory)


def _joined(change: Joined, conversation: Conversation, memory: ChatvisorMemory) -> Iterator[Draft]:
    return _seen(conversation, memory)


def _read(change: MessagesRead, conversation: Conversation, memory: ChatvisorMemory) -> Iterator[Draft]:
    if change.by is not None:
        yield from _seen(conversation, memory)


def _contact_created(change: ContactCreated, conversation: Conversation, memory: ChatvisorMemory) -> Iterator[Draft]:
    """The customer leaves an address: the closest a scenario has to a subscription."""
    memory.registered = True
    yield Draft("new_subscriber", bodies.customer(conversation, memory.status))


def _navigated(change: Navigated, conversation: Conversation, memory: ChatvisorMemory) -> Iterable[Draft]:
    memory.page_since = conversation.now
    return ()


def _presence(change: PresenceChanged, conversation: Conversation, memory: ChatvisorMemory) -> Iterable[Draft]:
    memory.presences[change.agent.key] = change.goes
    return ()


def _configured(change: WidgetConfigured, conversation: Conversation, memory: ChatvisorMemory) -> Iterable[Draft]:
    """Settings of a story are for this conversation only. Other keys than `webchat` are for other vendors' widgets."""
    if WEBCHAT in change.settings:
        try:
            memory.settings = memory.widget().changed(change.settings[WEBCHAT])
        except ValueError as error:
            raise StepError(f"configure_widget: {WEBCHAT}: {error}") from None
    return ()


def prevents(verb: Verb, conversation: Conversation, memory: ChatvisorMemory, at: int) -> str | None:
    """While the chat is hidden, a visitor can't begin one: neither the first, nor another one after it is DONE."""
    if not (isinstance(verb, OfflineMessage) or (isinstance(verb, Say) and verb.by == BY_VISITOR)):
        return None
    hidden = memory.hidden_because(conversation, at)
    return f"the chat is hidden: {'; '.join(hidden)}" if hidden else None


def _seen(conversation: Conversation, memory: ChatvisorMemory) -> Iterator[Draft]:
    """An agent has seen the customer's messages."""
    if memory.status == UNREAD:
        yield from _becomes(UNRESOLVED, conversation, memory)


def _becomes(status: str, conversation: Conversation, memory: ChatvisorMemory) -> Iterator[Draft]:
    """Sets the customer's status. No events where it is the same already."""
    before, memory.status = memory.status, status
    if before == status:
        return
    body = bodies.conversation(conversation, status)
    if status == UNREAD and before in (None, DONE):
        yield Draft("new_conversation", body)
    if before is not None:
        yield Draft("status_change", body)


_REACTIONS: Mapping[type, Reaction] = {
    MessageAdded: _message_added,
    StatusChanged: _status_changed,
    Joined: _joined,
    MessagesRead: _read,
    ContactCreated: _contact_created,
    Navigated: _navigated,
    PresenceChanged: _presence,
    WidgetConfigured: _configured,
}


def reactions(*events: str) -> dict[type, Reaction]:
    """The reactions of a profile with these events only. The status changes as with all events."""
    return {change: _only(frozenset(events), reaction) for change, reaction in _REACTIONS.items()}


def _only(events: frozenset[str], reaction: Reaction) -> Reaction:
    def react(change: Any, conversation: Conversation, memory: ChatvisorMemory) -> Iterable[Draft]:
        return (draft for draft in reaction(change, conversation, memory) if draft.event in events)

    return react
