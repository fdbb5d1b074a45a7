"""Shows what `vendorsim capture record` records: each request as it is stored, and the summary."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vendorsim.core.times import iso
from vendorsim.delivery.records import DELIVERED, Attempt
from vendorsim.recording.judging import DRIFTS, FITS, NOT_JUDGED, Recorded, RecordingSummary
from vendorsim.reporting.console import messages, results, table
from vendorsim.reporting.text import counted, one_line

# Violations of one body that are shown, and of all bodies in the summary.
MOST_SHOWN, MOST_SUMMED = 3, 20
_STYLES = {DELIVERED: "green", FITS: "green", DRIFTS: "red", NOT_JUDGED: "yellow"}


class RecordingTerminal:
    """One line per request on standard output, with what is wrong with it below; then tables."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or results()

    def report(self, recorded: Recorded) -> None:
        """Prints one request. The caller lets in one thread at a time."""
        for line in lines(recorded):
            self._console.print(line, soft_wrap=True)

    def refused(self, status: int, why: str) -> None:
        """Tells of a request that was not passed on."""
        messages().print(f"refused with {status}: {one_line(why)}", markup=False, soft_wrap=True)

    def finish(self, summary: RecordingSummary) -> None:
        """Prints the summary."""
        for each in _summary(summary):
            self._console.print(each)


class RecordingLines:
    """One line of JSON per request on standard output; the last line is the summary."""

    def report(self, recorded: Recorded) -> None:
        """Prints one request."""
        _write(recorded.document())

    def refused(self, status: int, why: str) -> None:
        """Tells of a request that was not passed on."""
        messages().print(f"refused with {status}: {one_line(why)}", markup=False, soft_wrap=True)

    def finish(self, summary: RecordingSummary) -> None:
        """Prints the summary."""
        _write(summary.document())


def _write(document: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(document) + b"\n")
    sys.stdout.buffer.flush()


def lines(recorded: Recorded) -> Iterator[str]:
    """The lines of one request, with the markup of rich."""
    kept, judgement = recorded.kept, recorded.judgement
    took = "" if kept.milliseconds is None else f"{kept.milliseconds:.1f} ms"
    if isinstance(kept, Attempt):
        name = kept.event.name or f"{kept.event.method}, no event"
        again = f" (attempt {kept.number})" if kept.number > 1 else ""
        conversation, outcome = str(kept.event.conversation) or "-", _styled(kept.verdict)
        contract = _styled(judgement.contract)
        arrow, why = "→", kept.reason
    else:
        name, again = kept.operation or f"{kept.method} {kept.path}", ""
        conversation, outcome, arrow = kept.session_id or "-", "", "←"
        contract = "" if judgement.contract == NOT_JUDGED else _styled(judgement.contract)
        why = None if kept.status else kept.message
    parts = (
        iso(kept.at)[11:23],
        f"{arrow} {escape(one_line(name))}{again}",
        escape(one_line(conversation)),
        str(kept.status or "-"),
        took,
        outcome,
        contract,
    )
    yield "  ".join(part for part in parts if part)
    if why is not None:
        yield f"    {escape(one_line(why))}"
    if kept.problem is not None and kept.problem != why:
        yield f"    {escape(one_line(kept.problem))}"
    for violation in judgement.violations[:MOST_SHOWN]:
        yield f"    {escape(one_line(violation.pointer or '/'))}: {escape(one_line(violation.message))}"
    if len(judgement.violations) > MOST_SHOWN:
        yield f"    and {counted(len(judgement.violations) - MOST_SHOWN, 'more violation')}"


def _summary(summary: RecordingSummary) -> Iterator[str | Table]:
    yield f"[bold]{escape(summary.vendor)} ({escape(summary.profile)}), recorded[/bold]"
    if summary.webhooks:
        rows = table("event", "webhooks", "statuses", "mean ms", "max ms", "drift", "verdict")
        for row in summary.webhooks.values():
            verdicts = ", ".join(f"{count} {_styled(verdict)}" for verdict, count in row.verdicts.items())
            document = row.document()["milliseconds"]
            rows.add_row(
                escape(row.name),
                str(row.count),
                _statuses(row.statuses),
                f"{document['mean']:.1f}",
                f"{document['max']:.1f}",
                str(row.drifting or ""),
                verdicts,
            )
        yield rows
    if summary.calls:
        rows = table("call", "calls", "statuses", "mean ms", "max ms", "drift")
        for row in summary.calls.values():
            document = row.document()["milliseconds"]
            times = (f"{document['mean']:.1f}", f"{document['max']:.1f}")
            drift = str(row.drifting or "")
            rows.add_row(escape(one_line(row.name)), str(row.count), _statuses(row.statuses), *times, drift)
        yield rows
    for each in summary.most_common()[:MOST_SUMMED]:
        place = f"{each.event} {one_line(each.pointer or '/')}"
        yield f"  {each.count} x {escape(place)}: {escape(one_line(each.message))}"
    more = max(0, len(summary.drift) - MOST_SUMMED) + summary.more_drift
    if more:
        yield f"  and {counted(more, 'more violation')}"
    for why, count in summary.refused.most_common():
        yield f"  refused {count} x {escape(one_line(why))}"
    yield _closing(summary)


def _closing(summary: RecordingSummary) -> str:
    parts = [counted(summary.count, "webhook")]
    calls = sum(row.count for row in summary.calls.values())
    parts += [counted(calls, "call")] if calls else []
    parts += [f"{summary.undelivered} not delivered"] if summary.undelivered else []
    parts += [f"{summary.drifting} with drift"] if summary.drifting else []
    parts += [f"{summary.problems} not kept whole"] if summary.problems else []
    refused = sum(summary.refused.values())
    parts += [f"{refused} refused"] if refused else []
    verdict = "[red]failed[/red]" if summary.exit_code else "[green]passed[/green]"
    return f"{verdict}: {', '.join(parts)}"


def _statuses(statuses: object) -> str:
    assert isinstance(statuses, dict)
    return ", ".join(f"{status} x {count}" for status, count in sorted(statuses.items()))


def _styled(verdict: str) -> str:
    return f"[{_STYLES.get(verdict, 'red')}]{verdict}[/]"
