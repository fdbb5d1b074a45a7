"""Which changes of a chat the webhooks tell.

Webhooks are about chats only: in a call nothing is sent. The pages say in prose what is told and name one event;
which change causes which event, and the order, are assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vendorsim.conversation.changes import Joined, Left, MessageAdded, StatusChanged
from vendorsim.conversation.state import CLOSED, SNOOZED, Agent, Conversation
from vendorsim.vendorkit.profile import Draft, Reaction
from vendorsim.vendors.ccai import payloads

MESSAGE_RECEIVED = "message_received"
PARTICIPANT_JOINED = "participant_joined"
PARTICIPANT_LEFT = "participant_left"
CHAT_ENDED = "chat_ended"
CHAT_DISMISSED = "chat_dismissed"

SUMMARIES: Mapping[str, str] = {
    MESSAGE_RECEIVED: "the end user, an agent or a virtual agent writes or sends a file",
    PARTICIPANT_JOINED: "an agent comes into the chat",
    PARTICIPANT_LEFT: "an agent leaves the chat",
    CHAT_ENDED: "the chat is over",
    CHAT_DISMISSED: "the chat is put off since the end user does not answer; it is not over",
}


@dataclass(slots=True)
class Notes:
    """`since` is when each agent in the chat came (by id, milliseconds since 1970). The other two say whether both
    sides have written what a dismissal asks for."""

    since: dict[int, int] = field(default_factory=dict)
    end_user_wrote: bool = False
    agent_wrote: bool = False


def _message_added(change: MessageAdded, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """An automatic message before the chat begins belongs to no chat, and notes are for the team."""
    message = change.message
    if message.private or not conversation.started:
        return
    if message.by_visitor:
        notes.end_user_wrote = True
        sender = payloads.end_user(conversation)
    elif isinstance(message.author, Agent):
        notes.agent_wrote = True
        yield from _enter(message.author, conversation, notes)
        sender = payloads.agent(message.author, notes.since[message.author.id])
    else:
        sender = payloads.virtual_agent(conversation)
    for content in payloads.messages(message, conversation):
        yield _draft(MESSAGE_RECEIVED, conversation, sender=sender, message=content)


def _joined(change: Joined, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    yield from _enter(change.agent, conversation, notes)


def _enter(agent: Agent, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """Whoever writes is in the chat, even if nobody has seen him join."""
    if agent.id not in notes.since:
        notes.since[agent.id] = conversation.now
        participant = payloads.agent(agent, conversation.now)
        yield _draft(PARTICIPANT_JOINED, conversation, participant=participant)


def _left(change: Left, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    since = notes.since.pop(change.agent.id, None)
    if since is not None:
        participant = payloads.agent(change.agent, since, payloads.DISCONNECTED)
        yield _draft(PARTICIPANT_LEFT, conversation, participant=participant)


def _status_changed(change: StatusChanged, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """A dismissed chat goes on when the end user writes again, and an agent is found anew. It can't be dismissed
    before both have written, the end user also since the last time."""
    if change.after == CLOSED:
        notes.since.clear()
        yield _draft(CHAT_ENDED, conversation)
    elif change.after == SNOOZED and change.before != CLOSED and notes.end_user_wrote and notes.agent_wrote:
        notes.since.clear()
        notes.end_user_wrote = False
        yield _draft(CHAT_DISMISSED, conversation)


def _draft(event: str, conversation: Conversation, **body: Any) -> Draft:
    return Draft(event, payloads.envelope(event, conversation, body))


def _in_chats(react: Reaction) -> Reaction:
    def reaction(change: Any, conversation: Conversation, notes: Notes) -> Iterable[Draft]:
        return react(change, conversation, notes) if conversation.channel == "chat" else ()

    return reaction


REACTIONS: Mapping[type, Reaction] = {
    MessageAdded: _in_chats(_message_added),
    Joined: _in_chats(_joined),
    Left: _in_chats(_left),
    StatusChanged: _in_chats(_status_changed),
}


def identify(body: Any) -> str | None:
    """Which event a captured body is: every one names itself."""
    event = body.get("event_type") if isinstance(body, dict) else None
    return event if isinstance(event, str) and event in SUMMARIES else None


def order_key(event: str, body: Any) -> str:
    """The time in the envelope, of fixed width: as text it sorts by time."""
    timestamp: str = body["timestamp"]
    return timestamp
