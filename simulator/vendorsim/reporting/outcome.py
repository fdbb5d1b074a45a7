"""The outcome of a run of checks: its verdict, its start and end, and the duration of each check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

from msgspec import Struct, field

from vendorsim.checks.engine import CheckEvent, CheckFinished
from vendorsim.checks.model import ERROR, FAILED, NOT_JUDGED, PASSED, SKIPPED, Against, Finding, Result, Verdict, rank
from vendorsim.core.clock import wall_clock
from vendorsim.core.provenance import Stated
from vendorsim.reporting.text import counted
from vendorsim.runs.config import ConfigLine

# Places of a state that differ, of one finding.
MOST_PLACES = 4
_WORDS = {0: "passed", 1: "failed", 3: "unreachable", 4: "incomplete", 130: "interrupted"}


class Outcome(Struct, frozen=True):
    """A verdict. `began` and `ended` are milliseconds since 1970 (UTC); `seconds` is the duration by check id.

    `configured_at` is the line of the user's configuration that names the target, if it is named there.
    """

    verdict: Verdict
    began: int
    ended: int
    seconds: dict[str, float]
    configured_at: ConfigLine | None = None


class Timekeeper(Struct):
    """Handles the events of a run, notes the time of each check, and passes the outcome to `then` after the verdict."""

    then: Callable[[Outcome], None]
    configured_at: ConfigLine | None = None
    began: int = field(default_factory=wall_clock)
    _seconds: dict[str, float] = field(default_factory=dict)

    def handle(self, event: CheckEvent) -> None:
        """Handles one event of the run."""
        if isinstance(event, CheckFinished):
            self._seconds[event.result.check.id] = event.result.seconds
        elif isinstance(event, Verdict):
            self.then(Outcome(event, self.began, wall_clock(), self._seconds, self.configured_at))


class Group(Struct, frozen=True):
    """The findings of one check with one severity."""

    result: Result
    severity: str
    findings: tuple[Finding, ...]

    @property
    def statement(self) -> Stated[str]:
        """What the integration is held to: that of the findings, if they have one in common, or else the check's."""
        stated = {finding.statement for finding in self.findings}
        return stated.pop() if len(stated) == 1 else self.result.check.statement

    @property
    def remedy(self) -> str:
        """What to change, as for `statement`."""
        remedies = {finding.remedy for finding in self.findings}
        return remedies.pop() if len(remedies) == 1 else self.result.check.remedy


def details(finding: Finding) -> Iterator[str]:
    """Yields what was expected and found, in lines: for a state, one line each for every place that differs."""
    if not finding.differences:
        where = f" at {finding.pointer}" if finding.pointer else ""
        yield f"expected {finding.expected}, found {finding.found}{where}"
        return
    for difference in finding.differences[:MOST_PLACES]:
        yield f"expected {difference.pointer or 'state'}: {difference.expected}"
        yield f"found    {difference.pointer or 'state'}: {difference.found}"
    more = len(finding.differences) - MOST_PLACES
    if more > 0:
        yield f"and {more} more places: --json has all of them"


def groups(verdict: Verdict) -> list[Group]:
    """Returns the findings by check and severity: errors first, and of these what matters most."""
    found = [group for result in verdict.results for group in _by_severity(result)]
    return sorted(found, key=lambda group: (group.severity != ERROR, rank(group.result.check)))


def to_fix(verdict: Verdict) -> str | None:
    """Returns how much there is to fix: `2 things to fix`; None if nothing failed."""
    count = sum(map(verdict.counts, verdict.findings))
    return f"{counted(count, 'thing')} to fix" if count else None


def _by_severity(result: Result) -> Iterator[Group]:
    ordered = sorted(result.findings, key=lambda finding: finding.severity)
    for severity, findings in groupby(ordered, key=lambda finding: finding.severity):
        yield Group(result, severity, tuple(findings))


def word(verdict: Verdict) -> str:
    """Returns how the run ended: passed, failed, incomplete, unreachable, interrupted, or nothing judged."""
    judged = any(result.judged for result in verdict.results)
    # A run that judged nothing must not be called passed.
    return _WORDS[verdict.exit_code] if judged or verdict.exit_code else "nothing judged"


def why(verdict: Verdict) -> str | None:
    """Returns why the run did not judge all that it should, or None. A failed run can have such a reason too."""
    return "not every check was judged" if verdict.interrupted else verdict.reason


def shortfall(verdict: Verdict) -> str:
    """Returns in a word how a run with such a reason fell short: unreachable, interrupted or incomplete."""
    return "incomplete" if verdict.unmet else word(verdict)


def compared(against: Against) -> str:
    """Returns in a few words how a run compares with an earlier report."""
    counts = {
        "new": len(against.new),
        "still there": len(against.still),
        "fixed": len(against.fixed),
        "not judged": len(against.not_judged),
    }
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no findings in either"


def tally(verdict: Verdict) -> list[tuple[int, str]]:
    """Returns how many checks passed, failed and so on, and the number of warnings; zeros are left out."""
    counts = [
        (sum(result.status == status for result in verdict.results), status.replace("_", " "))
        for status in (PASSED, FAILED, NOT_JUDGED, SKIPPED)
    ]
    warnings = sum(finding.severity != ERROR for finding in verdict.findings)
    counts.append((warnings, "warning" if warnings == 1 else "warnings"))
    return [(count, name) for count, name in counts if count]
