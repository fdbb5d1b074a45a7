"""Events about the visitor: the widget is opened, a contact is created or changed, someone types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vendorsim.conversation.changes import ContactCreated, ContactUpdated, FormFilled, Typed, WidgetOpened
from vendorsim.conversation.state import Conversation
from vendorsim.vendorkit.profile import Body, Draft, Reaction
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.bodies.conversations import conversation_object
from vendorsim.vendors.messagehub.observed.bodies.parties import contact_object, user_object
from vendorsim.vendors.messagehub.observed.bodies.widgets import widget_info, widget_object
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory
from vendorsim.vendors.messagehub.observed.reactions import changed_attributes as changes
from vendorsim.vendors.messagehub.observed.reactions.changed_attributes import Changes
from vendorsim.vendors.messagehub.reactions import WEBWIDGET_TRIGGERED

CONTACT_CREATED, CONTACT_UPDATED = "contact_created", "contact_updated"
CONVERSATION_TYPING_ON, CONVERSATION_TYPING_OFF = "conversation_typing_on", "conversation_typing_off"


def _widget_opened(change: WidgetOpened, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """Loading the page with the widget has created a contact for a new visitor."""
    if memory.contact is None:
        yield from _new_contact(conversation, memory)

    def body() -> Body:
        info = {"event": WEBWIDGET_TRIGGERED, "event_info": widget_info(conversation)}
        return {**widget_object(conversation, memory), **info}

    yield Draft(WEBWIDGET_TRIGGERED, body)


def _typed(change: Typed, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    if not conversation.started or not memory.has(versions.TYPING_EVENTS):
        return
    event = CONVERSATION_TYPING_ON if change.active else CONVERSATION_TYPING_OFF

    def body() -> Body:
        return {
            "event": event,
            "user": user_object(change.by) if change.by is not None else contact_object(conversation, memory),
            "conversation": conversation_object(conversation, memory),
            "is_private": False,
        }

    yield Draft(event, body)


def _contact_changed(
    change: ContactCreated | ContactUpdated | FormFilled, conversation: Conversation, memory: ChatwootMemory
) -> Iterator[Draft]:
    """Changes the contact, or creates one for a visitor who has none yet."""
    if memory.contact is None:
        yield from _new_contact(conversation, memory)
        return
    made = changes.contact_saved(conversation, memory)
    if made and memory.has(versions.CONTACT_EVENTS):
        yield contact_updated(made, conversation, memory)


def _form_filled(change: FormFilled, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """The form changes the contact before the conversation is created, in the same transaction.

    Source of Chatwoot, app/controllers/api/v1/widget/conversations_controller.rb. A visitor without a contact gets one
    with the data of the form.
    """
    if memory.contact is not None:
        yield from _contact_changed(change, conversation, memory)


def _new_contact(conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    changes.contact_begins(conversation, memory)
    if memory.has(versions.CONTACT_EVENTS):
        yield Draft(CONTACT_CREATED, lambda: {**contact_object(conversation, memory), "event": CONTACT_CREATED})


def contact_updated(made: Changes, conversation: Conversation, memory: ChatwootMemory) -> Draft:
    def body() -> Body:
        contact = contact_object(conversation, memory)
        return {**contact, "event": CONTACT_UPDATED, "changed_attributes": made}

    return Draft(CONTACT_UPDATED, body)


REACTIONS: Mapping[type, Reaction] = {
    WidgetOpened: _widget_opened,
    Typed: _typed,
    ContactCreated: _contact_changed,
    ContactUpdated: _contact_changed,
    FormFilled: _form_filled,
}
