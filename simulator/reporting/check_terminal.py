"""A run of checks for people: progress on standard error, findings and the verdict on standard output."""

from __future__ import annotations

import sys

from rich.markup import escape
from rich.status import Status

from simulator.checks.engine import CheckEvent, Finished, Started
from simulator.checks.model import ERROR, FAILED, NOT_JUDGED, PASSED, SKIPPED, Finding, Verdict
from simulator.reporting.console import messages, results, table

_STYLES = {PASSED: "green", FAILED: "red", NOT_JUDGED: "yellow", SKIPPED: "yellow"}


class CheckTerminal:
    """Shows which check is under way, and everything at the end."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def handle(self, event: CheckEvent) -> None:
        """One event of the run."""
        if not sys.stderr.isatty():
            return
        if isinstance(event, Started):
            if self._status is None:
                self._status = Status("", console=messages())
                self._status.start()
            self._status.update(event.check.id)
        elif not isinstance(event, Finished) and self._status is not None:
            self._status.stop()

    def finish(self, verdict: Verdict) -> None:
        """The table of checks, the findings, and the verdict."""
        if self._status is not None:
            self._status.stop()
        console = results()
        console.print(f"[bold]{verdict.vendor} ({verdict.profile})[/bold] against {escape(verdict.target)}")
        rows = table("check", "status", "cases", "")
        for result in verdict.results:
            style = _STYLES[result.status]
            count = len(result.findings)
            told = result.reason or (f"{count} finding{'s' * (count != 1)}" if count else "")
            rows.add_row(result.check.id, f"[{style}]{result.status}[/]", str(result.cases), escape(told))
        console.print(rows)
        for finding in sorted(verdict.findings, key=lambda finding: finding.severity != ERROR):
            console.print()
            for line in _told(finding):
                console.print(line)
        console.print()
        console.print(_closing(verdict))


def _told(finding: Finding) -> list[str]:
    style = "red" if finding.severity == ERROR else "yellow"
    cases = f" ({finding.count} cases)" if finding.count > 1 else ""
    where = f" at {escape(finding.pointer)}" if finding.pointer else ""
    known_from = f"{finding.statement.provenance}: {finding.statement.source}"
    return [
        f"[{style}]{finding.severity}[/] [bold]{finding.check}[/bold]: {escape(finding.message)}{cases}",
        f"  expected {escape(finding.expected)}, found {escape(finding.found)}{where}",
        f"  why: {escape(finding.statement.value)} ({escape(known_from)})",
        f"  remedy: {escape(finding.remedy)}",
        f"  reproduce: {escape(finding.reproduce)}",
    ]


def _closing(verdict: Verdict) -> str:
    counted = {
        status: sum(result.status == status for result in verdict.results)
        for status in (PASSED, FAILED, NOT_JUDGED, SKIPPED)
    }
    parts = [f"{count} {status.replace('_', ' ')}" for status, count in counted.items() if count]
    warnings = sum(finding.severity != ERROR for finding in verdict.findings)
    parts += [f"{warnings} warning{'s' * (warnings != 1)}"] if warnings else []
    word = {0: "passed", 1: "failed", 3: "unreachable", 130: "interrupted"}[verdict.exit_code]
    style = "green" if verdict.exit_code == 0 else "red"
    reason = f" ({escape(verdict.unreachable)})" if verdict.unreachable else ""
    return f"[{style}]{word}[/{style}]{reason}: {', '.join(parts)}"
