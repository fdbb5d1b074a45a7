"""The results of a benchmark. They go into `results.json` and onto the page; nothing is asserted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass
class Effort:
    """How much is measured. `quick` is for a trial; its figures mean little."""

    rounds: int = 5
    quick: bool = False
    minutes: float = 10.0
    seeds: int = 1
    events: int = 10_000

    def turns(self, number: int, rival: bool) -> bool:
        """Whether a contestant has a turn in this round, counted from 0. Those that no goal compares with have two."""
        return rival or number < 2


@dataclass
class Series:
    """One contestant: a value for each round.

    `missing` says why there are no values; `base` names the contestant of the same table to compare with.
    """

    name: str
    about: str = ""
    values: list[float] = field(default_factory=list)
    base: str = ""
    missing: str = ""

    @property
    def median(self) -> float:
        return median(self.values)


@dataclass
class Table:
    """Contestants measured in turn, round by round."""

    title: str
    unit: str
    series: list[Series]
    note: str = ""

    def named(self, name: str) -> Series:
        return next(series for series in self.series if series.name == name)


@dataclass
class Goal:
    """A goal. If it could not be measured, `measured` is None and `missing` says why. `row` names the row of `goals.py`
    that it measures."""

    text: str
    wanted: float
    unit: str
    measured: float | None = None
    more_is_better: bool = True
    missing: str = ""
    wall: str = ""
    row: str = ""

    @property
    def met(self) -> bool | None:
        if self.measured is None:
            return None
        return self.measured >= self.wanted if self.more_is_better else self.measured <= self.wanted


@dataclass
class Line:
    """One line of a plot. A point is (x, y)."""

    name: str
    points: list[tuple[float, float]]


@dataclass
class Plot:
    """One picture; `file` is its name in `docs/images/`."""

    file: str
    title: str
    x: str
    y: str
    lines: list[Line]
    logarithmic: bool = False
    right: str = ""
    right_lines: list[Line] = field(default_factory=list)


@dataclass
class Part:
    """All results of one benchmark. `rounds` is 1 for one that is measured once, whatever the effort."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    date: str = ""
    quick: bool = False
    rounds: int = 0

    def document(self) -> dict[str, Any]:
        return asdict(self)


def part(document: dict[str, Any]) -> Part:
    """Returns the part of a document, the inverse of `Part.document`."""
    found = Part(**document)
    found.tables = [Table(**table) for table in document["tables"]]
    for table in found.tables:
        table.series = [Series(**series) for series in table.series]  # type: ignore[arg-type]
    found.goals = [Goal(**goal) for goal in document["goals"]]
    found.plots = [Plot(**plot) for plot in document["plots"]]
    for plot in found.plots:
        plot.lines = [Line(**line) for line in plot.lines]  # type: ignore[arg-type]
        plot.right_lines = [Line(**line) for line in plot.right_lines]  # type: ignore[arg-type]
    return found


def ratio(one: Series, other: Series, of: Callable[[list[float]], float] = median) -> float | None:
    """Returns the median over rounds of the ratio to the other, or what else `of` takes. None if one of them is
    missing."""
    if not one.values or not other.values:
        return None
    return of([a / b for a, b in zip(one.values, other.values, strict=False) if b])


def compared(
    text: str,
    wanted: float,
    one: Series,
    other: Series,
    *,
    unit: str = "x",
    wall: str = "",
    more_is_better: bool = True,
    in_each: bool = False,
    row: str = "",
) -> Goal:
    """Returns a goal that is a ratio of two contestants: the median, or `in_each` round, which is the worst."""
    found = ratio(one, other, (min if more_is_better else max) if in_each else median)
    missing = "" if found is not None else one.missing or other.missing
    scale = 100 if unit == "%" else 1
    return Goal(text, wanted, unit, None if found is None else found * scale, more_is_better, missing, wall, row)
