"""Which callbacks each change causes, and in which order.

What triggers an event is documented (docs.userlike.com, API add-on); the order of several events of one
moment is published nowhere and assumed.
"""

from __future__ import annotations

from collections.abc import Mapping

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
from vendorsim.conversation.state import CLOSED, OPEN, Agent, Conversation
from vendorsim.vendorkit.profile import Draft, Reaction
from vendorsim.vendors.userlike import noting, payloads
from vendorsim.vendors.userlike.noting import Drafts
from vendorsim.vendors.userlike.session import Session


def _chat_session(event: str, conversation: Conversation, session: Session) -> Draft:
    return Draft(f"chat_session.{event}", payloads.chat_session(event, conversation, session))


def _started(change: Started, conversation: Conversation, session: Session) -> Drafts:
    yield _start(conversation, session)


def _start(conversation: Conversation, session: Session) -> Draft:
    session.open = True
    session.ended_at = None
    return _chat_session("start", conversation, session)


def _end(conversation: Conversation, session: Session, *, unread: bool) -> Drafts:
    session.open = False
    session.ended_at = conversation.now
    if unread:
        yield _chat_session("unread", conversation, session)
    yield _chat_session("end", conversation, session)


def _message_added(change: MessageAdded, conversation: Conversation, session: Session) -> Drafts:
    message = change.message
    if message.private:
        session.notes.append(payloads.note(message))
        return
    if message.by_visitor and not session.open:
        yield _start(conversation, session)
    session.messages.append(payloads.message(message))
    if message.trigger is not None:
        session.proactive = True
    elif isinstance(message.author, Agent):
        session.unread = False
        noting.take_note_of_operator(conversation, session)
        yield _chat_session("message_sent", conversation, session)
    else:
        session.unread = True
        yield _chat_session("message_received", conversation, session)


def _message_changed(change: MessageChanged, conversation: Conversation, session: Session) -> Drafts:
    noting.rewrite(conversation.messages, session)
    yield from ()


def _assigned(change: Assigned, conversation: Conversation, session: Session) -> Drafts:
    if noting.forwarded(change, session):
        yield _chat_session("forward", conversation, session)


def _rated(change: Rated, conversation: Conversation, session: Session) -> Drafts:
    if change.comment:
        session.feedback = change.comment
    yield _chat_session("rating", conversation, session)
    if change.comment:
        yield _chat_session("feedback", conversation, session)


def _feedback(change: FeedbackLeft, conversation: Conversation, session: Session) -> Drafts:
    session.feedback = change.text
    yield _chat_session("feedback", conversation, session)


def _survey(change: SurveyAnswered, conversation: Conversation, session: Session) -> Drafts:
    yield _chat_session("survey", conversation, session)


def _goal(change: GoalReached, conversation: Conversation, session: Session) -> Drafts:
    session.goal = payloads.goal(change.goal)
    yield _chat_session("goal", conversation, session)


def _status_changed(change: StatusChanged, conversation: Conversation, session: Session) -> Drafts:
    if change.after == CLOSED:
        if session.open:
            yield from _end(conversation, session, unread=session.unread or _missed(conversation))
        yield _conversation_ended(conversation, session)
    elif change.after == OPEN and not session.open:
        yield _start(conversation, session)
    if session.send_queued:
        session.send_queued = False
        yield _conversation_ended(conversation, session)


def _missed(conversation: Conversation) -> bool:
    """Nobody answered what the visitor wrote, though an operator may have looked at it."""
    return conversation.missed and any(message.by_visitor for message in conversation.messages)


def _conversation_ended(conversation: Conversation, session: Session) -> Draft:
    return Draft("conversation.ended", payloads.conversation_ended(conversation, session))


def _offline(change: OfflineMessageLeft, conversation: Conversation, session: Session) -> Drafts:
    """The visitor is gone, so the session ends; the conversation waits for an operator and is not ended."""
    yield from _end(conversation, session, unread=True)


def presence(change: PresenceChanged, conversation: Conversation, session: Session) -> Drafts:
    yield Draft(f"operator.{change.goes}", payloads.operator(change.goes, change.agent, conversation))


def _contact_created(change: ContactCreated, conversation: Conversation, session: Session) -> Drafts:
    yield Draft("contact.created", payloads.contact("created", conversation.visitor))


def _contact_updated(change: ContactUpdated, conversation: Conversation, session: Session) -> Drafts:
    yield Draft("contact.updated", payloads.contact("updated", conversation.visitor))


def _widget_configured(change: WidgetConfigured, conversation: Conversation, session: Session) -> Drafts:
    noting.configured(change, conversation, session)
    settings = payloads.widget(conversation) | session.settings
    yield Draft("um_widget.config", payloads.widget_config("um_widget", settings))


def _send_queued(change: SendQueued, conversation: Conversation, session: Session) -> Drafts:
    session.send_queued = True
    yield from ()


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
    ContactCreated: _contact_created,
    ContactUpdated: _contact_updated,
    WidgetConfigured: _widget_configured,
    SendQueued: _send_queued,
}
