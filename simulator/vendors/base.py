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


@dataclass(frozen=True, slots=True)
class Policy:
    """How a vendor delivers. Times are milliseconds. `accepted` holds the HTTP statuses that count as delivered."""

    accepted: Stated[frozenset[int]]
    connect_timeout: Stated[int]
    read_timeout: Stated[int]


SUCCESS = frozenset(range(200, 300))


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
    carry, which is also the session id of `end_user`.
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
