"""Events about conversations and messages, and their order, by version.

Source of Chatwoot, v2.5.0 and v4.15.1: app/models/message.rb, app/models/conversation.rb, app/dispatchers. Jobs build
the bodies of an account's webhooks later, so bodies show the conversation after the whole step.
`changed_attributes` is taken at the time of the change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from vendorsim.conversation import reducer
from vendorsim.conversation.changes import (
    Assigned,
    AttributesSet,
    Joined,
    LabelsSet,
    MessageAdded,
    MessageChanged,
    MessagesDelivered,
    MessagesRead,
    PrioritySet,
    Started,
    StatusChanged,
)
from vendorsim.conversation.state import BY_TIMEOUT, CLOSED, OPEN, PENDING, SNOOZED, Agent, Conversation, Message
from vendorsim.core.times import iso, moment
from vendorsim.vendorkit.profile import Body, Draft, Reaction
from vendorsim.vendors.messagehub.bodies import team_id
from vendorsim.vendors.messagehub.memory import STATUSES
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.bodies.conversations import (
    DELIVERED,
    READ,
    conversation_object,
    message_object,
)
from vendorsim.vendors.messagehub.observed.bodies.parties import bot_id
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory
from vendorsim.vendors.messagehub.observed.reactions import changed_attributes as changes
from vendorsim.vendors.messagehub.observed.reactions.changed_attributes import Changes, changed
from vendorsim.vendors.messagehub.observed.reactions.visits import contact_updated
from vendorsim.vendors.messagehub.reactions import (
    CONVERSATION_CREATED,
    CONVERSATION_STATUS_CHANGED,
    CONVERSATION_UPDATED,
    MESSAGE_CREATED,
    MESSAGE_UPDATED,
)

# The hour, in UTC, at which a snoozed conversation opens again on the next day.
_MORNING = 9


CONVERSATION_OPENED, CONVERSATION_RESOLVED = "conversation_opened", "conversation_resolved"
# In bodies, the event that has started the rule follows: `automation_event.message_created`.
AUTOMATION_EVENT = "automation_event"


def conversation_event(event: str, conversation: Conversation, memory: ChatwootMemory) -> Draft:
    """An event about the conversation. Its body is built later."""

    return Draft(event, lambda: {**conversation_object(conversation, memory), "event": event})


def updated_event(changed_attributes: Changes | None, conversation: Conversation, memory: ChatwootMemory) -> Draft:
    """`conversation_updated` with these `changed_attributes`."""
    return _with_changes(CONVERSATION_UPDATED, changed_attributes, conversation, memory)


def message_event(event: str, message: Message, conversation: Conversation, memory: ChatwootMemory) -> Draft:
    """An event about a message. Its body is built later."""

    return Draft(event, lambda: {**message_object(message, conversation, memory), "event": event})


def is_sent(message: Message, memory: ChatwootMemory) -> bool:
    """Whether events about the message are sent. Older versions send none about automatic messages."""
    return message.by_visitor or message.by_agent or memory.has(versions.TEMPLATES_SENT)


def _started(change: Started, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """Automatic messages from before the start are sent now, after the conversation that they belong to.

    In the inbox of a bot the conversation begins as pending (chatwoot/chatwoot, app/models/conversation.rb,
    determine_conversation_status), and returns to it when the visitor writes after the end (app/models/message.rb,
    reopen_resolved_conversation). Newer servers assign it to the bot (set_active_bot_conversation; #14875).
    """
    memory.status = STATUSES[conversation.status]
    memory.bot_owns = conversation.status == PENDING and memory.has(versions.BOT_OWNS)
    memory.status_changed_at = conversation.now
    if memory.contact is None:
        changes.contact_begins(conversation, memory)
    memory.updated_at = memory.waiting_since = conversation.now
    yield conversation_event(CONVERSATION_CREATED, conversation, memory)
    for message in memory.held:
        if is_sent(message, memory):
            yield message_event(MESSAGE_CREATED, message, conversation, memory)
    memory.held.clear()


def _message_added(change: MessageAdded, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    message = change.message
    if not conversation.started:
        memory.held.append(message)
        return
    changes.touched(conversation, memory)
    if is_sent(message, memory):
        yield message_event(MESSAGE_CREATED, message, conversation, memory)
    if message.private:
        return
    if message.by_visitor:
        memory.unread += 1
        yield from _updated(changes.waiting(conversation, memory), conversation, memory)
        if memory.has(versions.CONTACT_EVENTS):
            yield contact_updated(changes.contact_active(conversation, memory), conversation, memory)
    elif message.by_agent:
        memory.unread = 0
        yield from _updated(changes.first_reply(conversation, memory), conversation, memory)


def message_changed(change: MessageChanged, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """A message was edited or deleted, or could not be delivered."""
    if conversation.started:
        yield from _message_saved(change.message, conversation, memory)


def _message_saved(message: Message, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    memory.edited[message.id] = conversation.now
    changes.touched(conversation, memory)
    if is_sent(message, memory):
        yield message_event(MESSAGE_UPDATED, message, conversation, memory)


def _agent_looked(change: Joined, conversation: Conversation, memory: ChatwootMemory) -> tuple[Draft, ...]:
    memory.unread = 0
    return ()


def _read(change: MessagesRead, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """Reading by the visitor changes each message. Reading by an agent causes no event."""
    if change.by is not None:
        memory.unread = 0
        return
    if not conversation.started or not memory.has(versions.READ_TELLS):
        return
    for message in change.messages:
        if message.id not in memory.errors:
            memory.statuses[message.id] = READ
            yield from _message_saved(message, conversation, memory)


def _delivered(change: MessagesDelivered, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """As for reading, each message is saved.

    Source of Chatwoot, app/jobs/conversations/update_message_status_job.rb: channels that tell of it call this job with
    `delivered`.
    """
    if not conversation.started or not memory.has(versions.READ_TELLS):
        return
    for message in change.messages:
        if message.id not in memory.errors:
            memory.statuses[message.id] = DELIVERED
            yield from _message_saved(message, conversation, memory)


def status_changed(change: StatusChanged, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """A missed chat stays open: Chatwoot has no missed chats, so it still waits for the team."""
    if conversation.missed:
        return
    before, memory.status = memory.status, STATUSES[change.after]
    made = _status_changes(before, change.after, conversation, memory)
    if change.after == OPEN and change.by != BY_TIMEOUT:
        # Where the bot can't be reached, the status alone changes (app/services and lib/webhooks/trigger.rb: open!).
        made += _bot_leaves(conversation, memory)
    yield from _status_events(change, made, conversation, memory)


def _status_events(
    change: StatusChanged, made: Changes, conversation: Conversation, memory: ChatwootMemory
) -> Iterator[Draft]:
    if not conversation.started or not made:
        return
    made = changes.saved(conversation, memory, made)
    if change.after in (OPEN, CLOSED):
        event = CONVERSATION_OPENED if change.after == OPEN else CONVERSATION_RESOLVED
        # Bodies for bots are built at once.
        yield Draft(event, {**conversation_object(conversation, memory), "event": event})
    yield _with_changes(CONVERSATION_STATUS_CHANGED, None, conversation, memory)
    yield updated_event(made, conversation, memory)
    if change.after == OPEN and isinstance(change.by, Agent):
        yield from _updated(_given_to(change.by, memory), conversation, memory)


def _status_changes(before: str, after: str, conversation: Conversation, memory: ChatwootMemory) -> Changes:
    if memory.status == before:
        return []
    made = [changed("status", before, memory.status)]
    if memory.has(versions.STATUS_CHANGED_AT):
        made.append(changed("status_changed_at", iso(memory.status_changed_at), iso(conversation.now)))
    memory.status_changed_at = conversation.now
    until, memory.snoozed_until = memory.snoozed_until, _next_morning(conversation.now) if after == SNOOZED else None
    if until != memory.snoozed_until:
        made.append(changed("snoozed_until", until and iso(until), memory.snoozed_until and iso(memory.snoozed_until)))
    # Closing ends the wait for an answer. The visitor's next message starts a new one.
    return made + changes.no_longer_waiting(memory) if after == CLOSED else made


def assigned(change: Assigned, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """Another agent or team has the conversation. An agent who gets it from a bot opens it (#14870)."""
    (_, team_before), (agent, team) = change.before, change.after
    made = _given_to(agent, memory)
    if team != team_before:
        made.append(changed("team_id", team_id(team_before), team_id(team)))
    if agent is not None and memory.bot_owns and conversation.status == PENDING:
        for opened in reducer.set_status(conversation, OPEN, agent):
            before, memory.status = memory.status, STATUSES[opened.after]
            made += [*_bot_leaves(conversation, memory), *_status_changes(before, opened.after, conversation, memory)]
            yield from _status_events(opened, made, conversation, memory)
        return
    if agent is not None:
        made += _bot_leaves(conversation, memory)
    yield from _updated(made, conversation, memory)


def _bot_leaves(conversation: Conversation, memory: ChatwootMemory) -> Changes:
    """The bot no longer has the conversation. Returns what has changed: the columns of its id and its kind (#15419)."""
    if not memory.bot_owns:
        return []
    memory.bot_owns = False
    return [changed("assignee_agent_bot_id", bot_id(conversation), None), changed("ai_assignee_type", memory.bot, None)]


def _given_to(agent: Agent | None, memory: ChatwootMemory) -> Changes:
    """Changes the assignee in the bodies. Returns what has changed."""
    before, memory.assignee = memory.assignee, agent
    if before == agent:
        return []
    return [changed("assignee_id", before.id if before else None, agent.id if agent else None)]


def _labels_set(change: LabelsSet, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    if memory.has(versions.FIRST_REPLY):
        made = [changed("label_list", list(change.before), list(change.after))]
        yield from _updated(made, conversation, memory)


def _priority_set(change: PrioritySet, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    if memory.has(versions.PRIORITY):
        yield from _updated([changed("priority", change.before, change.after)], conversation, memory)


def _attributes_set(change: AttributesSet, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    made = [changed("custom_attributes", dict(change.before), dict(change.after))]
    yield from _updated(made, conversation, memory)


def _updated(made: Changes, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """`conversation_updated`; nothing where nothing has changed, or before the conversation has started."""
    if made and conversation.started:
        yield updated_event(changes.saved(conversation, memory, made), conversation, memory)


def _with_changes(event: str, made: Any, conversation: Conversation, memory: ChatwootMemory) -> Draft:
    def body() -> Body:
        return {**conversation_object(conversation, memory), "event": event, "changed_attributes": made}

    return Draft(event, body)


def _next_morning(now: int) -> int:
    morning = (moment(now) + timedelta(days=1)).replace(hour=_MORNING, minute=0, second=0, microsecond=0)
    return int(morning.timestamp() * 1000)


REACTIONS: Mapping[type, Reaction] = {
    Started: _started,
    MessageAdded: _message_added,
    MessageChanged: message_changed,
    Joined: _agent_looked,
    MessagesRead: _read,
    MessagesDelivered: _delivered,
    StatusChanged: status_changed,
    Assigned: assigned,
    LabelsSet: _labels_set,
    PrioritySet: _priority_set,
    AttributesSet: _attributes_set,
}
