"""Durations and points in time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorsim.core import times


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0s", 0),
        ("6s", 6_000),
        ("6516ms", 6_516),
        ("1.5h", 5_400_000),
        ("0.25s", 250),
        ("2m", 120_000),
        ("1d", 86_400_000),
        ("3650d", times.LONGEST),
        ("007s", 7_000),
    ],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert times.duration(text) == milliseconds


@pytest.mark.parametrize(
    "text", ["", "6", "s", "-1s", "+1s", "1 s", " 1s", "1s ", "1h30m", ".5s", "1.s", "1e3s", "1S", "1w", "٣s", "1s\n"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write a number and ms, s, m, h or d, such as 6s"):
        times.duration(text)


@pytest.mark.parametrize("text", ["3651d", "999999999d", "3650.1d"])
def test_no_duration_is_longer_than_ten_years(text: str) -> None:
    with pytest.raises(ValueError, match="is longer than ten years"):
        times.duration(text)


@given(st.integers(0, times.LONGEST))
def test_the_text_of_a_duration_is_read_as_the_same_duration(milliseconds: int) -> None:
    assert times.duration(times.duration_text(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2026-01-05T09:00:00Z", "2026-01-05T09:00:00.000Z"),
        ("2026-01-05T09:00:00.250Z", "2026-01-05T09:00:00.250Z"),
        ("2026-01-05T10:00:00.5+01:00", "2026-01-05T09:00:00.500Z"),
        ("2026-01-05 04:00:00-05:00", "2026-01-05T09:00:00.000Z"),
        ("2026-01-05T09:00Z", "2026-01-05T09:00:00.000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
    ],
)
def test_points_in_time(text: str, same_as: str) -> None:
    assert times.iso(times.point(text)) == same_as


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("soon", "is not a date and time"),
        ("2026-13-01T00:00:00Z", "is not a date and time"),
        ("2026-01-05", "has no time zone"),
        ("2026-01-05T09:00:00", "has no time zone"),
        ("1969-12-31T23:59:59.999Z", "is outside 1970 to 2100"),
        ("0001-01-01T00:00:00+23:59", "is outside 1970 to 2100"),
        ("9999-12-31T23:59:59-23:59", "is outside 1970 to 2100"),
    ],
)
def test_what_is_no_point_in_time(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        times.point(text)


@given(st.integers(0, 4_102_444_800_000))
def test_a_point_in_time_survives_being_written(milliseconds: int) -> None:
    assert times.point(times.iso(milliseconds)) == milliseconds
