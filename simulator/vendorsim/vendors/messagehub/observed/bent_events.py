"""Quirks that send other events than they should, or at another time. `quirks.py` names them and says where they are
known from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from vendorsim.conversation.changes import Assigned
from vendorsim.conversation.reducer import apply
from vendorsim.conversation.state import OPEN, Conversation
from vendorsim.scenario.verbs import Assign
from vendorsim.vendorkit.profile import Body, Draft
from vendorsim.vendors.messagehub.observed.bent_bodies import bent
from vendorsim.vendors.messagehub.observed.changes import changed, touched
from vendorsim.vendors.messagehub.observed.names import CONVERSATION_OPENED
from vendorsim.vendors.messagehub.observed.payloads import Notes
from vendorsim.vendors.messagehub.observed.reactions import REACTIONS
from vendorsim.vendors.messagehub.reactions import (
    CONVERSATION_STATUS_CHANGED,
    CONVERSATION_UPDATED,
    MESSAGE_CREATED,
    MESSAGE_UPDATED,
)

_LOST = (CONVERSATION_STATUS_CHANGED, CONVERSATION_OPENED)
# What two parties fight for: its name in `changed_attributes`, and in the body.
_FOUGHT_FOR = {"label_list": "labels", "status": "status"}
_ROUNDS = 2


def twin(drafts: list[Draft], conversation: Conversation, notes: Notes) -> list[Draft]:
    """Every `message_created` twice."""
    return [draft for draft in drafts for _ in range(1 + (draft.event == MESSAGE_CREATED))]


def twin_update(drafts: list[Draft], conversation: Conversation, notes: Notes) -> list[Draft]:
    """What tells of a change of the labels, twice."""
    return [draft for draft in drafts for _ in range(1 + ("label_list" in _changes(draft)))]


def late_body(drafts: list[Draft], conversation: Conversation, notes: Notes) -> list[Draft]:
    """Everything waits for the next step."""
    return [draft._replace(held=True) for draft in drafts]


def lost_status_change(drafts: list[Draft], conversation: Conversation, notes: Notes) -> list[Draft]:
    """A conversation that opens and is nobody's is assigned within the same save: afterwards only the assignee looks
    changed. The assignment is real, and lasts."""
    opens = conversation.status == OPEN and any(draft.event == CONVERSATION_STATUS_CHANGED for draft in drafts)
    if not opens or conversation.assignee is not None:
        return drafts
    agent = notes.assignee or conversation.default_agent()
    (change,) = apply(conversation, Assign(to=(agent.key, conversation.team)), conversation.now)
    assigned = list(REACTIONS[Assigned](change, conversation, notes))
    found: list[Draft] = []
    for draft in drafts:
        if "status" in _changes(draft):
            found.extend(assigned)
        elif draft.event not in _LOST:
            found.append(draft)
    return found


def opaque_update(drafts: list[Draft], conversation: Conversation, notes: Notes) -> list[Draft]:
    """After every `message_created` a `message_updated` with the same body."""
    found: list[Draft] = []
    for draft in drafts:
        found.append(draft)
        if draft.event == MESSAGE_CREATED:
            found.append(bent(draft._replace(event=MESSAGE_UPDATED), lambda body: {**body, "event": MESSAGE_UPDATED}))
    return found


def echo(drafts: list[Draft], conversation: Conversation, notes: Notes) -> list[Draft]:
    """A change of the labels or the status is undone, and done again, as by an integration that takes the events about
    its own writes for somebody else's. Each of these is a save of its own."""
    before = {name: values["previous_value"] for draft in drafts for name, values in _changes(draft).items()}
    before = {_FOUGHT_FOR[name]: value for name, value in before.items() if name in _FOUGHT_FOR}
    telling = [draft for draft in drafts if _tells_of(draft, before)]
    found = list(drafts)
    for undone in (before, {}) * _ROUNDS if telling else ():
        save = partial(_saved_again, undone, touched(conversation, notes), notes.updated_at)
        found += [bent(draft, save) for draft in telling]
    return found


def _tells_of(draft: Draft, before: Mapping[str, Any]) -> bool:
    if draft.event == CONVERSATION_STATUS_CHANGED:
        return "status" in before
    return any(name in _changes(draft) for name in _FOUGHT_FOR)


def _saved_again(undone: Mapping[str, Any], touch: dict[str, Any], at: int, body: Body) -> Body:
    """The body of another save (`at`, in milliseconds), of the opposite change where there is something `undone`."""
    made = body["changed_attributes"]
    if made is not None:
        made = [touch if "updated_at" in entry else _swapped(entry) if undone else entry for entry in made]
    times = {"updated_at": at / 1000} if "updated_at" in body else {}
    return {**body, **undone, **times, "changed_attributes": made}


def _swapped(entry: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    ((name, values),) = entry.items()
    return changed(name, values["current_value"], values["previous_value"])


def _changes(draft: Draft) -> Mapping[str, Any]:
    """What a `conversation_updated` says has changed; nothing for other events."""
    if draft.event != CONVERSATION_UPDATED:
        return {}
    body = draft.body() if callable(draft.body) else draft.body
    return {name: values for entry in body["changed_attributes"] for name, values in entry.items()}
