"""One dialect of a vendor: its events, the reactions that make them, its targets and its quirks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from vendorsim.conversation.state import Conversation
from vendorsim.core.errors import UnknownNameError
from vendorsim.vendorkit.policy import Policy

Body = dict[str, Any]


class Draft(NamedTuple):
    """An event in the making: its name and its body.

    A vendor that builds bodies from the state of the moment in which they are sent gives a function: it is called once
    the whole step is carried out. With `held` not even then, but after the next step.
    """

    event: str
    body: Body | Callable[[], Body]
    held: bool = False


Reaction = Callable[[Any, Conversation, Any], Iterable[Draft]]
"""(change, conversation, memory) → drafts. `memory` is the vendor's own notes about this conversation."""


@dataclass(frozen=True, slots=True)
class Quirk:
    """A known misbehaviour of the real vendor, which a scenario or a user can ask for by name.

    `bend` gets the drafts of a step, the conversation and the vendor's notes, and gives the drafts that a vendor with
    this quirk would send instead.
    """

    name: str
    summary: str
    provenance: str
    source: str
    bend: Callable[[list[Draft], Conversation, Any], list[Draft]]


class Failed(NamedTuple):
    """A delivery that its target has not taken, after all attempts. `body` is the event's, `kind` the target's kind;
    `status` is None where there was no answer."""

    event: str
    body: Body
    kind: str
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class EventKind:
    """One documented event. `summary` says in a few words when it is sent."""

    name: str
    summary: str
    provenance: str
    source: str


@dataclass(frozen=True)
class TargetKind:
    """A kind of target: the events that such a target never gets, those that it gets when it subscribes to none in
    particular (None means all), and the policy of its deliveries where that is not the profile's.

    With `unfiltered` a subscription of the target counts for nothing: it gets all that its kind gets.
    """

    name: str
    without: frozenset[str] = frozenset()
    default: frozenset[str] | None = None
    policy: Policy | None = None
    unfiltered: bool = False

    def gets(self, event: str, subscription: Collection[str] | None) -> bool:
        """Whether a target of this kind gets an event."""
        if event in self.without:
            return False
        if self.unfiltered or subscription is None:
            return self.default is None or event in self.default
        return event in subscription


WEBHOOK = TargetKind("webhook")
# Usual names of the fields that carry what people write, or what they are called.
TEXT_FIELDS = frozenset({"content", "message", "text", "name", "title", "note"})


@dataclass(frozen=True, eq=False)
class Profile:
    """One dialect of a vendor.

    `reactions` maps the type of a change (`vendorsim.conversation.changes`) to the function that makes events of it.
    Which verbs of a scenario cause which events follows from them (`vendorsim.vendorkit.verb_events`).
    `identify` tells which event a captured body is, or None. `conversation_id` is the id that the bodies
    carry, and the session id of the identification API. `order_key` says how new a body is by what stands in it: of two
    bodies of one conversation whose keys differ, any receiver can tell which came first; None says nothing.
    `quirks` are what the real vendor does wrong at times. `failed` makes events of a delivery that has failed for good.
    `contract` is the folder of the profile's documents where it has none of its own name, and `amend` (file name,
    document → document) changes what stands there.
    `event_keys` are the keys of a body that tell which event it is, the most specific last; none where bodies of
    different events only differ in their shape. `text_fields` are the names of the fields that carry what people
    write, beside those of `TEXT_FIELDS`.
    """

    name: str
    title: str
    events: tuple[EventKind, ...]
    policy: Policy
    headers: Mapping[str, str] = field(default_factory=dict)
    reactions: Mapping[type, Reaction] = field(default_factory=dict)
    identify: Callable[[Any], str | None] = lambda body: None
    conversation_id: Callable[[Conversation], int | str] = lambda conversation: conversation.id
    memory: Callable[[], Any] = lambda: None
    encode: Callable[[Any], bytes] = orjson.dumps
    target_kinds: tuple[TargetKind, ...] = (WEBHOOK,)
    order_key: Callable[[str, Any], Any] | None = None
    quirks: tuple[Quirk, ...] = ()
    failed: Callable[[Failed, Conversation, Any], Iterable[Draft]] | None = None
    contract: str | None = None
    amend: Callable[[str, Any], Any] | None = None
    event_keys: tuple[str, ...] = ()
    text_fields: frozenset[str] = frozenset()

    def kind(self, name: str) -> TargetKind:
        """The kind of target of that name. Raises UnknownNameError."""
        for kind in self.target_kinds:
            if kind.name == name:
                return kind
        raise UnknownNameError(f"kind of target of {self.name}", name, [kind.name for kind in self.target_kinds])

    def quirk(self, name: str) -> Quirk | None:
        """The quirk of that name, or None."""
        return next((quirk for quirk in self.quirks if quirk.name == name), None)

    def event_names(self) -> tuple[str, ...]:
        return tuple(kind.name for kind in self.events)
