"""Shows a run of checks to people: progress on standard error, findings and verdict on standard output."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vendorsim.checks.engine import CheckEvent, CheckStarted
from vendorsim.checks.model import ERROR, FAILED, NOT_JUDGED, PASSED, SKIPPED, Against, Finding, Result, Verdict
from vendorsim.reporting.console import messages, results, table
from vendorsim.reporting.covered import totals
from vendorsim.reporting.outcome import Group, compared, details, groups, tally, to_fix, why, word
from vendorsim.reporting.text import COLUMNS, counted, one_line

if TYPE_CHECKING:
    from rich.status import Status

# Maximum findings shown per check; the other reports have all of them.
MOST_FINDINGS = 5
MOST_MISSING = 6
_STYLES = {PASSED: "green", FAILED: "red", NOT_JUDGED: "yellow", SKIPPED: "yellow"}


class CheckTerminal:
    """Shows the checks under way while the run goes on (on a terminal only), and the findings at the end."""

    def __init__(self) -> None:
        self._status: Status | None = None
        self._under_way: list[str] = []

    def handle(self, event: CheckEvent) -> None:
        """Handles one event of the run."""
        if isinstance(event, Verdict):
            self.close()
            print_verdict(event)
            if event.timings:
                print_timings(event, messages())
            return
        if isinstance(event, CheckStarted):
            self._under_way.append(event.check.id)
        elif event.result.check.id in self._under_way:
            self._under_way.remove(event.result.check.id)
        if sys.stderr.isatty():
            if self._status is None:
                from rich.status import Status

                self._status = Status("", console=messages())
                self._status.start()
            self._status.update(shown(self._under_way))

    def close(self) -> None:
        """Removes the progress line."""
        if self._status is not None:
            self._status.stop()
            self._status = None


def print_verdict(verdict: Verdict, console: Console | None = None) -> None:
    """Prints the findings and the verdict on the console; default: standard output."""
    page = _Page(console or results())
    page.write(0, (f"{verdict.vendor} ({verdict.profile})", "bold"), f" against {verdict.target}, seed {verdict.seed}")
    if (work := to_fix(verdict)) is not None:
        page.write(0, (work, "red"))
    page.blank()
    rows = table("check", "status", "cases", "")
    for result in verdict.results:
        if result.status in (PASSED, FAILED):
            styled = Text(result.status, _STYLES[result.status])
            rows.add_row(result.check.id, styled, Text(str(result.cases), justify="right"), Text(_remark(result)))
    if rows.row_count:
        page.table(rows)
    for status, reason, names in _unjudged(verdict):
        page.write(0, (status.replace("_", " "), _STYLES[status]), f" {', '.join(names)}: {reason}", hang=2)
    for group in groups(verdict):
        _print_group(page, group, verdict)
    _print_coverage(page, verdict)
    if verdict.against is not None:
        _print_comparison(page, verdict.against)
    page.blank()
    _print_verdict(page, verdict)


def shown(checks: Sequence[str]) -> str:
    """Returns the checks that run at the same time in a few words."""
    return f"{checks[0]} and {counted(len(checks) - 1, 'other')}" if len(checks) > 1 else "".join(checks)


def print_timings(verdict: Verdict, console: Console) -> None:
    """Prints where the time of the run went: its phases, and the checks that took longest."""
    page = _Page(console)
    columns = ("phase", "seconds", "idle", "processor", "requests", "reads")
    rows = table(*columns)
    for phase in verdict.timings:
        times = [f"{seconds:.1f}" for seconds in (phase.seconds, phase.idle, phase.processor)]
        cells = (*times, str(phase.requests), str(phase.reads))
        rows.add_row(phase.name, *(Text(cell, justify="right") for cell in cells))
    page.blank()
    page.table(rows)
    longest = sorted(verdict.results, key=lambda result: -result.seconds)
    seconds = ", ".join(f"{result.check.id} {result.seconds:.1f}" for result in longest if result.seconds >= 0.05)
    page.write(0, f"seconds of each check: {seconds}", hang=2)


def _remark(result: Result) -> str:
    found = counted(len(result.findings), "finding") if result.findings else ""
    return ": ".join(part for part in (found, one_line(result.reason or "")) if part)


def _unjudged(verdict: Verdict) -> list[tuple[str, str, list[str]]]:
    """Groups the checks without a verdict by status and reason.

    The name of a family replaces its checks if all of them share the reason.
    """
    sizes = Counter(result.check.family for result in verdict.results)
    by_reason: dict[tuple[str, str], dict[str, list[str]]] = {}
    for result in verdict.results:
        if result.status not in (PASSED, FAILED):
            families = by_reason.setdefault((result.status, result.reason or "no reason is known"), {})
            families.setdefault(result.check.family, []).append(result.check.id)
    return [
        (
            status,
            reason,
            [name for family, ids in families.items() for name in _short_names(family, ids, sizes[family])],
        )
        for (status, reason), families in by_reason.items()
    ]


def _short_names(family: str, ids: list[str], size: int) -> list[str]:
    return [family] if len(ids) == size > 1 else ids


def _print_group(page: _Page, group: Group, verdict: Verdict) -> None:
    check = group.result.check
    style = "red" if group.severity == ERROR else "yellow"
    page.blank()
    page.write(0, (group.severity, style), " ", (check.id, "bold"), f"  {counted(len(group.findings), 'finding')}")
    page.write(2, f"{group.statement.value} ({group.statement.provenance}: {group.statement.source})")
    page.write(2, f"remedy: {group.remedy}")
    for finding in group.findings[:MOST_FINDINGS]:
        _print_finding(page, finding, group, verdict.is_new(finding))
    more = len(group.findings) - MOST_FINDINGS
    if more > 0:
        page.write(2, f"and {more} more: --html, --sarif and --json have all of them")


def _print_finding(page: _Page, finding: Finding, group: Group, is_new: bool | None) -> None:
    age = {None: "", True: "new: ", False: "still there: "}[is_new]
    cases = f" ({finding.count} cases)" if finding.count > 1 else ""
    page.write(2, f"- {age}{finding.message}{cases}", hang=2)
    for line in details(finding):
        page.write(4, line, hang=2)
    if finding.remedy != group.remedy:
        page.write(4, f"remedy: {finding.remedy}", hang=2)
    if len(finding.checks) > 1:
        page.write(4, f"shown by {', '.join(finding.checks[1:])} too", hang=2)
    page.copyable(4, f"reproduce: {finding.reproduce}")


def _print_coverage(page: _Page, verdict: Verdict) -> None:
    parts = totals(verdict.coverage)
    page.blank()
    if unreached := verdict.coverage["events"].get("no_scenario"):
        page.write(0, ("not judged", "yellow"), f" {', '.join(unreached)}: no scenario of {verdict.vendor} leads there")
    page.write(0, "exercised: " + ", ".join(f"{part.exercised} of {part.known} {part.kind}" for part in parts))
    # Fields and values are listed if they are few, and if the run sent all forms of the bodies.
    forms = any(result.judged for result in verdict.results if result.check.id == "accepts.forms")
    for part in parts:
        details = part.kind in ("fields", "enum values")
        if not part.missing or (details and not (forms and len(part.missing) <= MOST_MISSING)):
            continue
        shown = ", ".join(part.missing[:MOST_MISSING])
        more = len(part.missing) - MOST_MISSING
        page.write(2, f"{part.kind} not exercised: {shown}" + (f" and {more} more" if more > 0 else ""))


def _print_comparison(page: _Page, against: Against) -> None:
    page.blank()
    page.write(0, f"against {against.file}: {compared(against)}")
    for name, findings in (("fixed", against.fixed), ("not judged", against.not_judged)):
        for finding in findings:
            page.write(2, f"{name} {finding.check}: {finding.message}", hang=2)


def _print_verdict(page: _Page, verdict: Verdict) -> None:
    style = {"passed": "green", "nothing judged": "yellow", "incomplete": "yellow"}.get(word(verdict), "red")
    for unmet in verdict.unmet:
        page.write(0, ("incomplete", "yellow"), f" {unmet}", hang=2)
    reason = (None if verdict.unmet else why(verdict)) or to_fix(verdict)
    counts = ", ".join(f"{count} {name}" for count, name in tally(verdict)) or "nothing was judged"
    page.write(0, (word(verdict), style), f" ({reason})" if reason else "", f": {counts}")


class _Page:
    """Prints indented paragraphs, wrapped at the width of the terminal, elsewhere at 100 columns."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._width = console.width if console.is_terminal else COLUMNS

    def blank(self) -> None:
        self.console.print()

    def write(self, indent: int, *parts: str | tuple[str, str], hang: int = 0) -> None:
        """Prints one paragraph; `hang` is the extra indentation of its second and later lines."""
        plain = [(one_line(part), "") if isinstance(part, str) else (one_line(part[0]), part[1]) for part in parts]
        lines = Text.assemble(*plain).wrap(self.console, max(20, self._width - indent - hang))
        for number, line in enumerate(lines):
            line.rstrip()
            self.console.print(Text(" " * (indent + (hang if number else 0))) + line, soft_wrap=True)

    def table(self, rows: Table) -> None:
        """Prints a table; what is too wide for its column is folded."""
        self.console.print(rows, width=self._width, soft_wrap=False)

    def copyable(self, indent: int, text: str) -> None:
        """Prints a line without wrapping it, so that a command in it can be copied whole."""
        self.console.print(Text(" " * indent + one_line(text)), soft_wrap=True)
