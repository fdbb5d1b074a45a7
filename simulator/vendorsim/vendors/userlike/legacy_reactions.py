"""Which callbacks each change caused before Unified Messaging, and in which order.

What triggered an event is documented (the API add-on's page of those days, kept in grokify/chathooks,
docs/handlers/userlike/README.md); the order of several events of one moment is published nowhere and assumed. There was
no event for a single message, and none for contacts or a manual send.
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
from vendorsim.vendors.userlike import legacy_payloads, noting, payloads, widget_settings
from vendorsim.vendors.userlike.noting import Drafts
from vendorsim.vendors.userlike.reactions import presence
from vendorsim.vendors.userlike.session import Session


def _chat_meta(event: str, conversation: Conversation, session: Session) -> Drafts:
    """Nothing while there has been no chat: an offline message is none."""
    if session.open or session.ended_at is not None:
        yield Draft(f"chat_meta.{event}", legacy_payloads.chat_meta(event, conversation, session))


def _started(change: Started, conversation: Conversation, session: Session) -> Drafts:
    if not conversation.offline:
        yield from _start(conversation, session)


def _start(conversation: Conversation, session: Session) -> Drafts:
    session.open = True
    session.ended_at = None
    yield from _chat_meta("start", conversation, session)


def _end(conversation: Conversation, session: Session) -> Drafts:
    if session.open:
        session.open = False
        session.ended_at = conversation.now
        yield from _chat_meta("receive", conversation, session)


def _message_added(change: MessageAdded, conversation: Conversation, session: Session) -> Drafts:
    message = change.message
    if message.offline:
        return
    if message.private:
        session.notes.append(payloads.note(message))
        return
    if message.by_visitor and not session.open:
        yield from _start(conversation, session)
    session.messages.append(payloads.message(message))
    if message.trigger is not None:
        session.proactive = True
    elif isinstance(message.author, Agent):
        session.unread = False
        noting.take_note_of_operator(conversation, session)
    else:
        session.unread = True


def _message_changed(change: MessageChanged, conversation: Conversation, session: Session) -> Drafts:
    noting.rewrite((message for message in conversation.messages if not message.offline), session)
    yield from ()


def _assigned(change: Assigned, conversation: Conversation, session: Session) -> Drafts:
    if noting.forwarded(change, session):
        yield from _chat_meta("forward", conversation, session)


def _rated(change: Rated, conversation: Conversation, session: Session) -> Drafts:
    """The samples of one chat have no feedback in the rating yet."""
    yield from _chat_meta("rating", conversation, session)
    if change.comment:
        yield from _feedback(FeedbackLeft(change.comment), conversation, session)


def _feedback(change: FeedbackLeft, conversation: Conversation, session: Session) -> Drafts:
    session.feedback = change.text
    yield from _chat_meta("feedback", conversation, session)


def _survey(change: SurveyAnswered, conversation: Conversation, session: Session) -> Drafts:
    yield from _chat_meta("survey", conversation, session)


def _goal(change: GoalReached, conversation: Conversation, session: Session) -> Drafts:
    session.goal = payloads.goal(change.goal)
    yield from _chat_meta("goal", conversation, session)


def _status_changed(change: StatusChanged, conversation: Conversation, session: Session) -> Drafts:
    if change.after == CLOSED:
        yield from _end(conversation, session)
    elif change.after == OPEN and not session.open and session.ended_at is not None:
        yield from _start(conversation, session)


def _offline(change: OfflineMessageLeft, conversation: Conversation, session: Session) -> Drafts:
    """Whoever is shown the form for offline messages has no chat any more."""
    yield from _end(conversation, session)
    yield Draft("offline_message.receive", legacy_payloads.offline_message(change.message, conversation, session))
    session.offline_messages += 1


def _widget_configured(change: WidgetConfigured, conversation: Conversation, session: Session) -> Drafts:
    noting.configured(change, conversation, session)
    settings = widget_settings.all_settings(conversation) | session.settings
    yield Draft("chat_widget.config", payloads.widget_config("chat_widget", settings))


REACTIONS: Mapping[type, Reaction] = {
    Started: _started,
    MessageAdded: _message_added,
    MessageChanged: _message_changed,
    Joined: noting.joined,
    Left: noting.left,
    MessagesRead: noting.read,
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
