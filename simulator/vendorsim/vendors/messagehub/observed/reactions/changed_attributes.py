"""`changed_attributes`: saves a conversation or contact in memory, and returns what has changed.

Source of Chatwoot, app/listeners/base_listener.rb: one object per column that the save has changed, including
`updated_at`. Values are those of the database: times are ISO texts, even where the body has a number.
"""

from __future__ import annotations

from typing import Any

from vendorsim.conversation.state import Conversation
from vendorsim.core.times import iso
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory

Changes = list[dict[str, dict[str, Any]]]


def changed(attribute: str, previous: Any, current: Any) -> dict[str, dict[str, Any]]:
    """One entry of `changed_attributes`."""
    return {attribute: {"previous_value": previous, "current_value": current}}


def touched(conversation: Conversation, memory: ChatwootMemory) -> dict[str, dict[str, Any]]:
    """Saves the conversation now. Each save is at least a millisecond newer than the one before."""
    before = memory.updated_at or conversation.started_at
    memory.updated_at = max(conversation.now, before + 1)
    return changed("updated_at", iso(before), iso(memory.updated_at))


def saved(conversation: Conversation, memory: ChatwootMemory, changes: Changes) -> Changes:
    """Saves the conversation with these changes. Adds `updated_at` to them."""
    return [*changes, touched(conversation, memory)]


def first_reply(conversation: Conversation, memory: ChatwootMemory) -> Changes:
    """An agent answers. Sets the time of the first reply, and ends the visitor's wait."""
    changes: Changes = []
    if memory.has(versions.FIRST_REPLY) and memory.first_reply_at is None:
        memory.first_reply_at = conversation.now
        changes.append(changed("first_reply_created_at", None, iso(conversation.now)))
    return changes + no_longer_waiting(memory)


def no_longer_waiting(memory: ChatwootMemory) -> Changes:
    """Ends the visitor's wait for an answer. Empty where the visitor did not wait."""
    since, memory.waiting_since = memory.waiting_since, None
    if since is None or not memory.has(versions.WAITING_SINCE):
        return []
    return [changed("waiting_since", iso(since), None)]


def waiting(conversation: Conversation, memory: ChatwootMemory) -> Changes:
    """Starts the visitor's wait for an answer. Empty where the visitor waits already."""
    if memory.waiting_since is not None:
        return []
    memory.waiting_since = conversation.now
    return [changed("waiting_since", None, iso(conversation.now))] if memory.has(versions.WAITING_SINCE) else []


def contact_data(conversation: Conversation) -> dict[str, Any]:
    """The saved data of the contact, by the names of the database columns."""
    visitor = conversation.visitor
    return {
        "name": visitor.name or "",
        "email": visitor.email,
        "phone_number": visitor.phone,
        "identifier": visitor.identifier,
        "custom_attributes": visitor.custom,
        "additional_attributes": visitor.additional,
        "blocked": visitor.blocked,
    }


def contact_saved(conversation: Conversation, memory: ChatwootMemory) -> Changes:
    """Saves the contact as it is now. Empty where nothing has changed. There must be a contact."""
    before, after = memory.contact or {}, contact_data(conversation)
    memory.contact = after
    changes = [changed(key, before.get(key), value) for key, value in after.items() if before.get(key) != value]
    return [*changes, _contact_touched(conversation, memory)] if changes else []


def contact_active(conversation: Conversation, memory: ChatwootMemory) -> Changes:
    """The contact has written: sets its last activity."""
    before, memory.contact_active_at = memory.contact_active_at, conversation.now
    previous = None if before is None else iso(before)
    return [changed("last_activity_at", previous, iso(conversation.now)), _contact_touched(conversation, memory)]


def contact_begins(conversation: Conversation, memory: ChatwootMemory) -> None:
    """Creates the contact."""
    memory.contact = contact_data(conversation)
    memory.contact_since = memory.contact_updated_at = conversation.now


def _contact_touched(conversation: Conversation, memory: ChatwootMemory) -> dict[str, dict[str, Any]]:
    before = memory.contact_updated_at
    memory.contact_updated_at = max(conversation.now, before + 1)
    return changed("updated_at", iso(before), iso(memory.contact_updated_at))
