"""The strings and numbers of a JSON text with their places in it, so that they are replaced and all else stays.

Spaces, the order of keys, repeated keys and the spelling of numbers are as before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from vendorsim.captures.scrubbing.fields import Field

_TOKEN = re.compile(r'[ \t\r\n]*(?:("(?:[^"\\]++|\\.)*+")|([{}\[\],:])|([^\s{}\[\],:"]+))', re.DOTALL)


class Leaf(NamedTuple):
    """A string, a number, or a key that neither the contract nor the format names, at `start` to `end` of the text.
    `value` is the string without escapes, or the number as it is spelt. `path` leads to it; for a key it ends with the
    key."""

    start: int
    end: int
    value: str
    field: Field
    path: tuple[str | int, ...]
    is_key: bool = False
    is_string: bool = True


class Patch(NamedTuple):
    """A new text for a part of a text."""

    start: int
    end: int
    text: str


def leaves(text: str, document: Any, field: Field) -> Iterator[Leaf]:
    """The leaves of a JSON text, in its order. `document` is the same text parsed; it must be valid JSON."""
    # By level: the container, what it is, and the key or position of its current member.
    levels: list[tuple[Any, Field, list[str | int]]] = []
    path: list[str | int] = []
    value, current = document, field
    key_next = False
    for token in _TOKEN.finditer(text):
        string, mark, word = token.groups()
        if mark in ("{", "["):
            if (mark == "{") is not isinstance(value, dict) or (mark == "[") is not isinstance(value, list):
                value = {} if mark == "{" else []  # An earlier one of two members with the same key.
            levels.append((value, current, [0]))
            key_next = mark == "{"
            path.append(0)
            if mark == "[":
                value, current = _item(value, current, 0)
        elif mark in ("}", "]"):
            levels.pop()
            path.pop()
        elif mark == ",":
            holder, outer, at = levels[-1]
            # An empty object before the comma has left this true.
            key_next = isinstance(holder, dict)
            if not key_next:
                position = int(at[0]) + 1
                at[0] = path[-1] = position
                value, current = _item(holder, outer, position)
        elif mark == ":":
            key_next = False
        elif string is not None and key_next:
            holder, outer, _ = levels[-1]
            key = _unescaped(string)
            path[-1] = key
            if not outer.knows(key):
                yield Leaf(token.start(1), token.end(1), key, outer, tuple(path), is_key=True)
            value, current = holder.get(key), outer.member(key, holder)
        elif string is not None:
            yield Leaf(token.start(1), token.end(1), _unescaped(string), current, tuple(path))
        elif word[0] in "-0123456789":
            yield Leaf(token.start(3), token.end(3), word, current, tuple(path), is_string=False)


def _unescaped(string: str) -> str:
    return str(json.loads(string)) if "\\" in string else string[1:-1]


def _item(holder: list[Any], field: Field, position: int) -> tuple[Any, Field]:
    return (holder[position] if position < len(holder) else None), field.item(position)


def spelt(value: str, before: str) -> str:
    """A string as JSON, spelt as the one before it: with escapes for other than ASCII, and for slashes, if that has."""
    text = json.dumps(value, ensure_ascii="\\u" in before and before.isascii())
    if not before.isascii() or "\\u" not in before:
        # A lone surrogate can't be written otherwise.
        text = "".join(f"\\u{ord(each):04x}" if "\ud800" <= each <= "\udfff" else each for each in text)
    return text.replace("/", "\\/") if "\\/" in before else text


def patched(text: str, patches: Iterable[Patch]) -> str:
    """The text with its patches, which don't overlap."""
    parts: list[str] = []
    position = 0
    for patch in sorted(patches):
        parts += (text[position : patch.start], patch.text)
        position = patch.end
    parts.append(text[position:])
    return "".join(parts)
