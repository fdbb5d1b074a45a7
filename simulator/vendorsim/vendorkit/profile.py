"""One dialect of a vendor: its events, the reactions that make them, its kinds of targets and its quirks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from msgspec import Struct, field

from vendorsim.conversation.state import Conversation
from vendorsim.core.errors import UnknownNameError
from vendorsim.core.event import Said
from vendorsim.scenario.verbs import Verb
from vendorsim.vendorkit.policy import Policy

Body = dict[str, Any]


class Draft(NamedTuple):
    """An event that a reaction returns: its name and its body.

    If `body` is a function, it is called after the whole step, so that the body has the state at the time of sending.
    With `held` the event is sent after the next step instead, and the function is called then. `said` is what somebody
    wrote, if the event is about that; a reaction leaves it to the timeline.
    """

    event: str
    body: Body | Callable[[], Body]
    held: bool = False
    said: Said | None = None


Reaction = Callable[[Any, Conversation, Any], Iterable[Draft]]
"""(change, conversation, memory) → drafts. `memory` is the object that `Profile.memory` made for this conversation."""
Prevention = Callable[[Verb, Conversation, Any, int], str | None]
"""(verb, conversation, memory, time in milliseconds since 1970) → why the step can't happen then, or None."""


class Quirk(Struct, frozen=True):
    """A known misbehaviour of the real vendor, which a scenario or a user can request by name.

    `bend` gets the drafts of a step, the conversation and the vendor's memory. It returns the drafts that a vendor with
    this quirk sends instead.
    """

    name: str
    summary: str
    provenance: str
    source: str
    bend: Callable[[list[Draft], Conversation, Any], list[Draft]]


class Failed(NamedTuple):
    """A delivery that its target has not accepted after all attempts. `body` is the event's body, `kind` the name of
    the target's kind. `status` is the HTTP status of the last answer, None if there was no answer."""

    event: str
    body: Body
    kind: str
    status: int | None
    reason: str


class EventKind(Struct, frozen=True):
    """One event of a profile. `summary` says briefly when it is sent."""

    name: str
    summary: str
    provenance: str
    source: str


class TargetKind(Struct, frozen=True):
    """A kind of target.

    `without` are the events that such a target never gets. `default` are the events that it gets if it has no
    subscription (None: all). `policy` is the policy of its deliveries, if that is not the profile's. With `unfiltered`
    the subscription of a target is ignored.
    """

    name: str
    without: frozenset[str] = frozenset()
    default: frozenset[str] | None = None
    policy: Policy | None = None
    unfiltered: bool = False

    def gets(self, event: str, subscription: Collection[str] | None) -> bool:
        """Whether a target of this kind gets an event. `subscription` are the names of events, None if it has none."""
        if event in self.without:
            return False
        if self.unfiltered or subscription is None:
            return self.default is None or event in self.default
        return event in subscription


class InternalMessage(Struct, frozen=True):
    """A kind of message that is for agents only, and that no step of a story causes: an activity such as "Ana closed
    the conversation". `name` is its name in reports. `of` (event, body) turns the body about a public message of an
    agent into one about such a message, with the same text; None where the event tells none."""

    name: str
    of: Callable[[str, Any], Any]


WEBHOOK = TargetKind("webhook")
# Usual names of fields with texts that people write, or with names of people.
TEXT_FIELDS = frozenset({"content", "message", "text", "name", "title", "note"})


class Profile(Struct, frozen=True, eq=False):
    """One dialect of a vendor.

    `reactions` maps the type of a change (`vendorsim.conversation.changes`) to the function that returns its events.
    `vendorsim.vendorkit.verb_events` derives from them which verbs of a scenario cause which events.
    `identify` gives the name of the event of a captured body, or None. `conversation_id` gives the conversation's id in
    the bodies, which is also the session id of the identification API. `memory` makes the vendor's own memory of a new
    conversation. `encode` turns a body into bytes.
    `order_key` (event, body) gives a key by which a receiver can sort the bodies of one conversation by time, or None
    if a body has nothing to sort by.
    `prevents` says which steps can't happen at present, such as a visitor's message while the chat is hidden. A
    scenario goes on without such a step; a step by hand or by an API call raises StepError.
    `quirks` are known misbehaviours of the real vendor. `failed` gives the events that the vendor sends after a
    delivery has failed finally.
    `contract` is the name of the folder with the profile's documents, if it is not the profile's own name. `amend`
    (file name, document) returns such a document with the changes for this profile. `added_documents` are documents
    that are not in the folder, by file name.
    `adapt` (event, body, seed) returns the body that is sent in place of a reaction's; the seed differs from event to
    event. `overlays` is the profile that this one changes, if it is an overlay (`vendorsim.vendorkit.overlay`).
    `event_keys` are the keys of a body that identify its event, the most specific last; empty if the bodies of
    different events differ only in their shape. `text_fields` are the names of the fields with texts that people
    write, in addition to `TEXT_FIELDS`. `meaning_fields` are the names of fields that change what a message is, such as
    a private note instead of an answer: an integration may leave some of these out on purpose. `message_fields` are the
    names of fields with the text of a message. `internal` is a kind of message that is never for the visitor; private
    notes are not meant.
    `account_fields` are the fields of a body that hold the id of the account, and `inbox_fields` those with the id of
    the inbox: a name (`account_id`), or the name of an object and of its field (`account/id`), at any depth. They are
    empty if the vendor sends no such id, which then can't be chosen.
    `unseen` says that no real server is known to send exactly this; captured bodies are then of another profile.
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
    prevents: Prevention | None = None
    quirks: tuple[Quirk, ...] = ()
    failed: Callable[[Failed, Conversation, Any], Iterable[Draft]] | None = None
    contract: str | None = None
    amend: Callable[[str, Any], Any] | None = None
    event_keys: tuple[str, ...] = ()
    text_fields: frozenset[str] = frozenset()
    meaning_fields: frozenset[str] = frozenset({"type", "sub_type"})
    message_fields: frozenset[str] = frozenset({"content", "message", "text"})
    internal: InternalMessage | None = None
    account_fields: tuple[str, ...] = ()
    inbox_fields: tuple[str, ...] = ()
    unseen: bool = False
    added_documents: Mapping[str, Any] = field(default_factory=dict)
    adapt: Callable[[str, Body, int], Body] | None = None
    overlays: Profile | None = None

    def kind(self, name: str) -> TargetKind:
        """The kind of target with that name. Raises UnknownNameError."""
        for kind in self.target_kinds:
            if kind.name == name:
                return kind
        raise UnknownNameError(f"kind of target of {self.name}", name, [kind.name for kind in self.target_kinds])

    def quirk(self, name: str) -> Quirk | None:
        """The quirk with that name, or None."""
        return next((quirk for quirk in self.quirks if quirk.name == name), None)

    def event_names(self) -> tuple[str, ...]:
        """The names of the events, in order."""
        return tuple(kind.name for kind in self.events)
