"""Which events a change causes, and in which order (profile `webhooks`).

Webhooks are about chats only: a call causes none. The pages describe the events in prose and name one of them. Which
change causes which event, and their order, are assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vendorsim.conversation.changes import Assigned, Joined, Left, MessageAdded, StatusChanged
from vendorsim.conversation.state import CLOSED, SNOOZED, Agent, Conversation
from vendorsim.vendorkit.profile import Draft, Reaction
from vendorsim.vendors.ccai import bodies
from vendorsim.vendors.ccai.memory import CcaiMemory

MESSAGE_RECEIVED = "message_received"
PARTICIPANT_JOINED = "participant_joined"
PARTICIPANT_LEFT = "participant_left"
CHAT_ENDED = "chat_ended"
CHAT_DISMISSED = "chat_dismissed"
ESCALATION_STARTED = "escalation_started"
ESCALATION_ACCEPTED = "escalation_accepted"

SUMMARIES: Mapping[str, str] = {
    MESSAGE_RECEIVED: "the end user, an agent or a virtual agent writes or sends a file",
    PARTICIPANT_JOINED: "an agent comes into the chat",
    PARTICIPANT_LEFT: "an agent leaves the chat",
    CHAT_ENDED: "the chat is over",
    CHAT_DISMISSED: "the chat is put off since the end user does not answer; it is not over",
    ESCALATION_STARTED: "a chat without an agent is to go to a person",
    ESCALATION_ACCEPTED: "an agent takes the chat that was to go to a person",
}
# Their names are only known from a receiver.
ESCALATIONS = frozenset({ESCALATION_STARTED, ESCALATION_ACCEPTED})


def _message_added(change: MessageAdded, conversation: Conversation, memory: CcaiMemory) -> Iterator[Draft]:
    """No event for automatic messages before the chat starts, nor for private notes."""
    message = change.message
    if message.private or not conversation.started:
        return
    if message.by_visitor:
        memory.end_user_wrote = True
        sender = bodies.end_user(conversation)
    elif isinstance(message.author, Agent):
        memory.agent_wrote = True
        yield from _enter(message.author, conversation, memory)
        sender = bodies.agent(message.author, memory.since[message.author.id])
    else:
        sender = bodies.virtual_agent(conversation)
    for content in bodies.messages(message, conversation):
        yield _draft(MESSAGE_RECEIVED, conversation, sender=sender, message=content)


def _joined(change: Joined, conversation: Conversation, memory: CcaiMemory) -> Iterator[Draft]:
    yield from _enter(change.agent, conversation, memory)


def _enter(agent: Agent, conversation: Conversation, memory: CcaiMemory) -> Iterator[Draft]:
    """An agent who writes is in the chat, even without having joined."""
    if agent.id not in memory.since:
        if memory.escalated:
            memory.escalated = False
            yield _draft(ESCALATION_ACCEPTED, conversation)
        memory.since[agent.id] = conversation.now
        participant = bodies.agent(agent, conversation.now)
        yield _draft(PARTICIPANT_JOINED, conversation, participant=participant)


def _left(change: Left, conversation: Conversation, memory: CcaiMemory) -> Iterator[Draft]:
    since = memory.since.pop(change.agent.id, None)
    if since is not None:
        participant = bodies.agent(change.agent, since, bodies.DISCONNECTED)
        who = {"type": participant["type"], "agent": participant["agent"]}
        yield _draft(PARTICIPANT_LEFT, conversation, participant=participant, **who)


def _assigned(change: Assigned, conversation: Conversation, memory: CcaiMemory) -> Iterator[Draft]:
    """A chat that goes to a team while no agent is in it is escalated: a person is to take it."""
    if change.after[1] is None or memory.since or memory.escalated or not conversation.started or conversation.ended:
        return
    memory.escalated = True
    yield _draft(ESCALATION_STARTED, conversation)


def _status_changed(change: StatusChanged, conversation: Conversation, memory: CcaiMemory) -> Iterator[Draft]:
    """A chat can be dismissed once both sides have written, the end user also since the last dismissal.

    It continues when the end user writes again, and then gets a new agent.
    """
    if change.after == CLOSED:
        memory.since.clear()
        memory.escalated = False
        yield _draft(CHAT_ENDED, conversation)
    elif change.after == SNOOZED and change.before != CLOSED and memory.end_user_wrote and memory.agent_wrote:
        memory.since.clear()
        memory.end_user_wrote = False
        yield _draft(CHAT_DISMISSED, conversation)


def _draft(event: str, conversation: Conversation, **body: Any) -> Draft:
    return Draft(event, bodies.envelope(event, conversation, body))


def _in_chats(react: Reaction) -> Reaction:
    def reaction(change: Any, conversation: Conversation, memory: CcaiMemory) -> Iterable[Draft]:
        return react(change, conversation, memory) if conversation.channel == "chat" else ()

    return reaction


REACTIONS: Mapping[type, Reaction] = {
    MessageAdded: _in_chats(_message_added),
    Joined: _in_chats(_joined),
    Left: _in_chats(_left),
    Assigned: _in_chats(_assigned),
    StatusChanged: _in_chats(_status_changed),
}
