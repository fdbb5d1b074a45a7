"""What the differences of two profiles mean for a receiver that was built for the first one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from vendorsim.vendorkit.contract_differences import FIELD, ProfileDifference, ProfileDifferences, Side
from vendorsim.vendorkit.deviations import DeviationClass

# Limits: a bound that may grow, and one that may shrink, without a value outside the old one.
_LOWER = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_UPPER = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
# Aspects that no value of a body shows.
_SILENT = frozenset({"meaning", "closed"})
# Settings of a policy that a receiver must know.
_NEEDED = frozenset({"accepted", "read_timeout", "signing"})


class Deviation(Struct, frozen=True):
    """One way in which the second profile deviates from the first. `path` is a field, or the name of a setting. With
    `breaking`, the second profile may send what the first one's contract refuses."""

    kind: DeviationClass
    breaking: bool
    event: str | None
    path: str
    message: str


def deviations(found: ProfileDifferences) -> Iterator[Deviation]:
    """The deviations of the second profile. Differences that no receiver can see, such as descriptions, are none."""
    yield from of_events(found)
    for event, differences in found.fields.items():
        for difference in differences:
            yield from of_field(event, difference)
    yield from of_delivery(found)


def of_events(found: ProfileDifferences) -> Iterator[Deviation]:
    """The events that only one of the profiles sends."""
    for kind in found.only_b:
        yield Deviation(DeviationClass.EVENTS, True, kind.name, "", "an event that the first profile does not know")
    for kind in found.only_a:
        yield Deviation(DeviationClass.MISSING, True, kind.name, "", "the event is no longer sent")


def of_field(event: str | None, difference: ProfileDifference) -> Iterator[Deviation]:
    """The deviations of one field of an event."""
    for of, breaking, message in _of_field(difference):
        yield Deviation(of, breaking, event, difference.path, message)


def of_delivery(found: ProfileDifferences) -> Iterator[Deviation]:
    """The deviations of policy, headers and kinds of targets."""
    for difference in found.policy:
        yield _delivery(difference, difference.path in _NEEDED)
    for difference in found.headers:
        yield _delivery(difference, difference.a is not None)
    for difference in found.target_kinds:
        yield _delivery(difference, breaking=False)


def _delivery(difference: ProfileDifference, breaking: bool) -> Deviation:
    message = f"{', '.join(difference.aspects)} differs"
    return Deviation(DeviationClass.DELIVERY, breaking, None, difference.path, message)


def _of_field(difference: ProfileDifference) -> Iterator[tuple[DeviationClass, bool, str]]:
    a, b = difference.a, difference.b
    if FIELD in difference.aspects:
        yield _whole(a, refused=difference.refused)
        return
    assert a is not None
    assert b is not None
    for aspect in difference.aspects:
        if aspect not in _SILENT:
            yield _of_aspect(aspect, a.says.get(aspect), b.says.get(aspect))


def _whole(a: Side | None, *, refused: bool) -> tuple[DeviationClass, bool, str]:
    if a is None:
        return DeviationClass.UNKNOWN, refused, "a new field" + (", which the first profile forbids" if refused else "")
    return DeviationClass.MISSING, refused, "the field is gone" + (", which was always there" if refused else "")


def _of_aspect(aspect: str, a: Any, b: Any) -> tuple[DeviationClass, bool, str]:
    if aspect == "required":
        return DeviationClass.MISSING, bool(a), "may be missing now" if a else "is always there now"
    if aspect == "nullable":
        return DeviationClass.TYPES, bool(b), "may be null now" if b else "is never null now"
    if aspect == "type":
        wider = a is not None and (b is None or not set(b) <= _types(a))
        return DeviationClass.TYPES, wider, "another type is possible now" if wider else "fewer types are possible now"
    if aspect == "values":
        wider = a is not None and (b is None or any(value not in a for value in b))
        return (
            DeviationClass.VALUES,
            wider,
            "other values are possible now" if wider else "fewer values are possible now",
        )
    wider = a is not None and aspect != "format" and not _within(aspect, a, b)
    return DeviationClass.VALUES, wider, f"{aspect} differs"


def _types(names: list[str]) -> set[str]:
    return {*names, *(["integer"] if "number" in names else [])}


def _within(aspect: str, a: Any, b: Any) -> bool:
    """Whether all values within the limit `b` are within the limit `a`."""
    if not isinstance(a, int | float) or not isinstance(b, int | float):
        return False
    return b >= a if aspect in _LOWER else b <= a if aspect in _UPPER else False


def as_document(found: Deviation) -> Mapping[str, Any]:
    """The deviation as a JSON document."""
    return {
        "class": found.kind.value,
        "breaking": found.breaking,
        "event": found.event,
        "path": found.path,
        "message": found.message,
    }
