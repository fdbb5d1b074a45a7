"""Times in bodies: recognised by their form, and moved without changing it. Pure.

A time is a text such as `2026-01-05T09:00:00.250Z` or `2026-01-05 09:00:00`, one that a browser writes
(`Mon Jan 05 2026 09:00:00 GMT+0000 (…)`), or a number of seconds or milliseconds since 1970. A text without a zone is
taken for UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from vendorsim.captures.places import values

_TEXT = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)([.,]\d{1,9})?( ?(?:Z|UTC|[+-]\d\d:?\d\d))?", re.ASCII)
# What JavaScript's `Date.toString()` gives. Its names of days and months are English everywhere.
_OF_BROWSER = re.compile(
    r"(\w{3}) (\w{3}) (\d\d) (\d{4}) (\d\d:\d\d:\d\d)( GMT[+-]\d{4}(?: \([^()]{1,60}\))?)", re.ASCII
)
_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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
        found = _read_text(value)
        return found.at() if found is not None and window.takes(found.at()) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        unit = window.number(value)
        return None if unit is None else int(value * unit)
    return None


def moved(value: Any, by: int, window: TimeSpan) -> Any:
    """The value later by `by` milliseconds, in the same form, if it is a time; else the value itself."""
    if isinstance(value, str):
        found = _read_text(value)
        return found.written(by) if found is not None and window.takes(found.at()) else value
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


class _TextTime(NamedTuple):
    """A time that was read from a text: the local time, and how the text has it. `separator` stands between day and
    time, None in the form of a browser; `fraction` and `zone` are as they were written."""

    local: datetime
    separator: str | None
    fraction: str
    zone: str

    def at(self) -> int:
        """The time in milliseconds since 1970."""
        return ((self.local - _EPOCH) - _offset(self.zone)) // timedelta(milliseconds=1)

    def written(self, by: int) -> str:
        """The time, later by `by` milliseconds, in the same form."""
        at = self.local + timedelta(milliseconds=by)
        if self.separator is None:
            day = f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at:%d} {at.year:04d}"
            return f"{day} {at:%H:%M:%S}{self.zone}"
        text = f"{at.year:04d}-{at:%m-%d}{self.separator}{at:%H:%M:%S}"
        if self.fraction:
            width = len(self.fraction) - 1
            text += self.fraction[0] + f"{at.microsecond:06d}".ljust(width, "0")[:width]
        return text + self.zone


def _read_text(text: str) -> _TextTime | None:
    match = _TEXT.fullmatch(text)
    if match is not None:
        day, separator, clock, fraction, zone = match.groups(default="")
    else:
        match = _OF_BROWSER.fullmatch(text)
        if match is None or match[2] not in _MONTHS:
            return None
        day, clock, zone = f"{match[4]}-{_MONTHS.index(match[2]) + 1:02d}-{match[3]}", match[5], match[6]
        separator, fraction = None, ""
    try:
        local = datetime.fromisoformat(f"{day}T{clock}+00:00")
    except ValueError:
        return None
    microseconds = int(fraction[1:].ljust(6, "0")[:6]) if fraction else 0
    return _TextTime(local + timedelta(microseconds=microseconds), separator, fraction, zone)


def _offset(zone: str) -> timedelta:
    found = _ZONE.search(zone)
    if found is None:
        return timedelta()
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return -offset if found[1] == "-" else offset
