"""Bodies that break their contract on purpose: one small function per way. Pure and seeded.

Each function gives changed copies of a body, in an order that chance picks; the first one that breaks the
contract is taken. So a field that may be missing, null or of any type is never the one that is hit.
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
    """A field is gone."""
    for path in _shuffled(_fields(body), chance):
        changed, holder = _copied(body, path)
        del holder[path[-1]]
        yield changed


def wrong_type(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """A field has another type: text becomes a number, everything else text in a list."""
    return _replaced(body, chance, lambda value: 12345 if isinstance(value, str) else ["unexpected"])


def null(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """A field is null that is never null."""
    return _replaced(body, chance, lambda value: None)


def unknown_value(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """A text that is one of a few holds another one; where there is none, any text does."""
    return _replaced(body, chance, lambda value: "vendorsim_unknown_value", str)


def extra(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """A field that nobody knows."""
    yield {**body, "vendorsim_extra_field": {"added": True}}


def oversized(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """A text of two mebibytes."""
    yield next(_replaced(body, chance, lambda value: "x" * OVERSIZE, str), {**body, "vendorsim": "x" * OVERSIZE})


def deep(body: dict[str, Any], chance: Random) -> Iterator[Any]:
    """A value that is nested two thousand levels deep; made as text, since encoders refuse it."""
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
    """The body, changed in the way of that name, so that `breaks` is true of it where that can be.

    `chance` decides where. A body that is no JSON object (any longer) stays as it is.
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
    """Copies with one value of that type changed."""
    values = [(path, value) for path, value in _leaves(body) if value is not None and isinstance(value, of)]
    for path, value in _shuffled(values, chance):
        changed, holder = _copied(body, path)
        holder[path[-1]] = change(value)
        yield changed


def _copied(body: dict[str, Any], path: Path) -> tuple[dict[str, Any], Any]:
    """A copy, and the object or list in it that holds the value at that path."""
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
    """The path of every field of every object."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        if isinstance(value, dict):
            yield (*path, key)
        yield from _fields(item, (*path, key))


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no container, with its path."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        yield path, value
    else:
        for key, item in pairs:
            yield from _leaves(item, (*path, key))
