"""What a difference tells about the visitor: that he lacks something, or has custom data. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from vendorsim.captures.deriving.comparing import Bindings
from vendorsim.captures.deriving.model import DerivedStep
from vendorsim.captures.deriving.stand_ins import Guess, StandIns
from vendorsim.captures.places import CUSTOM_KEY, IdPlaces, Place, is_plain
from vendorsim.captures.sequence import CapturedEvent
from vendorsim.core.pointer import Path

# How some vendors write a custom datum.
_LABELLED = {"label", "value"}


def learnt(
    events: Sequence[CapturedEvent],
    places: Mapping[str, IdPlaces],
    stand_ins: StandIns,
    bindings: Bindings,
    step: DerivedStep,
) -> Guess | None:
    """A better guess, after what a step does not explain; None if there is none. `bindings` are those before it."""
    guess, told = stand_ins.guess, stand_ins.people[0]
    by_value = {repr(value): name for name, value in told.items() if isinstance(value, str)}
    seen = {repr(value) for value in bindings.values}
    lacking = {
        by_value[each.mine]
        for each in step.differs
        if each.mine in by_value and each.mine not in seen and each.captured in ("None", "''", "missing")
    }
    if lacking - guess.without:
        return replace(guess, without=guess.without | lacking)
    custom = {} if guess.custom else _custom(events, places, step)
    return replace(guess, custom=custom) if custom else None


def _custom(events: Sequence[CapturedEvent], places: Mapping[str, IdPlaces], step: DerivedStep) -> dict[str, Any]:
    """Data that the captured bodies have and ours have not: in the object that is missing, or field by field."""
    for event in events[step.first : step.first + step.count]:
        known = places.get(event.event)
        owners = {place[: place.index(CUSTOM_KEY)] for place in known.known if CUSTOM_KEY in place} if known else set()
        for each in step.differs:
            if each.mine not in ("missing", "None") or owners.isdisjoint((each.place, each.place[:-1])):
                continue
            found = _at(event.document, each.place)
            if any(_lacks(places.get(earlier.event), earlier, each.place) for earlier in events[: step.first]):
                continue
            if isinstance(found, dict) and found.keys() == _LABELLED:
                name = each.place[-1]
                return {name: found["value"] if found["label"] == name else found}
            if isinstance(found, dict) and found and all(is_plain(value) for value in found.values()):
                return dict(found)
            parent = _at(event.document, each.place[:-1])
            if is_plain(found) and isinstance(parent, dict) and each.place[-1] in parent:
                missing = {other.place[-1] for other in step.differs if other.place[:-1] == each.place[:-1]}
                values = {key: value for key, value in parent.items() if key in missing and is_plain(value)}
                if values and len(values) == len(parent):
                    return values
    return {}


def _lacks(known: IdPlaces | None, event: CapturedEvent, place: Place) -> bool:
    """Whether a body of an event could have such a custom datum, and has none."""
    owners = {each[:-2] for each in known.known if each[-1:] == (CUSTOM_KEY,)} if known is not None else ()
    parent = place[-2] if len(place) > 1 else None
    names = (place[-1], parent)
    return any(
        isinstance(owner := _at(event.document, each), dict)
        and not any(name in owner and owner[name] for name in names)
        for each in owners
    )


def _at(document: Any, place: Path) -> Any:
    for part in place:
        if isinstance(document, list):
            document = document[0] if document else None
        elif isinstance(document, dict):
            document = document.get(str(part))
        else:
            return None
    return document
