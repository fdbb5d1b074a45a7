"""Which event webhooks Smartsupp sends when something changes, and in which order.

The vendor's page names the conversation's events in a few words each; a live receiver knows those of contacts and
visitors. When exactly each is sent is assumed from its name, and told in docs/vendors/smartsupp.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vendorsim.conversation.changes import (
    Assigned,
    ContactCreated,
    ContactUpdated,
    Joined,
    Left,
    MessageAdded,
    MessagesRead,
    Navigated,
    OfflineMessageLeft,
    Rated,
    Started,
    StatusChanged,
    Typed,
    WidgetOpened,
)
from vendorsim.conversation.state import BY_VISITOR, CLOSED, OPEN, Agent, Conversation, Message
from vendorsim.core.times import iso
from vendorsim.vendorkit.profile import Draft, Reaction
from vendorsim.vendors.smartsupp import ids
from vendorsim.vendors.smartsupp.webhooks import (
    BY_EMAIL,
    CLOSED_BY_AGENT,
    CLOSED_BY_TIMEOUT,
    DELIVERED,
    FAILED,
    Notes,
    agent_id,
    contact_object,
    conversation_object,
    envelope,
    message_object,
    trigger_id,
    visitor_object,
)

OPENED, CLOSED_EVENT = "conversation.opened", "conversation.closed"
CLOSED_BY_CONTACT, RATED = "conversation.closed_by_contact", "conversation.rated"
AGENT_ASSIGNED, AGENT_UNASSIGNED = "conversation.agent_assigned", "conversation.agent_unassigned"
AGENT_JOINED, AGENT_LEFT = "conversation.agent_joined", "conversation.agent_left"
AGENT_REPLIED, CONTACT_REPLIED = "conversation.agent_replied", "conversation.contact_replied"
BOT_REPLIED = "conversation.bot_replied"
MESSAGE_DELIVERED = "conversation.message_delivered"
MESSAGE_DELIVERY_FAILED = "conversation.message_delivery_failed"
CONTACT_CREATED, CONTACT_UPDATED, CONTACT_ACQUIRED = "contact.created", "contact.updated", "contact.acquired"
VISITOR_CONNECTED, VISITOR_DISCONNECTED = "visitor.connected", "visitor.disconnected"
VISITOR_UPDATED, VISITOR_TRIGGERED, VISITOR_TYPING = "visitor.updated", "visitor.triggered", "visitor.typing"


def _widget_opened(change: WidgetOpened, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    notes.present = True
    yield _about_visitor(VISITOR_CONNECTED, conversation, notes)


def _navigated(change: Navigated, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    notes.present = True
    yield _about_visitor(VISITOR_UPDATED, conversation, notes)


def _typed(change: Typed, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    if change.by is None:
        conversation_id = ids.conversation_id(conversation.id) if conversation.started else None
        typing = {"is": change.active, "text": None}
        yield _about_visitor(VISITOR_TYPING, conversation, notes, conversation_id=conversation_id, typing=typing)


def _started(change: Started, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """An automatic message that came before can only belong to the conversation once that exists."""
    notes.seen(conversation.now)
    yield _about_conversation(OPENED, conversation, notes)
    for message in notes.held:
        yield _about_message(BOT_REPLIED, message, conversation, notes)
    notes.held.clear()


def _status_changed(change: StatusChanged, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    if not conversation.started:
        return
    if change.after == OPEN:
        yield _about_conversation(OPENED, conversation, notes)
    if change.after != CLOSED:
        return
    notes.present = False
    if change.by == BY_VISITOR:
        yield _about_conversation(CLOSED_BY_CONTACT, conversation, notes)
    else:
        by_agent = isinstance(change.by, Agent)
        close_type = CLOSED_BY_AGENT if by_agent else CLOSED_BY_TIMEOUT
        agent = agent_id(change.by) if isinstance(change.by, Agent) else None
        yield _about_conversation(CLOSED_EVENT, conversation, notes, close_type=close_type, agent_id=agent)
    if conversation.missed:
        yield _about_visitor(VISITOR_DISCONNECTED, conversation, notes)


def _message_added(change: MessageAdded, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    message = change.message
    if message.trigger is not None:
        trigger = {"trigger_id": trigger_id(message.trigger), "trigger_name": message.trigger}
        yield _about_visitor(VISITOR_TRIGGERED, conversation, notes, **trigger)
        if conversation.started:
            yield _about_message(BOT_REPLIED, message, conversation, notes)
        else:
            notes.held.append(message)
    elif message.by_visitor:
        notes.unread, notes.present = True, True
        if notes.waiting_since is None:
            notes.waiting_since = message.at
        yield _about_message(CONTACT_REPLIED, message, conversation, notes)
    elif not message.private:
        yield from _agent_replied(message, conversation, notes)


def _agent_replied(message: Message, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """An answer, and what became of it: shown in the chat, sent by e-mail to whoever has gone, or neither."""
    email = None if notes.present else conversation.visitor.email
    arrives = notes.present or email is not None
    delivery_to = BY_EMAIL if email is not None else None
    answer = {**_answer(message, notes), "delivery_to": delivery_to, "is_offline_reply": conversation.offline}
    notes.unread, notes.served, notes.waiting_since = False, True, None
    yield _about_message(AGENT_REPLIED, message, conversation, notes, **answer)
    outcome = MESSAGE_DELIVERED if arrives else MESSAGE_DELIVERY_FAILED
    status = DELIVERED if arrives else FAILED
    delivered_at = iso(conversation.now) if arrives else None
    delivery = {**answer, "delivery_status": status, "delivered_at": delivered_at}
    yield _about_message(outcome, message, conversation, notes, **delivery)


def _answer(message: Message, notes: Notes) -> dict[str, Any]:
    """Whether somebody waited for this message, and for how many seconds."""
    if notes.waiting_since is None:
        return {}
    first, notes.replied = not notes.replied, True
    waited = (message.at - notes.waiting_since) // 1000
    return {"is_reply": True, "is_first_reply": first, "response_time": waited}


def _left_offline_message(change: OfflineMessageLeft, conversation: Conversation, notes: Notes) -> tuple[Draft, ...]:
    notes.present = False
    return ()


def _read(change: MessagesRead, conversation: Conversation, notes: Notes) -> tuple[Draft, ...]:
    if change.by is not None:
        notes.unread = False
    return ()


def _joined(change: Joined, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    notes.unread, notes.served = False, True
    yield _about_presence(AGENT_JOINED, change.agent, conversation, notes)


def _left(change: Left, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    if conversation.started:
        yield _about_presence(AGENT_LEFT, change.agent, conversation, notes)


def _assigned(change: Assigned, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """From one agent to another one it is taken and given. Who did it: the agent who had it, else the one who has."""
    (before, _), (after, _) = change.before, change.after
    if not conversation.started or before == after:
        return
    if before is not None:
        taken = {"unassigned": agent_id(before), "unassigned_by": agent_id(before)}
        yield _about_conversation(AGENT_UNASSIGNED, conversation, notes, **taken)
    if after is not None:
        given = {"assigned": agent_id(after), "assigned_by": agent_id(before or after)}
        yield _about_conversation(AGENT_ASSIGNED, conversation, notes, **given)


def _rated(change: Rated, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    if conversation.started:
        rating = {"rating_value": change.score, "rating_text": change.comment}
        yield _about_conversation(RATED, conversation, notes, **rating)


def _contact_created(change: ContactCreated, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """A contact that is created while a chat goes on was won by that chat."""
    notes.contact_since = conversation.now
    yield _about_contact(CONTACT_CREATED, conversation, notes)
    if conversation.started:
        yield _about_contact(CONTACT_ACQUIRED, conversation, notes)


def _contact_updated(change: ContactUpdated, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    yield _about_contact(CONTACT_UPDATED, conversation, notes)


def _about_conversation(event: str, conversation: Conversation, notes: Notes, **more: Any) -> Draft:
    data = {"conversation": conversation_object(conversation, notes), **more}
    return Draft(event, envelope(event, data, conversation, notes))


def _about_message(event: str, message: Message, conversation: Conversation, notes: Notes, **more: Any) -> Draft:
    """`more` replaces fields of the message."""
    data = {
        "conversation": conversation_object(conversation, notes),
        "message": message_object(message, conversation) | more | {"updated_at": iso(conversation.now)},
    }
    return Draft(event, envelope(event, data, conversation, notes))


def _about_presence(event: str, agent: Agent, conversation: Conversation, notes: Notes) -> Draft:
    data = {"conversation_id": ids.conversation_id(conversation.id), "agent_id": agent_id(agent)}
    return Draft(event, envelope(event, data, conversation, notes))


def _about_contact(event: str, conversation: Conversation, notes: Notes) -> Draft:
    return Draft(event, envelope(event, {"contact": contact_object(conversation, notes)}, conversation, notes))


def _about_visitor(event: str, conversation: Conversation, notes: Notes, **more: Any) -> Draft:
    data = {"visitor": visitor_object(conversation, notes), **more}
    return Draft(event, envelope(event, data, conversation, notes))


REACTIONS: Mapping[type, Reaction] = {
    WidgetOpened: _widget_opened,
    Navigated: _navigated,
    Typed: _typed,
    Started: _started,
    StatusChanged: _status_changed,
    MessageAdded: _message_added,
    OfflineMessageLeft: _left_offline_message,
    MessagesRead: _read,
    Joined: _joined,
    Left: _left,
    Assigned: _assigned,
    Rated: _rated,
    ContactCreated: _contact_created,
    ContactUpdated: _contact_updated,
}

_BEGINS = (OPENED, BOT_REPLIED)

EMITS: Mapping[str, tuple[str, ...]] = {
    "open_widget": (VISITOR_CONNECTED,),
    "start": _BEGINS,
    "say": (*_BEGINS, CONTACT_REPLIED, AGENT_REPLIED, MESSAGE_DELIVERED, MESSAGE_DELIVERY_FAILED),
    "trigger": (VISITOR_TRIGGERED, BOT_REPLIED),
    "note": _BEGINS,
    "typing": (VISITOR_TYPING,),
    "join": (*_BEGINS, AGENT_JOINED),
    "leave": (AGENT_LEFT,),
    "assign": (AGENT_UNASSIGNED, AGENT_ASSIGNED),
    "rate": (RATED,),
    "close": (*_BEGINS, CLOSED_EVENT, CLOSED_BY_CONTACT),
    "reopen": (OPENED,),
    "miss": (*_BEGINS, CLOSED_BY_CONTACT, VISITOR_DISCONNECTED),
    "offline_message": (*_BEGINS, CONTACT_REPLIED),
    "contact": (CONTACT_CREATED, CONTACT_ACQUIRED, CONTACT_UPDATED),
    "navigate": (VISITOR_UPDATED,),
}
