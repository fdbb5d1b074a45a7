"""What a vendor is: plain data and a table of small functions.

A vendor package offers one `Vendor` object through the entry-point group `vendorsim.vendors`. Its
documents stand in `contracts/<vendor>/<profile>/`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import orjson

from simulator import resources
from simulator.world import Conversation

if TYPE_CHECKING:
    from flask import Blueprint

    from simulator.server.front_messages import HotDoor
    from simulator.server.state import ServerState
    from simulator.vendors.schemes import Scheme

T = TypeVar("T")

DOCUMENTED = "documented"
CAPTURED = "captured"
RECONSTRUCTED = "reconstructed"
ASSUMED = "assumed"
PROVENANCES = (DOCUMENTED, CAPTURED, RECONSTRUCTED, ASSUMED)


@dataclass(frozen=True, slots=True)
class Stated(Generic[T]):
    """A value and where it comes from."""

    value: T
    provenance: str
    source: str

    def __post_init__(self) -> None:
        if self.provenance not in PROVENANCES:
            raise ValueError(f"provenance '{self.provenance}' is none of {', '.join(PROVENANCES)}")


STANDARD_WEBHOOKS = "nothing published; Standard Webhooks recommendation (standardwebhooks.com)"
SUCCESS = frozenset(range(200, 300))
# The pauses between the ten attempts that Standard Webhooks gives as an example, in milliseconds.
STANDARD_RETRIES = tuple(seconds * 1_000 for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
# What becomes of a request that is redirected: 303 asks for another method, the others for the same one.
REPEATED, AS_GET = "repeated", "as GET"
REDIRECTED: Mapping[int, str] = {301: REPEATED, 302: REPEATED, 303: AS_GET, 307: REPEATED, 308: REPEATED}
# What the next event of a conversation does while one is waiting for its retry: overtake it, or queue behind it.
UNORDERED, ORDERED = "none", "conversation"


def assumed(value: T) -> Stated[T]:
    """A value that no vendor document gives; it follows Standard Webhooks."""
    return Stated(value, ASSUMED, STANDARD_WEBHOOKS)


@dataclass(frozen=True, slots=True)
class Policy:
    """How a vendor delivers, as data. Times are milliseconds.

    `accepted`: the HTTP statuses that count as delivered. `retries`: the pauses between attempts; empty
    means a single attempt. `retried`: the statuses that are tried again, None for everything that is not
    accepted, no answer included. `redirects`: how many are followed; 0 makes a redirect a failure.
    `redirected`: the statuses that are followed, and whether the request is repeated as it was or becomes a GET.
    `ordering`: UNORDERED or ORDERED. `signing`: the name of a scheme (`simulator.delivery.signing`) or None.
    """

    accepted: Stated[frozenset[int]] = assumed(SUCCESS)
    connect_timeout: Stated[int] = assumed(5_000)
    read_timeout: Stated[int] = assumed(15_000)
    retries: Stated[tuple[int, ...]] = assumed(STANDARD_RETRIES)
    retried: Stated[frozenset[int] | None] = assumed(None)
    redirects: Stated[int] = assumed(0)
    redirected: Stated[Mapping[int, str]] = Stated(REDIRECTED, ASSUMED, "RFC 9110, 15.4")
    ordering: Stated[str] = assumed(UNORDERED)
    signing: Stated[str | None] = Stated(None, ASSUMED, "no signature is published")


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


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the vendor's API that an integration calls."""

    name: str
    method: str
    path: str
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


@dataclass(frozen=True)
class Profile:
    """One dialect of a vendor.

    `reactions` maps the type of a change (`simulator.world`) to the function that makes events of it.
    `emits` says per verb of a scenario which events it may cause; a test holds it against the reactions.
    `identify` tells which event a captured body is, or None. `conversation_id` is the id that the bodies
    carry, which is also the session id of `end_user`. `order_key` says how new a body is by what stands in it: of two
    bodies of one conversation whose keys differ, any receiver can tell which came first; None says nothing.
    `quirks` are what the real vendor does wrong at times. `failed` makes events of a delivery that has failed for good.
    `contract` is the folder of the profile's documents where it has none of its own name, and `amend` (file name,
    document → document) changes what stands there.
    """

    name: str
    title: str
    events: tuple[EventKind, ...]
    policy: Policy
    headers: Mapping[str, str] = field(default_factory=dict)
    reactions: Mapping[type, Reaction] = field(default_factory=dict)
    emits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
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

    def kind(self, name: str) -> TargetKind:
        """The kind of target of that name. Raises UnknownNameError."""
        for kind in self.target_kinds:
            if kind.name == name:
                return kind
        from simulator.errors import UnknownNameError

        raise UnknownNameError(f"kind of target of {self.name}", name, [kind.name for kind in self.target_kinds])

    def quirk(self, name: str) -> Quirk | None:
        """The quirk of that name, or None."""
        return next((quirk for quirk in self.quirks if quirk.name == name), None)

    def event_names(self) -> tuple[str, ...]:
        return tuple(kind.name for kind in self.events)


@dataclass(frozen=True)
class Vendor:
    """One imitated system. The first profile is the default. `contracts` is the folder of its documents.

    `api` makes the Flask blueprint of the vendor's API, where it has one that integrations call.
    `hot` makes a faster door to some of its operations, which must answer as the blueprint does.
    `api_verbs` are the verbs of a scenario that wait for a call of that API. `schemes` are the ways it signs, by name.
    `version` makes the profile of a name that `profiles` does not list, such as a version between two of them; `quirks`
    are those that only such profiles have.
    """

    name: str
    title: str
    profiles: Mapping[str, Profile]
    operations: tuple[Operation, ...] = ()
    api_verbs: tuple[str, ...] = ()
    api: Callable[[ServerState], Blueprint] | None = None
    hot: Callable[[ServerState], HotDoor] | None = None
    documents: Path | None = None
    schemes: Mapping[str, Scheme] = field(default_factory=dict)
    version: Callable[[str], Profile | None] | None = None
    quirks: tuple[Quirk, ...] = ()

    def quirk_names(self) -> frozenset[str]:
        """The names of the quirks that any profile has."""
        listed = (profile.quirks for profile in self.profiles.values())
        return frozenset(quirk.name for quirks in (self.quirks, *listed) for quirk in quirks)

    @property
    def default_profile(self) -> Profile:
        return next(iter(self.profiles.values()))

    def contracts(self) -> Path:
        """The folder with one folder of documents per profile."""
        return self.documents or resources.contracts() / self.name

    def profile(self, name: str | None) -> Profile:
        """The profile of that name, or the default one. Raises UnknownNameError."""
        from simulator.errors import UnknownNameError

        if name is None:
            return self.default_profile
        found = self.profiles.get(name) or (self.version(name) if self.version is not None else None)
        if found is None:
            raise UnknownNameError(f"profile of {self.name}", name, self.profiles)
        return found
