"""What every profile notes of a change before it sends anything, and the reactions that send nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from vendorsim.conversation.changes import Assigned, Joined, Left, MessagesRead, WidgetConfigured
from vendorsim.conversation.state import Conversation, Message, StepError
from vendorsim.vendorkit.profile import Draft
from vendorsim.vendors.userlike import payloads, widget_settings
from vendorsim.vendors.userlike.session import Session

Drafts = Iterator[Draft]


def rewrite(written: Iterable[Message], session: Session) -> None:
    """Something was edited or deleted; only the next body tells it."""
    kept = [message for message in written if not message.deleted]
    session.messages = [payloads.message(message) for message in kept if not message.private]
    session.notes = [payloads.note(message) for message in kept if message.private]


def joined(change: Joined, conversation: Conversation, session: Session) -> Drafts:
    session.unread = False
    take_note_of_operator(conversation, session)
    yield from ()


def left(change: Left, conversation: Conversation, session: Session) -> Drafts:
    take_note_of_operator(conversation, session)
    yield from ()


def read(change: MessagesRead, conversation: Conversation, session: Session) -> Drafts:
    if change.by is not None:
        session.unread = False
    yield from ()


def take_note_of_operator(conversation: Conversation, session: Session) -> None:
    session.operator = conversation.assignee or conversation.current_agent


def forwarded(change: Assigned, session: Session) -> bool:
    """Only from somebody to another operator or group: the first operator of a conversation is no forward."""
    _, team_before = change.before
    operator, team = change.after
    was_held = session.operator is not None or team_before is not None
    moved = operator is not session.operator or team != team_before
    session.operator = operator
    return was_held and moved and (operator is not None or team is not None)


def configured(change: WidgetConfigured, conversation: Conversation, session: Session) -> None:
    """Keeps the changed settings of the widget. Raises StepError for what is none, or of another type."""
    known = widget_settings.all_settings(conversation)
    for name, value in change.settings.items():
        if name.startswith("_"):
            raise StepError(f"'{name}' is no setting of a widget; the callback fills it in")
        if name in known and type(value) is not type(known[name]):
            raise StepError(f"the setting '{name}' is of another type; write it like {json.dumps(known[name])}")
    session.settings |= change.settings
