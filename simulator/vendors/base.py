"""What a vendor is: plain data and a table of small functions.

A vendor package offers one `Vendor` object through the entry-point group `vendorsim.vendors`. Its
documents stand in `contracts/<vendor>/<profile>/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import orjson

from simulator import resources
from simulator.world import Conversation

if TYPE_CHECKING:
    from flask import Blueprint

    from simulator.server.state import ServerState

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
    `ordering`: UNORDERED or ORDERED. `signing`: the name of a scheme (`simulator.delivery.signing`) or None.
    """

    accepted: Stated[frozenset[int]] = assumed(SUCCESS)
    connect_timeout: Stated[int] = assumed(5_000)
    read_timeout: Stated[int] = assumed(15_000)
    retries: Stated[tuple[int, ...]] = assumed(STANDARD_RETRIES)
    retried: Stated[frozenset[int] | None] = assumed(None)
    redirects: Stated[int] = assumed(0)
    ordering: Stated[str] = assumed(UNORDERED)
    signing: Stated[str | None] = Stated(None, ASSUMED, "no signature is published")


class Draft(NamedTuple):
    """An event in the making: its name and its body."""

    event: str
    body: dict[str, Any]


Reaction = Callable[[Any, Conversation, Any], Iterable[Draft]]
"""(change, conversation, memory) → drafts. `memory` is the vendor's own notes about this conversation."""


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
    """A kind of target, and the events that such a target never gets."""

    name: str
    without: frozenset[str] = frozenset()


WEBHOOK = TargetKind("webhook")


@dataclass(frozen=True)
class Profile:
    """One dialect of a vendor.

    `reactions` maps the type of a change (`simulator.world`) to the function that makes events of it.
    `emits` says per verb of a scenario which events it may cause; a test holds it against the reactions.
    `identify` tells which event a captured body is, or None. `conversation_id` is the id that the bodies
    carry, which is also the session id of `end_user`. `order_key` says how new a body is by what stands in it: of two
    bodies of one conversation whose keys differ, any receiver can tell which came first; None says nothing.
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

    def event_names(self) -> tuple[str, ...]:
        return tuple(kind.name for kind in self.events)


@dataclass(frozen=True)
class Vendor:
    """One imitated system. The first profile is the default. `contracts` is the folder of its documents.

    `api` makes the Flask blueprint of the vendor's API, where it has one that integrations call.
    `api_verbs` are the verbs of a scenario that wait for a call of that API.
    """

    name: str
    title: str
    profiles: Mapping[str, Profile]
    operations: tuple[Operation, ...] = ()
    api_verbs: tuple[str, ...] = ()
    api: Callable[[ServerState], Blueprint] | None = None
    documents: Path | None = None

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
        if name not in self.profiles:
            raise UnknownNameError(f"profile of {self.name}", name, self.profiles)
        return self.profiles[name]
