"""Readers for the arguments of faults. No argument, or `true` in YAML, means the default.

Each reader raises ValueError with a message that says what was expected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from vendorsim.core import times
from vendorsim.core.errors import unknown

# The end of the argument of an outage during which the vendors' APIs are away, too.
API_TOO = "+api"


def count(default: int, most: int, least: int = 1) -> Callable[[Any], int]:
    """A reader for whole numbers from `least` to `most`."""

    def read(given: Any) -> int:
        if given is None or given is True:
            return default
        if isinstance(given, bool) or not str(given).isdecimal() or not least <= int(given) <= most:
            raise ValueError(f"expected a number from {least} to {most}, found '{given}'")
        return int(given)

    return read


def time(default: str) -> Callable[[Any], str]:
    """A reader for durations; it returns the text."""

    def read(given: Any) -> str:
        text = default if given is None or given is True else str(given)
        times.duration(text)
        return text

    return read


def window(default: str) -> Callable[[Any], str]:
    """A reader for a window of time, such as `10s..5m`; `+api` may follow. It returns the text."""

    def read(given: Any) -> str:
        text = default if given is None or given is True else str(given).strip()
        span = text.removesuffix(API_TOO)
        first, dots, last = span.partition("..")
        if not dots:
            raise ValueError(f"expected two times such as 10s..5m, found '{text}'")
        if times.duration(first) >= times.duration(last):
            raise ValueError(f"the outage {span} does not begin before it ends")
        return text

    return read


def read_window(text: str) -> tuple[int, int, bool]:
    """Returns the beginning and the end of a window in milliseconds, and whether the API is away, too."""
    first, _, last = text.removesuffix(API_TOO).partition("..")
    return times.duration(first), times.duration(last), text.endswith(API_TOO)


def share(given: Any) -> float:
    """Reads a share of the body, from 0 up to (not including) 1; default 0.5."""
    if given is None or given is True:
        return 0.5
    try:
        share = float(given)
    except (TypeError, ValueError):
        share = -1.0
    if not 0 <= share < 1:
        raise ValueError(f"expected a share of the body from 0 up to 1 such as 0.5, found '{given}'")
    return share


class OneOf(Struct, frozen=True):
    """A reader for one of a few names. Without a default, a name is required."""

    names: tuple[str, ...]
    default: str | None = None

    def __call__(self, given: Any) -> str:
        if (given is None or given is True) and self.default is not None:
            return self.default
        if given not in self.names:
            raise ValueError(unknown("kind", str(given), self.names))
        return str(given)


def name(given: Any) -> str:
    """Reads a name, which is required."""
    if not isinstance(given, str) or not given:
        raise ValueError("expected a name")
    return given


def nothing(given: Any) -> None:
    """Refuses any argument."""
    if given not in (None, True, ""):
        raise ValueError(f"takes no argument, found '{given}'")


def text(default: str) -> Callable[[Any], str]:
    """A reader for text that fits into a header."""

    def read(given: Any) -> str:
        text = default if given is None or given is True else str(given)
        if not text.isprintable():
            raise ValueError("holds a line break or a control character")
        return text

    return read
