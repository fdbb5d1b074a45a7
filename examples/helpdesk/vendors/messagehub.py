"""MessageHub: a body is a conversation, or a message with its conversation, at the time when the body was built.

Its documentation and its servers differ in the types of several fields; both types are accepted.
"""

from __future__ import annotations

from typing import Any

from ..body import Body, array, flag, identity, mapping, moment, text, word
from ..tickets import (
    AGENT,
    ANNOUNCED,
    AUTOMATIC,
    CARRIED,
    CLOSED,
    OPEN,
    PENDING,
    SNOOZED,
    VISITOR,
    Fact,
    Message,
    Update,
    Version,
)

_STATUSES = {"open": OPEN, "resolved": CLOSED, "pending": PENDING, "snoozed": SNOOZED}
_AUTHORS = {0: VISITOR, "incoming": VISITOR, 1: AGENT, "outgoing": AGENT, 3: AUTOMATIC, "template": AUTOMATIC}
_UPDATED = 2  # An updated message is newer than the created one.


def messagehub(body: Body) -> Update | None:
    event = body.need("event", text)
    if event.startswith("message_"):
        conversation = body.need_child("conversation")
        update = _conversation(conversation, event)
        rank = _UPDATED if event == "message_updated" else ANNOUNCED
        update.messages.append(_message(body, (*_version(conversation), rank)))
        return update
    if event == "webwidget_triggered":
        body.need("id", identity)
        current = body.child("current_conversation")
        return _conversation(current, event) if current else None
    if event.startswith("conversation_typing_"):
        # Contains the conversation, besides who is typing.
        return _conversation(body.need_child("conversation"), event)
    return _conversation(body, event) if event.startswith("conversation_") else None


def _conversation(body: Body, event: str) -> Update:
    update = Update(body.need("id", identity))
    meta, version = body.need_child("meta"), _version(body)
    sender, assignee, team = meta.child("sender"), meta.child("assignee"), meta.child("team")
    holder = assignee.person() if assignee else None
    announced = ("status",) if event == "conversation_status_changed" else ()
    update.add(version, announced, status=_status(body.need("status", text)))
    if sender is not None:
        update.add(
            version,
            name=sender.get("name", text) or None,
            email=sender.get("email", text) or None,
            phone=sender.get("phone_number", text) or None,
            identifier=sender.get("identifier", text) or None,
            custom=sender.get("custom_attributes", mapping),
        )
    update.add(
        version,
        team=team.get("name", text) if team else None,
        labels=body.get("labels", array),
        attributes=body.get("custom_attributes", mapping),
    )
    # No assignee is a fact, too: the conversation is not assigned, or no longer.
    update.facts.append(Fact("assignee", holder, (*version, CARRIED)))
    for name, current, previous in _changes(body):
        newest = (*version, ANNOUNCED)
        if name == "status":
            update.facts.append(Fact("status", _status(current), newest, _status(previous)))
        elif name == "label_list":
            update.facts.append(Fact("labels", current or [], newest, previous or []))
        elif name == "custom_attributes":
            update.facts.append(Fact("attributes", current or {}, newest, previous or {}))
        elif name == "assignee_id":
            update.facts.append(Fact("assignee", holder, newest, {"id": str(previous)} if previous else None))
    update.messages += [_message(item, (*version, CARRIED)) for item in body.children("messages")]
    return update


def _version(conversation: Body) -> Version:
    """Returns the newest time: `timestamp` changes only with messages; newer servers also send other times."""
    moments = [conversation.get(key, moment) for key in ("updated_at", "agent_last_seen_at", "contact_last_seen_at")]
    return (max(conversation.need("timestamp", moment), *(at or 0 for at in moments)),)


def _changes(body: Body) -> list[tuple[str, Any, Any]]:
    """[{"status": {"current_value": "resolved", "previous_value": "open"}}] → [("status", "resolved", "open")]"""
    return [
        (name, change.get("current_value"), change.get("previous_value"))
        for entry in body.get("changed_attributes", array) or []
        if isinstance(entry, dict)
        for name, change in entry.items()
        if isinstance(change, dict)
    ]


def _status(value: Any) -> Any:
    return _STATUSES.get(value, value) if isinstance(value, str) else value


def _message(body: Body, version: Version) -> Message:
    key, sender, kind = body.need("id", identity), body.child("sender"), body.need("message_type", word)
    return Message(
        key=key,
        author=_AUTHORS.get(kind, str(kind)),
        name=(sender.get("name", text) or None) if sender else None,
        text=body.get("content", text) or "",
        at=body.need("created_at", moment),
        order=int(key) if key.isdecimal() and len(key) < 19 else 0,
        version=version,
        private=body.get("private", flag) or False,
        deleted=(body.get("content_attributes", mapping) or {}).get("deleted") is True,
    )
