"""What a server tells of a change: `changed_attributes`, taken when the change happens.

Source of Chatwoot, app/listeners/base_listener.rb: one object per column that the save has changed, `updated_at` among
them. Values are those of the database: times are ISO texts even where the body has a number.
"""

from __future__ import annotations

from typing import Any

from vendorsim.conversation.state import Conversation
from vendorsim.core.times import iso
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.notes import Notes

Changes = list[dict[str, dict[str, Any]]]


def changed(attribute: str, previous: Any, current: Any) -> dict[str, dict[str, Any]]:
    """One entry of `changed_attributes`."""
    return {attribute: {"previous_value": previous, "current_value": current}}


def touched(conversation: Conversation, notes: Notes) -> dict[str, dict[str, Any]]:
    """Saves the conversation at this moment: each save is newer than the one before."""
    before = notes.updated_at or conversation.started_at
    notes.updated_at = max(conversation.now, before + 1)
    return changed("updated_at", iso(before), iso(notes.updated_at))


def saved(conversation: Conversation, notes: Notes, changes: Changes) -> Changes:
    """Saves the conversation with these changes."""
    return [*changes, touched(conversation, notes)]


def first_reply(conversation: Conversation, notes: Notes) -> Changes:
    """An agent answers: the first answer is noted, and nobody waits any more."""
    changes: Changes = []
    if notes.has(versions.FIRST_REPLY) and notes.first_reply_at is None:
        notes.first_reply_at = conversation.now
        changes.append(changed("first_reply_created_at", None, iso(conversation.now)))
    return changes + no_longer_waiting(notes)


def no_longer_waiting(notes: Notes) -> Changes:
    """Nobody waits for an answer any more. Nothing where nobody did."""
    since, notes.waiting_since = notes.waiting_since, None
    if since is None or not notes.has(versions.WAITING_SINCE):
        return []
    return [changed("waiting_since", iso(since), None)]


def waiting(conversation: Conversation, notes: Notes) -> Changes:
    """The visitor waits for an answer from now on. Nothing where they did before."""
    if notes.waiting_since is not None:
        return []
    notes.waiting_since = conversation.now
    return [changed("waiting_since", None, iso(conversation.now))] if notes.has(versions.WAITING_SINCE) else []


def contact_data(conversation: Conversation) -> dict[str, Any]:
    """What is saved of the visitor as a contact, by the names of its columns."""
    visitor = conversation.visitor
    return {
        "name": visitor.name or "",
        "email": visitor.email,
        "phone_number": visitor.phone,
        "identifier": visitor.identifier,
        "custom_attributes": visitor.custom,
    }


def contact_saved(conversation: Conversation, notes: Notes) -> Changes:
    """Saves the contact as it is now; empty where nothing has changed. There has to be one."""
    before, after = notes.contact or {}, contact_data(conversation)
    notes.contact = after
    changes = [changed(key, before.get(key), value) for key, value in after.items() if before.get(key) != value]
    return [*changes, _contact_touched(conversation, notes)] if changes else []


def contact_active(conversation: Conversation, notes: Notes) -> Changes:
    """The contact has written."""
    before, notes.contact_active_at = notes.contact_active_at, conversation.now
    previous = None if before is None else iso(before)
    return [changed("last_activity_at", previous, iso(conversation.now)), _contact_touched(conversation, notes)]


def contact_begins(conversation: Conversation, notes: Notes) -> None:
    """From now on there is a contact."""
    notes.contact = contact_data(conversation)
    notes.contact_since = notes.contact_updated_at = conversation.now


def _contact_touched(conversation: Conversation, notes: Notes) -> dict[str, dict[str, Any]]:
    before = notes.contact_updated_at
    notes.contact_updated_at = max(conversation.now, before + 1)
    return changed("updated_at", iso(before), iso(notes.contact_updated_at))
