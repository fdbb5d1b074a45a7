"""Turns a drift study into an overlay: the changes of the profile with which the capture has no drift.

No captured value goes into it: examples are made up in the shape of what was seen. Only values that stand where the
contract lists values, and look like such, are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vendorsim.captures.drift import Break, DriftStudy, SeenEvent
from vendorsim.captures.seen import ANY_KEY, LIST, NULL, OBJECT, SeenField
from vendorsim.core.errors import InputError
from vendorsim.core.version import __version__
from vendorsim.vendorkit.deviations import DeviationClass
from vendorsim.vendorkit.overlay_bodies import VARIES
from vendorsim.vendorkit.overlay_contract import ChangeKind

_VALUES = (DeviationClass.TYPES, DeviationClass.VALUES)
# Formats of JSON Schema among those that are recognised.
_NO_FORMAT = frozenset({"digits"})
# Made-up examples of formats; a shape alone would give no date.
_OF_FORMAT = {
    "date-time": "2026-01-05T09:00:00.000Z",
    "date": "2026-01-05",
    "email": "dana@example.com",
    "ipv4": "192.0.2.1",
    "uri": "https://www.example.com/",
    "uuid": "6f1d8e0a-94c3-4b7e-8a51-2d3c9be07f16",
}
_LETTERS = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor"


def proposal(study: DriftStudy, on: str) -> dict[str, Any]:
    """The content of `overlay.json`. `on` is the day, such as 2026-11-29. Raises InputError if the study's profile is
    an overlay."""
    if study.profile.overlays is not None:
        raise InputError(
            f"--propose changes a profile of {study.vendor.name}, and {study.profile.name} is an overlay of one; "
            "leave out --profile, or name the profile that it changes"
        )
    counted = study.counted
    facts: dict[str, Any] = {"on": on, "bodies": sum(event.count for event in study.events.values())}
    if counted.began is not None and counted.ended is not None:
        facts |= {"began": counted.began.isoformat(), "ended": counted.ended.isoformat()}
    known = {event.name: list(_changes(event)) for event in study.events.values() if event.known}
    return {
        "vendor": study.vendor.name,
        "profile": study.profile.name,
        "vendorsim": __version__,
        "captured": facts,
        "events": {name: changes for name, changes in known.items() if changes},
        "new_events": {event.name: _new_event(event) for event in study.events.values() if not event.known},
    }


def left_out(study: DriftStudy) -> list[str]:
    """What an overlay can't say, in words."""
    found = []
    if study.counted.foreign:
        found.append("bodies that name no event")
    for event in study.events.values():
        if any(not broken.path for broken in event.breaks.values()):
            found.append(f"{event.name}: what is wrong with the whole body")
        found += [f"{event.name}: the keys of {place.path or 'the body'} that are data" for place in _data_keys(event)]
    if study.orders.impossible():
        found.append("the order of events")
    if study.attempts.deviates:
        found.append("how the vendor delivers")
    return found


def _data_keys(event: SeenEvent) -> Iterator[SeenField]:
    """The objects whose unknown keys are no names of fields."""
    pending = [event.bodies.root] if event.known else []
    while pending:
        place = pending.pop()
        inner = place.fields.get(ANY_KEY)
        if place.inside and place.objects and inner is not None and inner.known is None:
            yield place
        pending += place.fields.values()


def _changes(event: SeenEvent) -> Iterator[dict[str, Any]]:
    by_place: dict[str, list[Break]] = {}
    added: set[str] = set()
    for broken in event.breaks.values():
        if broken.kind is DeviationClass.MISSING:
            yield _missing(event, broken)
        elif broken.kind is DeviationClass.UNKNOWN:
            added.add(broken.path)
        elif broken.kind in _VALUES and broken.path:
            by_place.setdefault(broken.path, []).append(broken)
    for path, breaks in by_place.items():
        yield from _values(event, path, breaks)
    for place, above in _unknown(event.bodies.root, added):
        if not place.path.endswith(f"/{ANY_KEY}"):
            yield _change(place.path, ChangeKind.ADD, place.count, max(above.objects, place.count), schema_of(place))
    for place in _spoiled(event.bodies.root):
        yield _change(place.path, ChangeKind.WIDEN, place.spoiled, place.count, {"type": "string"})


def _change(field: str, change: ChangeKind, seen: int, of: int, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    stated = {} if schema is None else {"schema": schema}
    return {"field": field, "change": change.value, "seen": seen, "of": of, **stated}


def _missing(event: SeenEvent, broken: Break) -> dict[str, Any]:
    place = event.bodies.of_path(broken.path)
    above = event.bodies.of_path(broken.path.rpartition("/")[0])
    of = broken.count if above is None else above.objects
    there = 0 if place is None else place.count
    return _change(broken.path, ChangeKind.OPTIONAL if there else ChangeKind.DROP, of - there, of)


def _values(event: SeenEvent, path: str, breaks: list[Break]) -> Iterator[dict[str, Any]]:
    place = event.bodies.of_path(path)
    count = 0 if place is None else place.count
    for broken in breaks:
        whole = len(breaks) == 1 and broken.count >= count
        schema = (
            {"enum": list(broken.listed)} if broken.listed and not broken.unlisted else schema_of(broken.values.root)
        )
        change = ChangeKind.REPLACE if whole else ChangeKind.WIDEN
        yield _change(path, change, broken.count, max(count, broken.count), schema)


def _unknown(place: SeenField, forbidden: set[str]) -> Iterator[tuple[SeenField, SeenField]]:
    """The fields that the contract does not describe or forbids, each with the place above it."""
    for inner in place.fields.values():
        if inner.path in forbidden or (inner.known is None and place.inside):
            yield inner, place
        elif inner.known is not None:
            yield from _unknown(inner, forbidden)


def _spoiled(place: SeenField) -> Iterator[SeenField]:
    """The places of texts without the format that the contract gives."""
    for inner in place.fields.values():
        if inner.spoiled:
            yield inner
        yield from _spoiled(inner)


def _new_event(event: SeenEvent) -> dict[str, Any]:
    schema = schema_of(event.bodies.root)
    for key, value in event.keys.items():
        schema["properties"][key] = {"const": value, "examples": [value]}
    return {"keys": dict(event.keys), "seen": event.count, "schema": schema}


def schema_of(seen: SeenField) -> dict[str, Any]:
    """A schema of the values at a place, with a made-up example."""
    types = [name for name in seen.types if seen.types[name] and name != NULL]
    if "number" in types and "integer" in types:
        types.remove("integer")
    names = [*types, *([NULL] if seen.types[NULL] else [])]
    schema: dict[str, Any] = {"type": names[0] if len(names) == 1 else names}
    if "string" in types and seen.texts is not None:
        formats = [name for name in seen.texts.formats if name not in _NO_FORMAT]
        schema |= {"format": formats[0]} if formats else {}
        example = _OF_FORMAT[formats[0]] if formats else _like(seen.texts.shape)
        schema |= _example(example, varies=seen.texts.varies)
    elif seen.numbers is not None and types and types[0] in ("integer", "number"):
        number = int("1234567890123456789"[: seen.numbers.digits])
        whole = number if types[0] == "integer" else number + 0.5
        schema |= _example(whole, varies=seen.numbers.varies)
    if OBJECT in types:
        fields = {key: inner for key, inner in seen.fields.items() if key != ANY_KEY}
        schema["properties"] = {key: schema_of(inner) for key, inner in fields.items()}
        always = [key for key, inner in fields.items() if inner.count == seen.objects]
        schema |= {"required": always} if always else {}
        if ANY_KEY in seen.fields and LIST not in types:
            schema["additionalProperties"] = schema_of(seen.fields[ANY_KEY])
    if LIST in types and ANY_KEY in seen.fields:
        schema["items"] = schema_of(seen.fields[ANY_KEY])
    return schema


def _example(value: Any, *, varies: bool) -> dict[str, Any]:
    return {"examples": [value]} | ({VARIES: True} if varies else {})


def _like(shape: str) -> str:
    """A made-up text of a shape: digits for 0, letters for a and A."""
    letters = iter((_LETTERS.replace(" ", "") * 2)[: len(shape)])
    made = []
    for position, character in enumerate(shape):
        letter = next(letters)
        made.append({"a": letter, "A": letter.upper(), "0": str((position + 1) % 10)}.get(character, character))
    return "".join(made)
