"""Corrupts bodies so that they violate their contract: one function per kind of corruption. Pure and seeded.

Each function yields changed copies of a body in random order. `corrupt` takes the first one that violates the contract,
so it never makes a change that the contract allows, such as null in a nullable field.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import orjson

Path = tuple[str | int, ...]
OVERSIZE = 2 * 1024 * 1024
DEPTH = 2_000


def missing(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """Removes a field."""
    for path in _shuffled(_fields(body), chance):
        changed, holder = _copied(body, path)
        del holder[path[-1]]
        yield changed


def wrong_type(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """Changes the type of a value: text to a number, anything else to a list of text."""
    return _replaced(body, chance, lambda value: 12345 if isinstance(value, str) else ["unexpected"])


def null(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """Replaces a value by null."""
    return _replaced(body, chance, lambda value: None)


def unknown_value(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """Replaces a text by one that is in no enumeration. Without enumerations, it changes any text."""
    return _replaced(body, chance, lambda value: "vendorsim_unknown_value", str)


def extra(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """Adds an unknown field."""
    yield {**body, "vendorsim_extra_field": {"added": True}}


def oversized(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """Replaces a text by one of 2 MiB."""
    yield next(_replaced(body, chance, lambda value: "x" * OVERSIZE, str), {**body, "vendorsim": "x" * OVERSIZE})


def deep(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """Adds a field that `corrupt` fills with 2,000 nested lists, after encoding: encoders refuse such a value."""
    yield {**body, "vendorsim_deep": None}


Corruption = Callable[[dict[str, Any], Random], Iterator[Any]]

CORRUPTIONS: Mapping[str, Corruption] = {
    "missing": missing,
    "type": wrong_type,
    "null": null,
    "enum": unknown_value,
    "extra": extra,
    "oversized": oversized,
    "deep": deep,
}


def corrupt(
    kind: str, body: bytes, breaks: Callable[[Any], bool], chance: Random, encode: Callable[[Any], bytes]
) -> bytes:
    """Returns the body with a corruption of that kind, one for which `breaks` is true if there is one.

    `chance` picks the place. A body that is not a JSON object (after another fault, perhaps) is returned unchanged.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if not isinstance(document, dict):
        return body
    candidates = CORRUPTIONS[kind](document, chance)
    first = next(candidates, document)
    changed = encode(first if breaks(first) else next(filter(breaks, candidates), first))
    if kind == "deep":
        before, _, after = changed.rpartition(b"null")
        changed = before + b"[" * DEPTH + b"]" * DEPTH + after
    return changed


def _replaced(
    body: dict[str, Any], chance: Random, change: Callable[[Any], Any], of: type = object
) -> Iterator[dict[str, Any]]:
    """Yields copies in which one value of that type is changed."""
    values = [(path, value) for path, value in _leaves(body) if value is not None and isinstance(value, of)]
    for path, value in _shuffled(values, chance):
        changed, holder = _copied(body, path)
        holder[path[-1]] = change(value)
        yield changed


def _copied(body: dict[str, Any], path: Path) -> tuple[dict[str, Any], Any]:
    """Returns a deep copy, and the object or list in it that holds the value at `path`."""
    copied = copy.deepcopy(body)
    holder: Any = copied
    for part in path[:-1]:
        holder = holder[part]
    return copied, holder


def _shuffled(items: Any, chance: Random) -> list[Any]:
    listed = list(items)
    chance.shuffle(listed)
    return listed


def _fields(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yields the path of every field of every object."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        if isinstance(value, dict):
            yield (*path, key)
        yield from _fields(item, (*path, key))


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yields every value that is not a container, with its path."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        yield path, value
    else:
        for key, item in pairs:
            yield from _leaves(item, (*path, key))
