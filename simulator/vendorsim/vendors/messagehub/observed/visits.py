"""What real servers send around a conversation: the widget is opened, a contact is known, someone types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vendorsim.conversation.changes import ContactCreated, ContactUpdated, Typed, WidgetOpened
from vendorsim.conversation.state import Conversation
from vendorsim.vendorkit.profile import Body, Draft, Reaction
from vendorsim.vendors.messagehub.observed import changes, versions
from vendorsim.vendors.messagehub.observed.changes import Changes
from vendorsim.vendors.messagehub.observed.names import (
    CONTACT_CREATED,
    CONTACT_UPDATED,
    CONVERSATION_TYPING_OFF,
    CONVERSATION_TYPING_ON,
)
from vendorsim.vendors.messagehub.observed.notes import Notes
from vendorsim.vendors.messagehub.observed.parties import contact_object, user_object
from vendorsim.vendors.messagehub.observed.payloads import conversation_object
from vendorsim.vendors.messagehub.observed.widget import widget_info, widget_object
from vendorsim.vendors.messagehub.reactions import WEBWIDGET_TRIGGERED


def _widget_opened(change: WidgetOpened, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """The page with the widget has made a contact of a visitor who is new."""
    if notes.contact is None:
        yield from _new_contact(conversation, notes)

    def body() -> Body:
        info = {"event": WEBWIDGET_TRIGGERED, "event_info": widget_info(conversation)}
        return {**widget_object(conversation, notes), **info}

    yield Draft(WEBWIDGET_TRIGGERED, body)


def _typed(change: Typed, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    if not conversation.started or not notes.has(versions.TYPING_EVENTS):
        return
    event = CONVERSATION_TYPING_ON if change.active else CONVERSATION_TYPING_OFF

    def body() -> Body:
        return {
            "event": event,
            "user": user_object(change.by) if change.by is not None else contact_object(conversation, notes),
            "conversation": conversation_object(conversation, notes),
            "is_private": False,
        }

    yield Draft(event, body)


def _contact_changed(
    change: ContactCreated | ContactUpdated, conversation: Conversation, notes: Notes
) -> Iterator[Draft]:
    """A visitor who has been here is a contact already, whatever more becomes known of them."""
    if notes.contact is None:
        yield from _new_contact(conversation, notes)
        return
    made = changes.contact_saved(conversation, notes)
    if made and notes.has(versions.CONTACT_EVENTS):
        yield contact_updated(made, conversation, notes)


def _new_contact(conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    changes.contact_begins(conversation, notes)
    if notes.has(versions.CONTACT_EVENTS):
        yield Draft(CONTACT_CREATED, lambda: {**contact_object(conversation, notes), "event": CONTACT_CREATED})


def contact_updated(made: Changes, conversation: Conversation, notes: Notes) -> Draft:
    def body() -> Body:
        contact = contact_object(conversation, notes)
        return {**contact, "event": CONTACT_UPDATED, "changed_attributes": made}

    return Draft(CONTACT_UPDATED, body)


VISITS: Mapping[type, Reaction] = {
    WidgetOpened: _widget_opened,
    Typed: _typed,
    ContactCreated: _contact_changed,
    ContactUpdated: _contact_changed,
}
