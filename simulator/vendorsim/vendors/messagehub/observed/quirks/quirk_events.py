"""Quirks with wrong events, or events at the wrong time. Their names and sources are in `by_version.py`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from vendorsim.conversation.changes import Assigned, MessageChanged
from vendorsim.conversation.reducer import apply
from vendorsim.conversation.state import OPEN, Conversation
from vendorsim.scenario.verbs import Assign
from vendorsim.vendorkit.profile import Body, Draft
from vendorsim.vendors.messagehub.observed.bodies.conversations import DELIVERED, READ, SENT, conversation_object
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory
from vendorsim.vendors.messagehub.observed.quirks.quirk_bodies import bent
from vendorsim.vendors.messagehub.observed.reactions.changed_attributes import changed, touched
from vendorsim.vendors.messagehub.observed.reactions.conversations import (
    AUTOMATION_EVENT,
    CONVERSATION_OPENED,
    assigned,
    message_changed,
)
from vendorsim.vendors.messagehub.reactions import (
    CONVERSATION_CREATED,
    CONVERSATION_STATUS_CHANGED,
    CONVERSATION_UPDATED,
    MESSAGE_CREATED,
    MESSAGE_UPDATED,
)

_LOST = (CONVERSATION_STATUS_CHANGED, CONVERSATION_OPENED)
# Attributes that the echo changes back: the name in `changed_attributes`, and the one in the body.
_ECHOED = {"label_list": "labels", "status": "status"}
_ROUNDS = 2
# Events of automation rules (app/listeners/automation_rule_listener.rb).
_STARTS_RULES = (CONVERSATION_CREATED, CONVERSATION_UPDATED, CONVERSATION_OPENED, MESSAGE_CREATED)


def twin(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """Every `message_created` twice."""
    return [draft for draft in drafts for _ in range(1 + (draft.event == MESSAGE_CREATED))]


def twin_update(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """Every `conversation_updated` about labels twice."""
    return [draft for draft in drafts for _ in range(1 + ("label_list" in _changes(draft)))]


def late_body(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """Holds all events back until the next step."""
    return [draft._replace(held=True) for draft in drafts]


def lost_status_change(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """An opening conversation without an assignee is assigned in the same save; only that shows as changed.

    The conversation stays assigned.
    """
    opens = conversation.status == OPEN and any(draft.event == CONVERSATION_STATUS_CHANGED for draft in drafts)
    if not opens or conversation.assignee is not None:
        return drafts
    agent = memory.assignee or conversation.default_agent()
    (change,) = apply(conversation, Assign(to=(agent.key, conversation.team)), conversation.now)
    assert isinstance(change, Assigned)
    about_the_assignee = list(assigned(change, conversation, memory))
    found: list[Draft] = []
    for draft in drafts:
        if "status" in _changes(draft):
            found.extend(about_the_assignee)
        elif draft.event not in _LOST:
            found.append(draft)
    return found


def opaque_update(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """Every `message_created` is followed by a `message_updated` with the same body."""
    found: list[Draft] = []
    for draft in drafts:
        found.append(draft)
        if draft.event == MESSAGE_CREATED:
            found.append(bent(draft._replace(event=MESSAGE_UPDATED), lambda body: {**body, "event": MESSAGE_UPDATED}))
    return found


def status_falls_back(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """Each message that was received or read is said to be sent once more, and stays so."""
    by_id = {message.id: message for message in conversation.messages}
    found: list[Draft] = []
    for draft in drafts:
        if draft.event != MESSAGE_UPDATED:
            found.append(draft)
            continue
        # Built now, with the status that the message loses next.
        body = draft.body() if callable(draft.body) else draft.body
        found.append(draft._replace(body=body))
        message = by_id[body["id"]]
        if memory.statuses.get(message.id) in (DELIVERED, READ):
            memory.statuses[message.id] = SENT
            found += message_changed(MessageChanged(message), conversation, memory)
    return found


def automation_rule(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """What starts a rule is followed by the rule's webhook: the conversation, whatever the event is about."""
    found: list[Draft] = []
    for draft in drafts:
        found.append(draft)
        if draft.event in _STARTS_RULES:
            found.append(Draft(AUTOMATION_EVENT, partial(_from_rule, draft.event, conversation, memory)))
    return found


def _from_rule(event: str, conversation: Conversation, memory: ChatwootMemory) -> Body:
    return {**conversation_object(conversation, memory), "event": f"{AUTOMATION_EVENT}.{event}"}


def echo(drafts: list[Draft], conversation: Conversation, memory: ChatwootMemory) -> list[Draft]:
    """A change of the labels or the status is undone and done again, each time as a save of its own.

    An integration does this when it takes events about its own changes for those of others.
    """
    before = {name: values["previous_value"] for draft in drafts for name, values in _changes(draft).items()}
    before = {_ECHOED[name]: value for name, value in before.items() if name in _ECHOED}
    telling = [draft for draft in drafts if _is_about(draft, before)]
    found = list(drafts)
    for undone in (before, {}) * _ROUNDS if telling else ():
        save = partial(_saved_again, undone, touched(conversation, memory), memory.updated_at)
        found += [bent(draft, save) for draft in telling]
    return found


def _is_about(draft: Draft, before: Mapping[str, Any]) -> bool:
    if draft.event == CONVERSATION_STATUS_CHANGED:
        return "status" in before
    return any(name in _changes(draft) for name in _ECHOED)


def _saved_again(undone: Mapping[str, Any], touch: dict[str, Any], at: int, body: Body) -> Body:
    """The body of one more save at a time (milliseconds since 1970). `undone` are the old values; empty to redo."""
    made = body["changed_attributes"]
    if made is not None:
        made = [touch if "updated_at" in entry else _swapped(entry) if undone else entry for entry in made]
    times = {"updated_at": at / 1000} if "updated_at" in body else {}
    return {**body, **undone, **times, "changed_attributes": made}


def _swapped(entry: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    ((name, values),) = entry.items()
    return changed(name, values["current_value"], values["previous_value"])


def _changes(draft: Draft) -> Mapping[str, Any]:
    """The entries of `changed_attributes` of a `conversation_updated`; empty for other events."""
    if draft.event != CONVERSATION_UPDATED:
        return {}
    body = draft.body() if callable(draft.body) else draft.body
    return {name: values for entry in body["changed_attributes"] for name, values in entry.items()}
