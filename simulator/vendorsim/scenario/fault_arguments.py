"""Readers of what a user writes behind a fault's name. Nothing, or `true` in YAML, stands for the default.

Each raises ValueError saying what was expected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vendorsim.core import times
from vendorsim.core.errors import unknown


def count(default: int, most: int) -> Callable[[Any], int]:
    """A whole number from 1 to `most`."""

    def read(given: Any) -> int:
        if given is None or given is True:
            return default
        if isinstance(given, bool) or not str(given).isdecimal() or not 1 <= int(given) <= most:
            raise ValueError(f"expected a number from 1 to {most}, found '{given}'")
        return int(given)

    return read


def time(default: str) -> Callable[[Any], str]:
    """A duration, kept as its text."""

    def read(given: Any) -> str:
        text = default if given is None or given is True else str(given)
        times.duration(text)
        return text

    return read


def share(given: Any) -> float:
    """A share of the body, from 0 up to 1; a half by default."""
    if given is None or given is True:
        return 0.5
    try:
        share = float(given)
    except (TypeError, ValueError):
        share = -1.0
    if not 0 <= share < 1:
        raise ValueError(f"expected a share of the body from 0 up to 1 such as 0.5, found '{given}'")
    return share


def one_of(*names: str, default: str | None = None) -> Callable[[Any], str]:
    """One of a few names."""

    def read(given: Any) -> str:
        if (given is None or given is True) and default is not None:
            return default
        if given not in names:
            raise ValueError(unknown("kind", str(given), names))
        return str(given)

    return read


def name(given: Any) -> str:
    """A name, which must be given."""
    if not isinstance(given, str) or not given:
        raise ValueError("expected a name")
    return given


def nothing(given: Any) -> None:
    """No argument at all."""
    if given not in (None, True, ""):
        raise ValueError(f"takes no argument, found '{given}'")


def text(default: str) -> Callable[[Any], str]:
    """A text that fits into a header."""

    def read(given: Any) -> str:
        text = default if given is None or given is True else str(given)
        if not text.isprintable():
            raise ValueError("holds a line break or a control character")
        return text

    return read
