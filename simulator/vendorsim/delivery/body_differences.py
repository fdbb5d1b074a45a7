"""Finds what bodies that failed have and accepted ones have not: which form an integration can't take. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

# Texts that may be one of a few values: names, not what people write and not ids.
_NAME = re.compile(r"[a-z][a-z_\-/]{0,30}")
_DEEPEST = 12
MOST_PLACES = 3


def only_in(failed: Sequence[Any], accepted: Sequence[Any]) -> list[str]:
    """Returns what all of the failed bodies have and none of the accepted ones, such as `/content is null`.

    At most MOST_PLACES; none where either list is empty, or where the bodies can't be told apart. Places in lists are
    written with `*` instead of a number.
    """
    if not failed or not accepted:
        return []
    traits = set.intersection(*(set(_traits(body)) for body in failed))
    traits -= {trait for body in accepted for trait in _traits(body)}
    added = _topmost(set.intersection(*(set(_places(body)) for body in failed)), accepted)
    missing = _topmost(set.intersection(*(set(_places(body)) for body in accepted)), failed)
    known = {place for body in accepted for place in _places(body)} | {""}
    found = {(place, words) for place, words in traits if place in known}
    differing = {place for place, _ in found}
    # That something is empty or null tells already that nothing is below it.
    found |= {(place, "is missing") for place in missing if place.rpartition("/")[0] not in differing}
    found |= {(place, "is there") for place in added}
    return [f"{place or 'the body'} {words}" for place, words in sorted(found, key=_weight)[:MOST_PLACES]]


def _topmost(places: set[str], bodies: Sequence[Any]) -> set[str]:
    """Returns the places that none of the bodies has, without those below another one."""
    lacking = places - {place for body in bodies for place in _places(body)}
    return {place for place in lacking if place.rpartition("/")[0] not in lacking}


def _weight(trait: tuple[str, str]) -> tuple[int, int, str]:
    """High places come first; of one height null, missing and empty values, then types, then values."""
    place, words = trait
    kinds = ("is null", "is missing", "is empty", "is a", "is there", "is")
    return place.count("/"), next(n for n, kind in enumerate(kinds) if words.startswith(kind)), place


def _traits(value: Any, place: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    if value is None:
        yield place, "is null"
    elif isinstance(value, bool):
        yield place, f"is {str(value).lower()}"
    elif isinstance(value, str):
        yield place, "is empty" if not value else "is a text"
        if _NAME.fullmatch(value):
            yield place, f'is "{value}"'
    elif isinstance(value, int | float):
        yield place, "is a number"
    else:
        yield place, "is empty" if not value else "is a list" if isinstance(value, list) else "is an object"
        for inner, item in _items(value, place, depth):
            yield from _traits(item, inner, depth + 1)


def _places(value: Any, place: str = "", depth: int = 0) -> Iterator[str]:
    if place:
        yield place
    for inner, item in _items(value, place, depth):
        yield from _places(item, inner, depth + 1)


def _items(value: Any, place: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth >= _DEEPEST:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            yield f"{place}/{name}", item
    elif isinstance(value, list):
        for item in value[:20]:
            yield f"{place}/*", item
