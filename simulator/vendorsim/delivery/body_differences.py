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
    common = set.intersection(*(set(_traits(body)) for body in failed))
    common -= {trait for body in accepted for trait in _traits(body)}
    lacking = set.intersection(*(set(_places(body)) for body in accepted))
    lacking -= {place for body in failed for place in _places(body)}
    # The parent of a place tells as much as the place.
    missing = {place for place in lacking if place.rpartition("/")[0] not in lacking}
    inner = {place for place, _ in common}
    found = [(place, words) for place, words in common if words != "is there" or place.rpartition("/")[0] not in inner]
    told = [*found, *((place, "is missing") for place in missing)]
    return [f"{place or 'the body'} {words}" for place, words in sorted(told, key=_weight)[:MOST_PLACES]]


def _weight(trait: tuple[str, str]) -> tuple[int, int, str]:
    """Null, missing and empty values are the most likely causes, then types, then values; high places come first."""
    place, words = trait
    kinds = ("is null", "is missing", "is empty", "is a", "is there", "is")
    return next(n for n, kind in enumerate(kinds) if words.startswith(kind)), place.count("/"), place


def _traits(value: Any, place: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    if place:
        yield place, "is there"
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
