"""A run of checks as reports tell it: its verdict, when it began, and how long each check took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from vendorsim.checks.engine import CheckEvent, CheckFinished, CheckStarted
from vendorsim.checks.model import ERROR, FAILED, NOT_JUDGED, PASSED, SKIPPED, Finding, Result, Verdict
from vendorsim.core.clock import monotonic, wall_clock

_WORDS = {0: "passed", 1: "failed", 3: "unreachable", 130: "interrupted"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict; `began` and `ended` are in milliseconds since 1970, `seconds` are by the id of the check."""

    verdict: Verdict
    began: int
    ended: int
    seconds: dict[str, float]


@dataclass(slots=True)
class Timekeeper:
    """A handler of the events that hands the whole outcome on, once the verdict is there."""

    then: Callable[[Outcome], None]
    began: int = field(default_factory=wall_clock)
    _since: float = 0.0
    _seconds: dict[str, float] = field(default_factory=dict)

    def handle(self, event: CheckEvent) -> None:
        """One event of the run."""
        if isinstance(event, CheckStarted):
            self._since = monotonic()
        elif isinstance(event, CheckFinished):
            self._seconds[event.result.check.id] = monotonic() - self._since
        else:
            self.then(Outcome(event, self.began, wall_clock(), self._seconds))


@dataclass(frozen=True, slots=True)
class Group:
    """What one check found, of one severity."""

    result: Result
    severity: str
    findings: tuple[Finding, ...]


def groups(verdict: Verdict) -> list[Group]:
    """The findings check by check, errors first."""
    made = [group for result in verdict.results for group in _by_severity(result)]
    return sorted(made, key=lambda group: group.severity != ERROR)


def _by_severity(result: Result) -> Iterator[Group]:
    ordered = sorted(result.findings, key=lambda finding: finding.severity)
    for severity, findings in groupby(ordered, key=lambda finding: finding.severity):
        yield Group(result, severity, tuple(findings))


def word(verdict: Verdict) -> str:
    """How the run ended: passed, failed, unreachable, interrupted, or nothing judged."""
    judged = any(result.status in (PASSED, FAILED) for result in verdict.results)
    # Nobody may take a run for a proof in which nothing was tried.
    return _WORDS[verdict.exit_code] if judged or verdict.exit_code else "nothing judged"


def why(verdict: Verdict) -> str | None:
    """Why the run ended before its time, or None."""
    return verdict.unreachable or ("not every check was judged" if verdict.interrupted else None)


def tally(verdict: Verdict) -> list[tuple[int, str]]:
    """How many checks passed, failed and so on, and how many warnings there are; without the zeros."""
    counted = [
        (sum(result.status == status for result in verdict.results), status.replace("_", " "))
        for status in (PASSED, FAILED, NOT_JUDGED, SKIPPED)
    ]
    warnings = sum(finding.severity != ERROR for finding in verdict.findings)
    counted.append((warnings, "warning" if warnings == 1 else "warnings"))
    return [(count, name) for count, name in counted if count]


def counted(count: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{count} {noun}{'s' * (count != 1)}"
