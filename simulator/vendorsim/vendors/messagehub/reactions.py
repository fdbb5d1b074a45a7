"""Which events a change causes, and in which order (profile `documented`).

The help page names the events. Their order follows Chatwoot v2.5.0 (May 2022), the release of the time that the page
describes. `conversation_updated` follows the page, which says "any attribute". What changes with a message or with an
agent who joins has no event of its own; the quirk `updated-by-messages` tells that, too.
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
    PrioritySet,
    Started,
    StatusChanged,
    WidgetOpened,
)
from vendorsim.conversation.state import Conversation, Message
from vendorsim.vendorkit.profile import Draft, Reaction
from vendorsim.vendors.messagehub.bodies import (
    changed,
    conversation_object,
    last_seen,
    message_object,
    team_id,
    widget_object,
)
from vendorsim.vendors.messagehub.memory import STATUSES, MessageHubMemory

CONVERSATION_CREATED = "conversation_created"
CONVERSATION_UPDATED = "conversation_updated"
CONVERSATION_STATUS_CHANGED = "conversation_status_changed"
MESSAGE_CREATED = "message_created"
MESSAGE_UPDATED = "message_updated"
WEBWIDGET_TRIGGERED = "webwidget_triggered"


def _widget_opened(change: WidgetOpened, conversation: Conversation, memory: MessageHubMemory) -> Iterator[Draft]:
    yield Draft(WEBWIDGET_TRIGGERED, widget_object(conversation, memory, WEBWIDGET_TRIGGERED))


def _started(change: Started, conversation: Conversation, memory: MessageHubMemory) -> Iterator[Draft]:
    """Automatic messages from before the start are sent now, after the conversation that they belong to.

    In the inbox of a bot the conversation begins as pending (chatwoot/chatwoot, app/models/conversation.rb,
    determine_conversation_status), and returns to it when the visitor writes after the end (app/models/message.rb,
    reopen_resolved_conversation).
    """
    memory.status = STATUSES[conversation.status]
    yield _about_conversation(CONVERSATION_CREATED, conversation, memory)
    for message in memory.held:
        yield _about_message(MESSAGE_CREATED, message, conversation, memory)
    memory.held.clear()


def _message_added(change: MessageAdded, conversation: Conversation, memory: MessageHubMemory) -> Iterator[Draft]:
    message = change.message
    if not conversation.started:
        memory.held.append(message)
        return
    if message.by_visitor:
        memory.unread += 1
    elif message.by_agent and not message.private:
        memory.unread = 0
    memory.seen = last_seen(conversation)
    yield _about_message(MESSAGE_CREATED, message, conversation, memory)


def _message_changed(change: MessageChanged, conversation: Conversation, memory: MessageHubMemory) -> Iterator[Draft]:
    if conversation.started:
        yield _about_message(MESSAGE_UPDATED, change.message, conversation, memory)


def _agent_looked(change: Joined, conversation: Conversation, memory: MessageHubMemory) -> tuple[Draft, ...]:
    memory.unread = 0
    memory.seen = last_seen(conversation)
    return ()


def _read(change: MessagesRead, conversation: Conversation, memory: MessageHubMemory) -> Iterator[Draft]:
    """Reading changes attributes: when that side has last seen the conversation, and how much is unread."""
    _changed_attributes(memory)
    memory.seen = last_seen(conversation)
    if change.by is not None:
        memory.unread = 0
    changes = _changed_attributes(memory)
    if conversation.started and changes:
        yield _updated(changes, conversation, memory)


def updated_by_messages(drafts: list[Draft], conversation: Conversation, memory: MessageHubMemory) -> list[Draft]:
    """The quirk: a `conversation_updated` about the attributes that changed with a message, or with an agent who joins.

    The events of the step tell them only as values of the conversation that they hold.
    """
    changes = _changed_attributes(memory)
    return [*drafts, _updated(changes, conversation, memory)] if conversation.started and changes else drafts


def _changed_attributes(memory: MessageHubMemory) -> list[dict[str, Any]]:
    """What has changed of the last-seen times and of `unread_count` since the last call."""
    before, memory.told = memory.told, {**memory.seen, "unread_count": memory.unread}
    return [changed(name, now, before.get(name, 0)) for name, now in memory.told.items() if now != before.get(name, 0)]


def _status_changed(change: StatusChanged, conversation: Conversation, memory: MessageHubMemory) -> Iterator[Draft]:
    """A missed chat stays open: Chatwoot has no missed chats, so it still waits for the team."""
    if conversation.missed:
        return
    before, memory.status = memory.status, STATUSES[change.after]
    if conversation.started and memory.status != before:
        yield _about_conversation(CONVERSATION_STATUS_CHANGED, conversation, memory)
        yield _updated([changed("status", memory.status, before)], conversation, memory)


def _assigned(change: Assigned, conversation: Conversation, memory: MessageHubMemory) -> Iterator[Draft]:
    (agent_before, team_before), (agent, team) = change.before, change.after
    changes = []
    if agent != agent_before:
        changes.append(changed("assignee_id", agent and agent.id, agent_before and agent_before.id))
    if team != team_before:
        changes.append(changed("team_id", team_id(team), team_id(team_before)))
    if conversation.started:
        yield _updated(changes, conversation, memory)


def _labels_set(change: LabelsSet, conversation: Conversation, memory: MessageHubMemory) -> Iterator[Draft]:
    if conversation.started:
        yield _updated([changed("label_list", list(change.after), list(change.before))], conversation, memory)


def _priority_set(change: PrioritySet, conversation: Conversation, memory: MessageHubMemory) -> Iterator[Draft]:
    if conversation.started:
        yield _updated([changed("priority", change.after, change.before)], conversation, memory)


def _attributes_set(change: AttributesSet, conversation: Conversation, memory: MessageHubMemory) -> Iterator[Draft]:
    if conversation.started:
        yield _updated([changed("custom_attributes", change.after, change.before)], conversation, memory)


def _about_conversation(event: str, conversation: Conversation, memory: MessageHubMemory) -> Draft:
    return Draft(event, {"event": event, **conversation_object(conversation, memory)})


def _about_message(event: str, message: Message, conversation: Conversation, memory: MessageHubMemory) -> Draft:
    return Draft(event, {"event": event, **message_object(message, conversation, memory)})


def _updated(changes: list[dict[str, Any]], conversation: Conversation, memory: MessageHubMemory) -> Draft:
    body = {
        "event": CONVERSATION_UPDATED,
        "changed_attributes": changes,
        **conversation_object(conversation, memory),
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
    PrioritySet: _priority_set,
    AttributesSet: _attributes_set,
}
