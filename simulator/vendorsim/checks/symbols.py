"""Replaces generated ids by symbolic names, so that the states of two conversations can be compared. Pure functions.

Two conversations of one story differ in generated values only: ids, tokens, addresses. A comparison of their bodies
finds these values; each is named after the path of its first occurrence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from vendorsim.core import pointer as json_pointer
from vendorsim.core.pointer import Path

# Ids can be words of a text: `visitor:TOKEN`, `customer-4711`, `dana-4711@example.com`.
_WORD = re.compile(r"[0-9A-Za-z]+")
_SYMBOL = re.compile(r"<\d+/[^>]*>")


def symbols(bodies: Sequence[Any], others: Sequence[Any]) -> dict[str, str]:
    """Maps the generated values of `bodies` to symbolic names. `others` are the bodies of another conversation of the
    same story. What only one of the two has is left out: an integration may have acted on one of them.

    A name such as `<0/id>` is the number of the body and the JSON pointer of the first occurrence.
    """
    names: dict[str, str] = {}
    for number, (body, other) in enumerate(zip(bodies, others, strict=False)):
        for path, generated in _different(body, other, ()):
            for part, text in enumerate(generated):
                location = f"{number}{json_pointer.join(path)}" + (f"#{part}" if part else "")
                names.setdefault(text, f"<{location}>")
    return names


def _different(mine: Any, other: Any, path: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yields the paths at which two documents differ, with the generated texts there."""
    if isinstance(mine, dict) and isinstance(other, dict):
        if len(mine) != len(other):
            mine, other = ({key: each[key] for key in mine if key in other} for each in (mine, other))
        for (key, value), (other_key, other_value) in zip(mine.items(), other.items(), strict=True):
            if key != other_key:
                yield (*path, "key"), _generated(key, other_key)
            yield from _different(value, other_value, (*path, key))
    elif isinstance(mine, list) and isinstance(other, list):
        for index, (value, other_value) in enumerate(zip(mine, other, strict=False)):
            yield from _different(value, other_value, (*path, index))
    elif mine != other and mine is not None and not isinstance(mine, bool):
        yield path, _generated(str(mine), str(other))


def _generated(mine: str, other: str) -> list[str]:
    """Returns the words that differ if both texts have the same separators, or else the whole text."""
    if _WORD.split(mine) != _WORD.split(other):
        return [mine]
    pairs = zip_longest(_WORD.findall(mine), _WORD.findall(other))
    return [word for word, other_word in pairs if word != other_word]


def symbolic(state: Any, names: Mapping[str, str]) -> Any:
    """Returns the state with every generated id replaced by its name: in keys, in values and inside strings.

    Longer ids take precedence. An id inside a longer number or word is not replaced.
    """
    if not names:
        return state
    longest_first = sorted(names, key=len, reverse=True)
    found = re.compile("|".join(map(_bounded, longest_first)))

    def in_text(text: str) -> str:
        return found.sub(lambda match: names[match[0]], text)

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {in_text(key): replaced(item) for key, item in value.items()}
        if isinstance(value, list):
            return [replaced(item) for item in value]
        if isinstance(value, str):
            return in_text(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return names.get(str(value), value)
        return value

    return replaced(state)


def _bounded(text: str) -> str:
    """Returns a pattern for an id. Letters may directly precede or follow a number (`T4711`), but no other id."""
    neighbours = "[0-9]" if text.isdecimal() else "[0-9A-Za-z]"
    return f"(?<!{neighbours}){re.escape(text)}(?!{neighbours})"


def without_symbols(text: str) -> str:
    """Returns a text of a symbolic state without the names of generated ids."""
    return _SYMBOL.sub("", text)


def has_symbol(text: str) -> bool:
    """Whether a text of a symbolic state contains the name of a generated id."""
    return _SYMBOL.search(text) is not None
