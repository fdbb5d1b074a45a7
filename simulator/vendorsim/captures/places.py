"""Where the bodies of a profile have the ids of a conversation. Pure.

No vendor says so: the profile's reactions are run in two conversations of the same people, which differ in their ids
only. Where their bodies differ, there are ids; where a body has the conversation's own id, it names the conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

from msgspec import Struct

from vendorsim.captures.rehearsal import Rehearsal, Sent, rehearsal
from vendorsim.conversation.state import StepError
from vendorsim.core.pointer import Path
from vendorsim.scenario.model import AgentCast, Cast, Scenario
from vendorsim.scenario.verbs import Note, Say, Verb
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.verb_events import QUIET, SITUATIONS, TURNING

Place = tuple[str, ...]
"""A place in a body: the keys that lead to it, with `*` for the positions in lists."""

_CAST = Cast({}, {"ana": AgentCast(), "ben": AgentCast()})
_STORY = Scenario("Places of ids", (), cast=_CAST)
_STARTS, _MINUTE = 1_767_603_600_000, 60_000
_IDENTIFIER = "customer-4711"
# The name of a datum that a page or an integration may choose. Beside it any other name may stand.
CUSTOM_KEY = "plan"
_FILES: tuple[Verb, ...] = (
    Say(None, attachments=("photo.png",)),
    Say("Hello", "ana", attachments=("paper.pdf",)),
    Note("Hello", "ana"),
)


class IdPlaces(Struct, frozen=True):
    """Where bodies of one event have ids. `conversation` are the places of the conversation's own id, the outermost
    first; `ids` those of all ids that belong to one conversation: its own, of messages, of the visitor. `people` are
    those of the visitor's mail address, phone number and identifier. `known` are all places that the profile's bodies
    have."""

    conversation: tuple[Place, ...]
    ids: frozenset[Place]
    people: frozenset[Place]
    known: frozenset[Place]


def place_of(path: Path) -> Place:
    """The place of a path in a body."""
    return tuple("*" if isinstance(part, int) else part for part in path)


def values(document: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The values of a document that are no objects and no lists, each with its path."""
    if isinstance(document, dict):
        for key, item in document.items():
            yield from values(item, (*path, key))
    elif isinstance(document, list):
        for position, item in enumerate(document):
            yield from values(item, (*path, position))
    else:
        yield path, document


def is_plain(value: Any) -> bool:
    """Whether a value is a text or a number, and says something."""
    return isinstance(value, str | int | float) and value != ""


@lru_cache(maxsize=64)
def id_places(profile: Profile) -> Mapping[str, IdPlaces]:
    """The places of ids in the bodies of each event."""
    conversation: dict[str, set[Place]] = {}
    ids: dict[str, set[Place]] = {}
    known: dict[str, set[Place]] = {}
    same: dict[str, set[Place]] = {}
    people: dict[str, set[Place]] = {}
    not_people: dict[str, set[Place]] = {}
    for first, second in _pairs(profile):
        for (event, body), (other_event, other) in zip(first.events, second.events, strict=False):
            if event != other_event:
                continue
            others = dict(values(other))
            for path, value in values(body):
                place = place_of(path)
                known.setdefault(event, set()).add(place)
                if isinstance(value, str) and value:
                    (people if value in first.person else not_people).setdefault(event, set()).add(place)
                if value in (None, "") or others.get(path) is None:
                    continue
                if value == others[path]:
                    same.setdefault(event, set()).add(place)
                    continue
                ids.setdefault(event, set()).add(place)
                if value == first.id and others[path] == second.id:
                    conversation.setdefault(event, set()).add(place)
    return {
        event: IdPlaces(
            tuple(sorted(conversation.get(event, ()), key=lambda place: (len(place), place))),
            # Where a text stands that may hold an id is no place of ids.
            frozenset(ids.get(event, set()) - same.get(event, set())),
            frozenset(people.get(event, set()) - not_people.get(event, set())),
            frozenset(places),
        )
        for event, places in known.items()
    }


class _Rehearsed(NamedTuple):
    """The events of a conversation, its id, and how its visitor can be reached."""

    events: list[Sent]
    id: int | str
    person: frozenset[str]


def _pairs(profile: Profile) -> Iterator[tuple[_Rehearsed, _Rehearsed]]:
    """Two conversations of the same steps, in each situation."""
    for situation, ends in product(SITUATIONS, (QUIET, _FILES, *((step,) for step in TURNING))):
        yield _conversation(profile, 1, (*situation, *ends)), _conversation(profile, 2, (*situation, *ends))


def _conversation(profile: Profile, index: int, steps: tuple[Verb, ...]) -> _Rehearsed:
    made = rehearsal(profile, _STORY, _STARTS, index, same_people=True)
    visitor = made.state.visitor
    visitor.identifier = _IDENTIFIER
    visitor.custom = {CUSTOM_KEY: "pro"}
    person = frozenset(filter(None, (visitor.email, visitor.phone, visitor.identifier)))
    return _Rehearsed(_told(made, steps), made.id, person)


def _told(conversation: Rehearsal, steps: tuple[Verb, ...]) -> list[Sent]:
    found: list[Sent] = []
    for number, verb in enumerate(steps):
        try:
            found += conversation.step(verb, _STARTS + number * _MINUTE)
        except StepError:
            continue
    return found
