"""Compares two states, and removes the parts that the user ignores. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any

import orjson
from msgspec import Struct

from vendorsim.checks.symbols import has_symbol
from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import InputError
from vendorsim.core.pointer import Path

# Characters of a value that are shown, and of a text before the place where it differs.
SHOWN, BEFORE = 200, 20
MOST_PLACES = 4
_NOTHING = object()


class StateDifference(Struct, frozen=True):
    """A value of a state that differs from the expected one. `what` describes the difference in a few words.

    `expected` and `found` show what differs and no more: of a list the items that only one has, of a long text the part
    where it differs. Values are JSON, cut off after `SHOWN` characters.
    """

    path: Path
    what: str
    expected: str
    found: str
    more: bool = False
    """Whether a list has items too many."""
    order: bool = False
    """Whether a list has the right items in another order."""

    @property
    def pointer(self) -> str:
        return json_pointer.join(self.path)

    @property
    def pattern(self) -> str:
        """The JSON pointer with `*` for list indexes and for keys that are generated ids."""
        return json_pointer.join("*" if isinstance(part, int) or has_symbol(part) else part for part in self.path)

    @property
    def cause(self) -> str:
        """The place, and whether only the order differs there: an order that is wrong is one bug, and an item too many
        another one."""
        return f"order of {self.pattern}" if self.order else self.pattern

    def document(self) -> dict[str, str]:
        return {"pointer": self.pointer, "expected": self.expected, "found": self.found}


def further(found: Sequence[StateDifference]) -> str:
    """Returns the places after the first one as the end of a sentence; empty if there are none."""
    places = list(dict.fromkeys(difference.pattern for difference in found[1:]))
    if not places:
        return ""
    shown = ", ".join(places[:MOST_PLACES])
    more = len(places) - MOST_PLACES
    return f"; so do {shown}" + (f" and {more} more" if more > 0 else "")


def differences(expected: Any, found: Any, path: Path = ()) -> Iterator[StateDifference]:
    """Yields the differences between two states, as deep in the document as possible."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in {**expected, **found}:
            yield from differences(expected.get(key, _NOTHING), found.get(key, _NOTHING), (*path, key))
    elif isinstance(expected, list) and isinstance(found, list):
        yield from _of_lists(expected, found, path)
    elif not _same(expected, found):
        yield _of_values(expected, found, path)


def _of_lists(expected: list[Any], found: list[Any], path: Path) -> Iterator[StateDifference]:
    wanted, there = list(map(_sort_key, expected)), list(map(_sort_key, found))
    if len(expected) != len(found):
        what = f"has {_items(len(found))} instead of {len(expected)}"
        more = len(found) > len(expected)
        yield StateDifference(path, what, _surplus(wanted, there), _surplus(there, wanted), more)
    elif expected != found and sorted(wanted) == sorted(there):
        order = _positions(wanted, there)
        straight = ", ".join(str(position + 1) for position in range(len(wanted)))
        what = "has its items in another order"
        yield StateDifference(path, what, _cut(f"items {straight}"), _cut(f"items {order}"), order=True)
    else:
        for index, (item, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(item, other, (*path, index))


def _surplus(items: Sequence[bytes], others: Sequence[bytes]) -> str:
    """Returns the number of items, and those that the others lack."""
    left = Counter(items) - Counter(others)
    if not left:
        return _items(len(items))
    return _cut(f"{_items(len(items))}, with {', '.join(item.decode() for item in left.elements())}")


def _positions(wanted: Sequence[bytes], there: Sequence[bytes]) -> str:
    """Returns the expected positions of the items in their found order, counted from 1."""
    free: dict[bytes, list[int]] = {}
    for position, item in enumerate(wanted, 1):
        free.setdefault(item, []).append(position)
    return ", ".join(str(free[item].pop(0)) for item in there)


def _of_values(expected: Any, found: Any, path: Path) -> StateDifference:
    if isinstance(expected, str) and isinstance(found, str):
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(expected, found, strict=False)))
        if same > BEFORE and max(len(expected), len(found)) > SHOWN // 2:
            expected, found = (f"…{text[same - BEFORE :]}" for text in (expected, found))
    return StateDifference(path, _difference_text(expected, found), _shown(expected), _shown(found))


def _same(expected: Any, found: Any) -> bool:
    return isinstance(expected, bool) is isinstance(found, bool) and bool(expected == found)


def _difference_text(expected: Any, found: Any) -> str:
    if found is _NOTHING:
        return "is missing"
    if expected is _NOTHING:
        return f"is there, as {_shown(found)}"
    return f"is {_shown(found)} instead of {_shown(expected)}"


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def _sort_key(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return "nothing"
    return _cut(orjson.dumps(value).decode())


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"


Pattern = tuple[str, ...]


def pattern(text: str) -> Pattern:
    """Parses a JSON pointer in which `*` matches any key or index. Raises InputError."""
    if not text.startswith("/"):
        raise InputError(f"'{text}' is not a JSON pointer; write it like /updated_at or /messages/*/stored_at")
    return json_pointer.parse(text)


def without(state: Any, patterns: Iterable[Pattern]) -> Any:
    """Returns a copy of the state without the values that match a pattern. Matching list items become null."""
    return _without(state, [found for found in patterns if found])


def _without(state: Any, patterns: Sequence[Pattern]) -> Any:
    if not patterns:
        return state
    if isinstance(state, dict):
        entries = {key: (value, _below(key, patterns)) for key, value in state.items()}
        return {key: _without(value, below) for key, (value, below) in entries.items() if () not in below}
    if isinstance(state, list):
        items = [(item, _below(str(index), patterns)) for index, item in enumerate(state)]
        return [None if () in below else _without(item, below) for item, below in items]
    return state


def _below(part: str, patterns: Sequence[Pattern]) -> list[Pattern]:
    """Returns the patterns whose first part matches a key or index, without that part."""
    return [found[1:] for found in patterns if found[0] in ("*", part)]
