"""What MessageHub sends when something changes, and in which order.

The page names the events; their order in a conversation follows Chatwoot v2.5.0 (May 2022), the release
of the time the page describes, and for `conversation_updated` the page's wider "any attribute".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vendorsim.conversation.changes import (
    Assigned,
    AttributesSet,
    Joined,
    LabelsSet,
    MessageAdded,
    MessageChanged,
    MessagesRead,
    Started,
    StatusChanged,
    WidgetOpened,
)
from vendorsim.conversation.state import Conversation, Message
from vendorsim.vendorkit.profile import Draft, Reaction
from vendorsim.vendors.messagehub.payloads import (
    STATUSES,
    Notes,
    changed,
    conversation_object,
    message_object,
    team_id,
    widget_object,
)

CONVERSATION_CREATED = "conversation_created"
CONVERSATION_UPDATED = "conversation_updated"
CONVERSATION_STATUS_CHANGED = "conversation_status_changed"
MESSAGE_CREATED = "message_created"
MESSAGE_UPDATED = "message_updated"
WEBWIDGET_TRIGGERED = "webwidget_triggered"


def _widget_opened(change: WidgetOpened, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    yield Draft(WEBWIDGET_TRIGGERED, widget_object(conversation, notes, WEBWIDGET_TRIGGERED))


def _started(change: Started, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """An automatic message that came before can only belong to the conversation once that exists."""
    yield _about_conversation(CONVERSATION_CREATED, conversation, notes)
    for message in notes.held:
        yield _about_message(MESSAGE_CREATED, message, conversation, notes)
    notes.held.clear()


def _message_added(change: MessageAdded, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    message = change.message
    if not conversation.started:
        notes.held.append(message)
        return
    if message.by_visitor:
        notes.unread += 1
    elif message.by_agent and not message.private:
        notes.unread = 0
    yield _about_message(MESSAGE_CREATED, message, conversation, notes)


def _message_changed(change: MessageChanged, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    if conversation.started:
        yield _about_message(MESSAGE_UPDATED, change.message, conversation, notes)


def _agent_looked(change: Joined, conversation: Conversation, notes: Notes) -> tuple[Draft, ...]:
    notes.unread = 0
    return ()


def _read(change: MessagesRead, conversation: Conversation, notes: Notes) -> tuple[Draft, ...]:
    if change.by is not None:
        notes.unread = 0
    return ()


def _status_changed(change: StatusChanged, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """A missed chat stays as it is: Chatwoot has no such notion, and the team still sees it waiting."""
    if conversation.missed:
        return
    before, notes.status = notes.status, STATUSES[change.after]
    if conversation.started and notes.status != before:
        yield _about_conversation(CONVERSATION_STATUS_CHANGED, conversation, notes)
        yield _updated([changed("status", notes.status, before)], conversation, notes)


def _assigned(change: Assigned, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    (agent_before, team_before), (agent, team) = change.before, change.after
    changes = []
    if agent != agent_before:
        changes.append(changed("assignee_id", agent and agent.id, agent_before and agent_before.id))
    if team != team_before:
        changes.append(changed("team_id", team_id(team), team_id(team_before)))
    if conversation.started:
        yield _updated(changes, conversation, notes)


def _labels_set(change: LabelsSet, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    if conversation.started:
        yield _updated([changed("label_list", list(change.after), list(change.before))], conversation, notes)


def _attributes_set(change: AttributesSet, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    if conversation.started:
        yield _updated([changed("custom_attributes", change.after, change.before)], conversation, notes)


def _about_conversation(event: str, conversation: Conversation, notes: Notes) -> Draft:
    return Draft(event, {"event": event, **conversation_object(conversation, notes)})


def _about_message(event: str, message: Message, conversation: Conversation, notes: Notes) -> Draft:
    return Draft(event, {"event": event, **message_object(message, conversation, notes)})


def _updated(changes: list[dict[str, Any]], conversation: Conversation, notes: Notes) -> Draft:
    body = {
        "event": CONVERSATION_UPDATED,
        "changed_attributes": changes,
        **conversation_object(conversation, notes),
    }
    return Draft(CONVERSATION_UPDATED, body)


REACTIONS: Mapping[type, Reaction] = {
    WidgetOpened: _widget_opened,
    Started: _started,
    MessageAdded: _message_added,
    MessageChanged: _message_changed,
    Joined: _agent_looked,
    MessagesRead: _read,
    StatusChanged: _status_changed,
    Assigned: _assigned,
    LabelsSet: _labels_set,
    AttributesSet: _attributes_set,
}

_BEGINS = (CONVERSATION_CREATED, MESSAGE_CREATED)
_STATUS = (CONVERSATION_STATUS_CHANGED, CONVERSATION_UPDATED)

EMITS: Mapping[str, tuple[str, ...]] = {
    "open_widget": (WEBWIDGET_TRIGGERED,),
    "start": _BEGINS,
    "say": (CONVERSATION_CREATED, *_STATUS, MESSAGE_CREATED),
    "trigger": (MESSAGE_CREATED,),
    "note": _BEGINS,
    "edit": (MESSAGE_UPDATED,),
    "delete": (MESSAGE_UPDATED,),
    "join": _BEGINS,
    "assign": (CONVERSATION_UPDATED,),
    "label": (CONVERSATION_UPDATED,),
    "attributes": (CONVERSATION_UPDATED,),
    "close": (*_BEGINS, *_STATUS),
    "snooze": _STATUS,
    "pend": _STATUS,
    "reopen": _STATUS,
    "miss": _BEGINS,
    "offline_message": _BEGINS,
}
