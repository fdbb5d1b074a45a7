"""JSON pointers (RFC 6901): `/messages/0/id` names a place in a JSON document, and "" is the whole document. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Path = tuple[str | int, ...]
"""A place in a document: the keys of objects and the positions in lists that lead to it."""


def join(path: Iterable[str | int]) -> str:
    """The pointer of a path."""
    return "".join(f"/{_escape(part)}" for part in path)


def child(pointer: str, part: str | int) -> str:
    """The pointer of a key, or of a position in a list, below another place."""
    return f"{pointer}/{_escape(part)}"


def parse(pointer: str) -> tuple[str, ...]:
    """The parts of a pointer. Positions in lists stay text, because a pointer does not distinguish them from keys.

    A `~` that is not an escape sequence is kept. Raises ValueError for text that is not empty and does not begin with
    a slash.
    """
    if not pointer:
        return ()
    if pointer[0] != "/":
        raise ValueError(f"'{pointer}' is not a JSON pointer: it has to begin with a slash")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def resolve(document: Any, pointer: str) -> Any:
    """The value at a pointer. Raises LookupError if the document has no such place."""
    for part in parse(pointer):
        if isinstance(document, list):
            document = document[_position(part)]
        elif isinstance(document, dict):
            document = document[part]
        else:
            raise LookupError(f"{pointer}: there is nothing below a value that is no object and no list")
    return document


def _escape(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _position(part: str) -> int:
    if not (part.isascii() and part.isdigit()) or (part != "0" and part.startswith("0")):
        raise LookupError(f"'{part}' is no position in a list")
    return int(part)
