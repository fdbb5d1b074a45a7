"""Which events a change causes, and in which order.

The vendor's page names the events of conversations, with a few words each. A live receiver knows those of contacts and
visitors. When exactly an event is sent is assumed from its name; see docs/vendors/smartsupp.md.
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
from vendorsim.vendors.smartsupp.bodies import ids
from vendorsim.vendors.smartsupp.bodies.post_hook import post_hook
from vendorsim.vendors.smartsupp.bodies.webhooks import (
    BY_EMAIL,
    CLOSED_BY_AGENT,
    CLOSED_BY_TIMEOUT,
    DELIVERED,
    FAILED,
    agent_id,
    contact_object,
    conversation_object,
    envelope,
    message_object,
    trigger_id,
    visitor_object,
)
from vendorsim.vendors.smartsupp.memory import SmartsuppMemory

POST_HOOK = "post_hook"
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


def _post_hook_closed(change: StatusChanged, conversation: Conversation, memory: None) -> Iterator[Draft]:
    if change.after == CLOSED:
        yield Draft(POST_HOOK, post_hook(conversation))


def _post_hook_offline(change: OfflineMessageLeft, conversation: Conversation, memory: None) -> Iterator[Draft]:
    yield Draft(POST_HOOK, post_hook(conversation))


def _widget_opened(change: WidgetOpened, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    memory.present = True
    yield _about_visitor(VISITOR_CONNECTED, conversation, memory)


def _navigated(change: Navigated, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    memory.present = True
    yield _about_visitor(VISITOR_UPDATED, conversation, memory)


def _typed(change: Typed, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    if change.by is None:
        conversation_id = ids.conversation_id(conversation.id) if conversation.started else None
        typing = {"is": change.active, "text": None}
        yield _about_visitor(VISITOR_TYPING, conversation, memory, conversation_id=conversation_id, typing=typing)


def _started(change: Started, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    """Automatic messages from before the start are sent now, after the conversation that they belong to."""
    memory.seen(conversation.now)
    yield _about_conversation(OPENED, conversation, memory)
    for message in memory.held:
        yield _about_message(BOT_REPLIED, message, conversation, memory)
    memory.held.clear()


def _status_changed(change: StatusChanged, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    if not conversation.started:
        return
    if change.after == OPEN:
        yield _about_conversation(OPENED, conversation, memory)
    if change.after != CLOSED:
        return
    memory.present = False
    if change.by == BY_VISITOR:
        yield _about_conversation(CLOSED_BY_CONTACT, conversation, memory)
    else:
        by_agent = isinstance(change.by, Agent)
        close_type = CLOSED_BY_AGENT if by_agent else CLOSED_BY_TIMEOUT
        agent = agent_id(change.by) if isinstance(change.by, Agent) else None
        yield _about_conversation(CLOSED_EVENT, conversation, memory, close_type=close_type, agent_id=agent)
    if conversation.missed:
        yield _about_visitor(VISITOR_DISCONNECTED, conversation, memory)


def _message_added(change: MessageAdded, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    message = change.message
    if message.trigger is not None:
        trigger = {"trigger_id": trigger_id(message.trigger), "trigger_name": message.trigger}
        yield _about_visitor(VISITOR_TRIGGERED, conversation, memory, **trigger)
        if conversation.started:
            yield _about_message(BOT_REPLIED, message, conversation, memory)
        else:
            memory.held.append(message)
    elif message.by_visitor:
        memory.unread, memory.present = True, True
        if memory.waiting_since is None:
            memory.waiting_since = message.at
        yield _about_message(CONTACT_REPLIED, message, conversation, memory)
    elif not message.private:
        yield from _agent_replied(message, conversation, memory)


def _agent_replied(message: Message, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    """An answer, and what became of it: shown in the chat, sent by e-mail to whoever has gone, or neither."""
    email = None if memory.present else conversation.visitor.email
    arrives = memory.present or email is not None
    delivery_to = BY_EMAIL if email is not None else None
    answer = {**_answer(message, memory), "delivery_to": delivery_to, "is_offline_reply": conversation.offline}
    memory.unread, memory.served, memory.waiting_since = False, True, None
    yield _about_message(AGENT_REPLIED, message, conversation, memory, **answer)
    outcome = MESSAGE_DELIVERED if arrives else MESSAGE_DELIVERY_FAILED
    status = DELIVERED if arrives else FAILED
    delivered_at = iso(conversation.now) if arrives else None
    delivery = {**answer, "delivery_status": status, "delivered_at": delivered_at}
    yield _about_message(outcome, message, conversation, memory, **delivery)


def _answer(message: Message, memory: SmartsuppMemory) -> dict[str, Any]:
    """The fields of an answer: whether it is the first, and how many seconds the visitor waited for it."""
    if memory.waiting_since is None:
        return {}
    first, memory.replied = not memory.replied, True
    waited = (message.at - memory.waiting_since) // 1000
    return {"is_reply": True, "is_first_reply": first, "response_time": waited}


def _left_offline_message(
    change: OfflineMessageLeft, conversation: Conversation, memory: SmartsuppMemory
) -> tuple[Draft, ...]:
    memory.present = False
    return ()


def _read(change: MessagesRead, conversation: Conversation, memory: SmartsuppMemory) -> tuple[Draft, ...]:
    if change.by is not None:
        memory.unread = False
    return ()


def _joined(change: Joined, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    memory.unread, memory.served = False, True
    yield _about_presence(AGENT_JOINED, change.agent, conversation, memory)


def _left(change: Left, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    if conversation.started:
        yield _about_presence(AGENT_LEFT, change.agent, conversation, memory)


def _assigned(change: Assigned, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    """From one agent to another, both events are sent. By whom: the former assignee, else the new one."""
    (before, _), (after, _) = change.before, change.after
    if not conversation.started or before == after:
        return
    if before is not None:
        taken = {"unassigned": agent_id(before), "unassigned_by": agent_id(before)}
        yield _about_conversation(AGENT_UNASSIGNED, conversation, memory, **taken)
    if after is not None:
        given = {"assigned": agent_id(after), "assigned_by": agent_id(before or after)}
        yield _about_conversation(AGENT_ASSIGNED, conversation, memory, **given)


def _rated(change: Rated, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    if conversation.started:
        rating = {"rating_value": change.score, "rating_text": change.comment}
        yield _about_conversation(RATED, conversation, memory, **rating)


def _contact_created(change: ContactCreated, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    """A contact that is created after the start was acquired in the chat."""
    memory.contact_since = conversation.now
    yield _about_contact(CONTACT_CREATED, conversation, memory)
    if conversation.started:
        yield _about_contact(CONTACT_ACQUIRED, conversation, memory)


def _contact_updated(change: ContactUpdated, conversation: Conversation, memory: SmartsuppMemory) -> Iterator[Draft]:
    yield _about_contact(CONTACT_UPDATED, conversation, memory)


def _about_conversation(event: str, conversation: Conversation, memory: SmartsuppMemory, **more: Any) -> Draft:
    data = {"conversation": conversation_object(conversation, memory), **more}
    return Draft(event, envelope(event, data, conversation, memory))


def _about_message(
    event: str, message: Message, conversation: Conversation, memory: SmartsuppMemory, **more: Any
) -> Draft:
    """`more` replaces fields of the message object."""
    data = {
        "conversation": conversation_object(conversation, memory),
        "message": message_object(message, conversation) | more | {"updated_at": iso(conversation.now)},
    }
    return Draft(event, envelope(event, data, conversation, memory))


def _about_presence(event: str, agent: Agent, conversation: Conversation, memory: SmartsuppMemory) -> Draft:
    data = {"conversation_id": ids.conversation_id(conversation.id), "agent_id": agent_id(agent)}
    return Draft(event, envelope(event, data, conversation, memory))


def _about_contact(event: str, conversation: Conversation, memory: SmartsuppMemory) -> Draft:
    return Draft(event, envelope(event, {"contact": contact_object(conversation, memory)}, conversation, memory))


def _about_visitor(event: str, conversation: Conversation, memory: SmartsuppMemory, **more: Any) -> Draft:
    data = {"visitor": visitor_object(conversation, memory), **more}
    return Draft(event, envelope(event, data, conversation, memory))


POST_HOOK_REACTIONS: Mapping[type, Reaction] = {
    StatusChanged: _post_hook_closed,
    OfflineMessageLeft: _post_hook_offline,
}

WEBHOOK_REACTIONS: Mapping[type, Reaction] = {
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
