"""Durations and points in time, as integers of milliseconds (points: since 1970, UTC)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATION = r"([0-9]{1,12})(?:\.([0-9]{1,9}))?(ms|s|m|h|d)"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Ten years: longer than any retry schedule, and short enough for `LATEST + LONGEST` to be a valid datetime.
LONGEST = 3_650 * _UNITS["d"]
# 2100-01-01T00:00:00Z.
LATEST = 4_102_444_800_000
_MILLISECOND = timedelta(milliseconds=1)


def duration(text: str) -> int:
    """Milliseconds of a duration such as `6s`, `250ms` or `1.5h`.

    Raises ValueError for anything else, and for more than ten years.
    """
    match = re.fullmatch(DURATION, text)
    if match is None:
        raise ValueError(f"'{text}' is not a duration; write a number and ms, s, m, h or d, such as 6s")
    whole, fraction, unit = match.groups()
    scale = _UNITS[unit]
    total = int(whole) * scale
    if fraction:
        total += int(fraction) * scale // 10 ** len(fraction)
    if total > LONGEST:
        raise ValueError(f"'{text}' is longer than ten years")
    return total


def duration_text(milliseconds: int) -> str:
    """The shortest exact spelling of a duration: `6s`, `6516ms`, `2m`."""
    for unit in ("d", "h", "m", "s"):
        if milliseconds and milliseconds % _UNITS[unit] == 0:
            return f"{milliseconds // _UNITS[unit]}{unit}"
    return "0s" if milliseconds == 0 else f"{milliseconds}ms"


def point(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 date and time with a zone. Raises ValueError."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a date and time; write it like 2026-01-05T09:00:00Z") from None
    if parsed.tzinfo is None:
        raise ValueError(f"'{text}' has no time zone; write it like 2026-01-05T09:00:00Z")
    milliseconds = (parsed - _EPOCH) // _MILLISECOND
    if not 0 <= milliseconds <= LATEST:
        raise ValueError(f"'{text}' is outside 1970 to 2100")
    return milliseconds


def moment(milliseconds: int) -> datetime:
    """A point in time as an aware datetime in UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def iso(milliseconds: int) -> str:
    """`2026-01-05T09:00:00.250Z`: UTC, always with milliseconds."""
    return moment(milliseconds).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
