"""Generated ids → symbolic names, so that the states of two conversations can be compared. Pure functions.

Two conversations of one story are alike but for what was generated for each: ids, tokens, addresses. These are found by
laying the bodies of both side by side; each is named after the place in which it stands first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from vendorsim.core import pointer as json_pointer
from vendorsim.core.pointer import Path

# What an id is made of, where it is a part of a text: `visitor:TOKEN`, `customer-4711`, `dana-4711@example.com`.
_WORD = re.compile(r"[0-9A-Za-z]+")
_SYMBOL = re.compile(r"<\d+/[^>]*>")


def symbols(bodies: Sequence[Any], others: Sequence[Any]) -> dict[str, str]:
    """What differs in the bodies of one conversation from those of another one of the same story, each with its name.

    A name such as `<0/id>` is the number of the body and the JSON pointer of the first place.
    """
    names: dict[str, str] = {}
    for number, (body, other) in enumerate(zip(bodies, others, strict=True)):
        for path, generated in _different(body, other, ()):
            for part, text in enumerate(generated):
                place = f"{number}{json_pointer.join(path)}" + (f"#{part}" if part else "")
                names.setdefault(text, f"<{place}>")
    return names


def _different(mine: Any, other: Any, path: Path) -> Iterator[tuple[Path, list[str]]]:
    """The places in which two documents differ, and the generated texts there."""
    if isinstance(mine, dict) and isinstance(other, dict):
        for (key, value), (other_key, other_value) in zip(mine.items(), other.items(), strict=True):
            if key != other_key:
                yield (*path, "key"), _generated(key, other_key)
            yield from _different(value, other_value, (*path, key))
    elif isinstance(mine, list) and isinstance(other, list):
        for index, (value, other_value) in enumerate(zip(mine, other, strict=True)):
            yield from _different(value, other_value, (*path, index))
    elif mine != other and mine is not None and not isinstance(mine, bool):
        yield path, _generated(str(mine), str(other))


def _generated(mine: str, other: str) -> list[str]:
    """The words that differ where both texts are built alike, else the whole text."""
    if _WORD.split(mine) != _WORD.split(other):
        return [mine]
    pairs = zip_longest(_WORD.findall(mine), _WORD.findall(other))
    return [word for word, other_word in pairs if word != other_word]


def symbolic(state: Any, names: Mapping[str, str]) -> Any:
    """The state with every generated id replaced by its name, wherever it stands: in keys, values and inside strings.

    The longest ones go first, and none is found inside a longer number or word.
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
    """A pattern for an id. A number may stand right beside letters (`T4711`), other ids may not."""
    neighbours = "[0-9]" if text.isdecimal() else "[0-9A-Za-z]"
    return f"(?<!{neighbours}){re.escape(text)}(?!{neighbours})"


def has_symbol(text: str) -> bool:
    """Whether a text of a symbolic state holds the name of a generated id."""
    return _SYMBOL.search(text) is not None
