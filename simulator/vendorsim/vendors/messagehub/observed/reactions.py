"""What real servers send when something changes, and in which order, by version.

Source of Chatwoot, v2.5.0 and v4.15.1: app/models/message.rb, app/models/conversation.rb, app/dispatchers. The bodies
for an account's webhooks are built by later jobs, so they show the conversation as it is after the whole step; what is
in `changed_attributes` is taken when the change happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
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
)
from vendorsim.conversation.state import CLOSED, OPEN, SNOOZED, Agent, Conversation, Message
from vendorsim.core.times import iso, moment
from vendorsim.vendorkit.profile import Body, Draft, Reaction
from vendorsim.vendors.messagehub.observed import changes, versions
from vendorsim.vendors.messagehub.observed.changes import Changes, changed
from vendorsim.vendors.messagehub.observed.inboxes import WIDGET_REACTIONS
from vendorsim.vendors.messagehub.observed.names import CONVERSATION_OPENED, CONVERSATION_RESOLVED
from vendorsim.vendors.messagehub.observed.notes import Notes
from vendorsim.vendors.messagehub.observed.payloads import READ, conversation_object, message_object
from vendorsim.vendors.messagehub.observed.visits import VISITS, contact_updated
from vendorsim.vendors.messagehub.payloads import STATUSES, team_id
from vendorsim.vendors.messagehub.reactions import (
    CONVERSATION_CREATED,
    CONVERSATION_STATUS_CHANGED,
    CONVERSATION_UPDATED,
    MESSAGE_CREATED,
    MESSAGE_UPDATED,
)

# What a snoozed conversation waits for: the next morning, by UTC.
_MORNING = 9


def conversation_event(event: str, conversation: Conversation, notes: Notes) -> Draft:
    """An event about the conversation, as it is when the body is built."""

    def body() -> Body:
        return {**conversation_object(conversation, notes), "event": event}

    return Draft(event, body)


def updated_event(changed_attributes: Changes | None, conversation: Conversation, notes: Notes) -> Draft:
    """`conversation_updated` with what has changed."""
    return _with_changes(CONVERSATION_UPDATED, changed_attributes, conversation, notes)


def message_event(event: str, message: Message, conversation: Conversation, notes: Notes) -> Draft:
    """An event about a message, as it and its conversation are when the body is built."""

    def body() -> Body:
        return {**message_object(message, conversation, notes), "event": event}

    return Draft(event, body)


def is_sent(message: Message, notes: Notes) -> bool:
    """Whether there are events about a message: automatic ones were not sent at first."""
    return message.by_visitor or message.by_agent or notes.has(versions.TEMPLATES_SENT)


def _started(change: Started, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """An automatic message that came before can only belong to the conversation once that exists."""
    if notes.contact is None:
        changes.contact_begins(conversation, notes)
    notes.updated_at = notes.waiting_since = conversation.now
    yield conversation_event(CONVERSATION_CREATED, conversation, notes)
    for message in notes.held:
        if is_sent(message, notes):
            yield message_event(MESSAGE_CREATED, message, conversation, notes)
    notes.held.clear()


def _message_added(change: MessageAdded, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    message = change.message
    if not conversation.started:
        notes.held.append(message)
        return
    changes.touched(conversation, notes)
    if is_sent(message, notes):
        yield message_event(MESSAGE_CREATED, message, conversation, notes)
    if message.private:
        return
    if message.by_visitor:
        notes.unread += 1
        yield from _updated(changes.waiting(conversation, notes), conversation, notes)
        if notes.has(versions.CONTACT_EVENTS):
            yield contact_updated(changes.contact_active(conversation, notes), conversation, notes)
    elif message.by_agent:
        notes.unread = 0
        yield from _updated(changes.first_reply(conversation, notes), conversation, notes)


def _message_changed(change: MessageChanged, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    message = change.message
    if not conversation.started:
        return
    yield from _message_saved(message, conversation, notes)


def _message_saved(message: Message, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    notes.edited[message.id] = conversation.now
    changes.touched(conversation, notes)
    if is_sent(message, notes):
        yield message_event(MESSAGE_UPDATED, message, conversation, notes)


def _agent_looked(change: Joined, conversation: Conversation, notes: Notes) -> tuple[Draft, ...]:
    notes.unread = 0
    return ()


def _read(change: MessagesRead, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """Nothing tells that an agent has read; a visitor's reading changes each message."""
    if change.by is not None:
        notes.unread = 0
        return
    if not conversation.started or not notes.has(versions.READ_TELLS):
        return
    for message in change.messages:
        if message.id not in notes.errors:
            notes.statuses[message.id] = READ
            yield from _message_saved(message, conversation, notes)


def _status_changed(change: StatusChanged, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """A missed chat stays as it is: Chatwoot has no such notion, and the team still sees it waiting."""
    if conversation.missed:
        return
    before, notes.status = notes.status, STATUSES[change.after]
    made = _status_changes(before, change.after, conversation, notes)
    if not conversation.started or not made:
        return
    made = changes.saved(conversation, notes, made)
    if change.after in (OPEN, CLOSED) and notes.has(versions.BOT_ONLY_EVENTS):
        event = CONVERSATION_OPENED if change.after == OPEN else CONVERSATION_RESOLVED
        # A bot's bodies are built at once.
        yield Draft(event, {**conversation_object(conversation, notes), "event": event})
    yield _with_changes(CONVERSATION_STATUS_CHANGED, None, conversation, notes)
    yield updated_event(made, conversation, notes)
    if change.after == OPEN and isinstance(change.by, Agent) and notes.has(versions.REOPENING_ASSIGNS):
        yield from _updated(_given_to(change.by, notes), conversation, notes)


def _status_changes(before: str, after: str, conversation: Conversation, notes: Notes) -> Changes:
    if notes.status == before:
        return []
    made = [changed("status", before, notes.status)]
    until, notes.snoozed_until = notes.snoozed_until, _next_morning(conversation.now) if after == SNOOZED else None
    if until != notes.snoozed_until:
        made.append(changed("snoozed_until", until and iso(until), notes.snoozed_until and iso(notes.snoozed_until)))
    # Whoever has been served waits for nothing; their next message begins to wait anew.
    return made + changes.no_longer_waiting(notes) if after == CLOSED else made


def _assigned(change: Assigned, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    (_, team_before), (agent, team) = change.before, change.after
    made = _given_to(agent, notes)
    if team != team_before:
        made.append(changed("team_id", team_id(team_before), team_id(team)))
    yield from _updated(made, conversation, notes)


def _given_to(agent: Agent | None, notes: Notes) -> Changes:
    before, notes.assignee = notes.assignee, agent
    if before == agent:
        return []
    return [changed("assignee_id", before.id if before else None, agent.id if agent else None)]


def _labels_set(change: LabelsSet, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    if notes.has(versions.FIRST_REPLY):
        made = [changed("label_list", list(change.before), list(change.after))]
        yield from _updated(made, conversation, notes)


def _attributes_set(change: AttributesSet, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    made = [changed("custom_attributes", dict(change.before), dict(change.after))]
    yield from _updated(made, conversation, notes)


def _updated(made: Changes, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """`conversation_updated`, where there is a conversation and something about it has changed."""
    if made and conversation.started:
        yield updated_event(changes.saved(conversation, notes, made), conversation, notes)


def _with_changes(event: str, made: Any, conversation: Conversation, notes: Notes) -> Draft:
    def body() -> Body:
        return {**conversation_object(conversation, notes), "event": event, "changed_attributes": made}

    return Draft(event, body)


def _next_morning(now: int) -> int:
    morning = (moment(now) + timedelta(days=1)).replace(hour=_MORNING, minute=0, second=0, microsecond=0)
    return int(morning.timestamp() * 1000)


REACTIONS: Mapping[type, Reaction] = {
    Started: _started,
    MessageAdded: _message_added,
    MessageChanged: _message_changed,
    Joined: _agent_looked,
    MessagesRead: _read,
    StatusChanged: _status_changed,
    Assigned: _assigned,
    LabelsSet: _labels_set,
    AttributesSet: _attributes_set,
    **VISITS,
    **WIDGET_REACTIONS,
}
