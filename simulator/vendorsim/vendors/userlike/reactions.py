"""Which callbacks a change causes, and in which order (profile `documented`).

What triggers an event is documented (docs.userlike.com, API add-on). The order of several events of one change is
assumed. The functions without underscore are used by the profile `legacy` too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from vendorsim.conversation.changes import (
    Assigned,
    ContactCreated,
    ContactUpdated,
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
    SendQueued,
    Started,
    StatusChanged,
    SurveyAnswered,
    WidgetConfigured,
)
from vendorsim.conversation.state import CLOSED, OPEN, Agent, Conversation, Message, StepError
from vendorsim.vendorkit.profile import Draft, Reaction
from vendorsim.vendors.userlike.bodies import chats, people, widgets
from vendorsim.vendors.userlike.memory import UserlikeMemory

Drafts = Iterator[Draft]


def _chat_session(event: str, conversation: Conversation, memory: UserlikeMemory) -> Draft:
    return Draft(f"chat_session.{event}", chats.chat_session(event, conversation, memory))


def _started(change: Started, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    yield _start(conversation, memory)


def _start(conversation: Conversation, memory: UserlikeMemory) -> Draft:
    memory.start_session()
    return _chat_session("start", conversation, memory)


def _end(conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    memory.end_session(conversation)
    if memory.unread:
        yield _chat_session("unread", conversation, memory)
    yield _chat_session("end", conversation, memory)


def _message_added(change: MessageAdded, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    message = change.message
    if message.private:
        memory.notes.append(chats.note(message))
        return
    if message.by_visitor and not memory.open:
        yield _start(conversation, memory)
    memory.messages.append(chats.message(message))
    if message.trigger is not None:
        memory.proactive = True
    elif isinstance(message.author, Agent):
        memory.answered(message.author)
        memory.set_operator(conversation)
        yield _chat_session("message_sent", conversation, memory)
    else:
        memory.received()
        yield _chat_session("message_received", conversation, memory)
        if not (conversation.visitor.known or memory.contact_created):
            yield _create_contact(conversation, memory)


def _message_changed(change: MessageChanged, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    rewrite(conversation.messages, memory)
    yield from ()


def _assigned(change: Assigned, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    if memory.assign(change):
        yield _chat_session("forward", conversation, memory)


def _rated(change: Rated, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    if change.comment:
        memory.feedback = change.comment
    yield _chat_session("rating", conversation, memory)
    if change.comment:
        yield _chat_session("feedback", conversation, memory)


def _feedback(change: FeedbackLeft, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    memory.feedback = change.text
    yield _chat_session("feedback", conversation, memory)


def _survey(change: SurveyAnswered, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    yield _chat_session("survey", conversation, memory)


def _goal(change: GoalReached, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    memory.goal = chats.goal(change.goal)
    yield _chat_session("goal", conversation, memory)


def _status_changed(change: StatusChanged, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    if change.after == CLOSED:
        if memory.open:
            if isinstance(change.by, Agent):
                memory.enter(change.by)
            yield from _end(conversation, memory)
        yield _conversation_ended(conversation, memory)
    elif change.after == OPEN and not memory.open:
        yield _start(conversation, memory)
        if isinstance(change.by, Agent):
            memory.enter(change.by)
    if memory.send_queued and conversation.started:
        memory.send_queued = False
        yield _sent_by_hand(conversation, memory)


def _conversation_ended(conversation: Conversation, memory: UserlikeMemory) -> Draft:
    return Draft("conversation.ended", chats.conversation_ended(conversation, memory))


def _sent_by_hand(conversation: Conversation, memory: UserlikeMemory) -> Draft:
    """The event that fits the present state (assumed): a conversation that is open must not be told as ended."""
    if conversation.ended:
        return _conversation_ended(conversation, memory)
    return _chat_session("start" if memory.open else "end", conversation, memory)


def _offline(change: OfflineMessageLeft, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    """The visitor has left, so the session ends. The conversation waits for an operator, so it does not end."""
    memory.unread = True
    yield from _end(conversation, memory)


def presence(change: PresenceChanged, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    """The presence of an operator changes."""
    yield Draft(f"operator.{change.goes}", people.operator(change.goes, change.agent, conversation))


def _contact_created(change: ContactCreated, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    """A contact that exists already is updated."""
    if memory.contact_created:
        yield _contact("updated", conversation)
    else:
        yield _create_contact(conversation, memory)


def _contact_updated(change: ContactUpdated, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    yield _contact("updated", conversation)


def _create_contact(conversation: Conversation, memory: UserlikeMemory) -> Draft:
    memory.contact_created = True
    return _contact("created", conversation)


def _contact(event: str, conversation: Conversation) -> Draft:
    return Draft(f"contact.{event}", people.contact(event, conversation.visitor))


def _widget_configured(change: WidgetConfigured, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    change_settings(change, conversation, memory)
    settings = widgets.known_settings(conversation) | memory.settings
    yield Draft("um_widget.config", widgets.widget_config("um_widget", settings))


def _send_queued(change: SendQueued, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    memory.send_queued = True
    yield from ()


def rewrite(written: Iterable[Message], memory: UserlikeMemory) -> None:
    """Writes all messages anew after one was edited or deleted. The next callback contains the change."""
    kept = [message for message in written if not message.deleted]
    memory.messages = [chats.message(message) for message in kept if not message.private]
    memory.notes = [chats.note(message) for message in kept if message.private]


def joined(change: Joined, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    """An operator joins. Causes no callback."""
    memory.enter(change.agent)
    memory.set_operator(conversation)
    yield from ()


def left(change: Left, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    """An operator leaves. Causes no callback."""
    memory.leave(change.agent)
    memory.set_operator(conversation)
    yield from ()


def read(change: MessagesRead, conversation: Conversation, memory: UserlikeMemory) -> Drafts:
    """Messages are read. Causes no callback."""
    if change.by is not None:
        memory.unread = memory.unanswered = False
    yield from ()


def change_settings(change: WidgetConfigured, conversation: Conversation, memory: UserlikeMemory) -> None:
    """Keeps the changed settings of the widget. Raises StepError for a setting of another type than the widget's."""
    known = widgets.all_settings(conversation)
    for name, value in change.settings.items():
        if name.startswith("_"):
            raise StepError(f"'{name}' is no setting of a widget; the callback fills it in")
        if name in known and type(value) is not type(known[name]):
            raise StepError(f"the setting '{name}' is of another type; write it like {json.dumps(known[name])}")
    memory.settings |= change.settings


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
    ContactCreated: _contact_created,
    ContactUpdated: _contact_updated,
    WidgetConfigured: _widget_configured,
    SendQueued: _send_queued,
}
