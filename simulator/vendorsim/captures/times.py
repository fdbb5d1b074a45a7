"""Times in bodies: recognised by their form, and moved without changing it. Pure.

A time is a text such as `2026-01-05T09:00:00.250Z` or `2026-01-05 09:00:00`, or a number of seconds or milliseconds
since 1970. A text without a zone is taken for UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from vendorsim.captures.places import values

_TEXT = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)([.,]\d{1,9})?( ?(?:Z|UTC|[+-]\d\d:?\d\d))?", re.ASCII)
_DAY = 86_400_000
# Texts that are times may be about long ago: since when a customer is known. Numbers that happen to be as large as a
# time of these years are rare.
_TEXT_BEFORE, _NUMBER_BEFORE, _AFTER = 20 * 365 * _DAY, 2 * 365 * _DAY, 2 * 365 * _DAY
# 2005 to 2060, in milliseconds: the years of a capture that says no time.
_EARLIEST, _LATEST = 1_104_537_600_000, 2_840_140_800_000


class TimeSpan(NamedTuple):
    """The time of a capture, from its first to its last event (milliseconds since 1970)."""

    first: int
    last: int

    def number(self, value: float) -> int | None:
        """The unit of a number that is a time, in milliseconds (1000 for seconds); None for another number."""
        for unit in (1, 1_000):
            if self.first - _NUMBER_BEFORE <= value * unit <= self.last + _AFTER and value > 0:
                return unit
        return None

    def takes(self, at: int) -> bool:
        """Whether a text that reads as this time is one."""
        return self.first - _TEXT_BEFORE <= at <= self.last + _AFTER


ANY_YEAR = TimeSpan(_EARLIEST + _NUMBER_BEFORE, _LATEST - _AFTER)


def read(value: Any, window: TimeSpan = ANY_YEAR) -> int | None:
    """The time that a value is, in milliseconds since 1970; None if it is none."""
    if isinstance(value, str):
        match = _TEXT.fullmatch(value)
        at = None if match is None else _moment(match)
        return at if at is not None and window.takes(at) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        unit = window.number(value)
        return None if unit is None else int(value * unit)
    return None


def moved(value: Any, by: int, window: TimeSpan) -> Any:
    """The value later by `by` milliseconds, in the same form, if it is a time; else the value itself."""
    if isinstance(value, str):
        match = _TEXT.fullmatch(value)
        at = None if match is None else _moment(match)
        return value if match is None or at is None or not window.takes(at) else _written(match, by)
    if isinstance(value, int | float) and not isinstance(value, bool):
        unit = window.number(value)
        if unit is None:
            return value
        return value + by // unit if isinstance(value, int) else value + by / unit
    return value


def newest(document: Any) -> int | None:
    """The newest time in a body, in milliseconds since 1970, or None."""
    return max(_times(value for _, value in values(document)), default=None)


def _times(found: Iterable[Any]) -> Iterator[int]:
    for value in found:
        at = read(value)
        if at is not None:
            yield at


def _moment(match: re.Match[str]) -> int | None:
    day, _, clock, fraction, zone = match.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{clock}")
    except ValueError:
        return None
    offset = _offset(zone)
    milliseconds = int(float(f"0.{fraction[1:]}") * 1000) if fraction else 0
    return int((at.replace(tzinfo=UTC) - offset).timestamp() * 1000) + milliseconds


def _offset(zone: str | None) -> timedelta:
    text = (zone or "Z").strip()
    if text in ("Z", "UTC"):
        return timedelta()
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))


def _written(match: re.Match[str], by: int) -> str:
    """The time of a match, later by `by` milliseconds: with its separator, fraction and zone."""
    day, separator, clock, fraction, zone = match.groups()
    microseconds = 0
    width = len(fraction) - 1 if fraction else 0
    if fraction:
        microseconds = int(fraction[1:].ljust(6, "0")[:6])
    at = datetime.fromisoformat(f"{day}T{clock}") + timedelta(milliseconds=by, microseconds=microseconds)
    text = at.strftime(f"%Y-%m-%d{separator}%H:%M:%S")
    if fraction:
        text += fraction[0] + f"{at.microsecond:06d}".ljust(width, "0")[:width]
    return text + (zone or "")
