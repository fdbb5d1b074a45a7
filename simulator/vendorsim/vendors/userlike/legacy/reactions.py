"""Which callbacks a change caused before Unified Messaging, and in which order.

What triggered an event is documented (the API add-on's page of the time, a copy of it is in grokify/chathooks,
docs/handlers/userlike/README.md). The order of several events of one change is assumed. There was no event for a single
message, and none for contacts or a manual send.
"""

from __future__ import annotations

from collections.abc import Mapping

from vendorsim.conversation.changes import (
    Assigned,
    FeedbackLeft,
    GoalReached,
    Joined,
    Left,
    MessageAdded,
    MessageChanged,
    MessagesRead,
    OfflineMessageLeft,
    PresenceChanged,
    Rated,
    Started,
    StatusChanged,
    SurveyAnswered,
    WidgetConfigured,
)
from vendorsim.conversation.state import CLOSED, OPEN, Agent, Conversation
from vendorsim.vendorkit.profile import Draft, Reaction
from vendorsim.vendors.userlike.bodies import chats, widgets
from vendorsim.vendors.userlike.legacy import bodies
from vendorsim.vendors.userlike.memory import UserlikeMemory
from vendorsim.vendors.userlike.reactions import Drafts, change_settings, joined, left, presence, read, rewrite


def _chat_meta(event: str, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    """Nothing before the first chat. An offline message is not a chat."""
    if memory.open or memory.ended_at is not None:
        yield Draft(f"chat_meta.{event}", bodies.chat_meta(event, conversation, memory))


def _started(change: Started, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    if not conversation.offline:
        yield from _start(conversation, memory)


def _start(conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    memory.start_session()
    yield from _chat_meta("start", conversation, memory)


def _end(conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    if memory.open:
        memory.end_session(conversation)
        yield from _chat_meta("receive", conversation, memory)


def _message_added(change: MessageAdded, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    message = change.message
    if message.offline:
        return
    if message.private:
        memory.notes.append(chats.note(message))
        return
    if message.by_visitor and not memory.open:
        yield from _start(conversation, memory)
    memory.messages.append(chats.message(message))
    if message.trigger is not None:
        memory.proactive = True
    elif isinstance(message.author, Agent):
        memory.answered(message.author)
        memory.set_operator(conversation)
    else:
        memory.received()


def _message_changed(change: MessageChanged, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    rewrite((message for message in conversation.messages if not message.offline), memory)
    yield from ()


def _assigned(change: Assigned, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    if memory.assign(change):
        yield from _chat_meta("forward", conversation, memory)


def _rated(change: Rated, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    """A rating with feedback: in the samples of a chat, the rating does not contain the feedback yet."""
    yield from _chat_meta("rating", conversation, memory)
    if change.comment:
        yield from _feedback(FeedbackLeft(change.comment), conversation, memory)


def _feedback(change: FeedbackLeft, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    memory.feedback = change.text
    yield from _chat_meta("feedback", conversation, memory)


def _survey(change: SurveyAnswered, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    yield from _chat_meta("survey", conversation, memory)


def _goal(change: GoalReached, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    memory.goal = chats.goal(change.goal)
    yield from _chat_meta("goal", conversation, memory)


def _status_changed(change: StatusChanged, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    if change.after == CLOSED:
        yield from _end(conversation, memory)
    elif change.after == OPEN and not memory.open and memory.ended_at is not None:
        yield from _start(conversation, memory)


def _offline(change: OfflineMessageLeft, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    """The form for offline messages ends an open chat."""
    yield from _end(conversation, memory)
    yield Draft("offline_message.receive", bodies.offline_message(change.message, conversation, memory))
    memory.offline_messages += 1


def _widget_configured(change: WidgetConfigured, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    change_settings(change, conversation, memory)
    settings = widgets.all_settings(conversation) | memory.settings
    yield Draft("chat_widget.config", widgets.widget_config("chat_widget", settings))


REACTIONS: Mapping[type, Reaction] = {
    Started: _started,
    MessageAdded: _message_added,
    MessageChanged: _message_changed,
    Joined: joined,
    Left: left,
    MessagesRead: read,
    Assigned: _assigned,
    Rated: _rated,
    FeedbackLeft: _feedback,
    SurveyAnswered: _survey,
    GoalReached: _goal,
    StatusChanged: _status_changed,
    OfflineMessageLeft: _offline,
    PresenceChanged: presence,
    WidgetConfigured: _widget_configured,
}
