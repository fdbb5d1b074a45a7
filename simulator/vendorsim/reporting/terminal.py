"""Shows records to people: live progress on standard error, the summary on standard output."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from vendorsim.core.times import iso
from vendorsim.delivery.diagnosis import diagnose, evidence_of_run
from vendorsim.delivery.records import (
    AS_EXPECTED,
    BROKEN,
    DELIVERED,
    DROPPED,
    LOST,
    NOT_JUDGED,
    NOT_SENT,
    REJECTED,
    SPOILED,
    TIMED_OUT,
    Attempt,
    CallOutcome,
    Probed,
    Record,
    Summary,
)
from vendorsim.reporting.console import escape, messages, results, table
from vendorsim.reporting.text import COLUMNS, counted, wrapped
from vendorsim.runs.timeline import Run
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status
    from rich.table import Table

# Up to this many attempts the table has a row per attempt, above it a row per event name.
MOST_ROWS = 40
MOST_SHORTCOMINGS = 10
FAILURES = (REJECTED, TIMED_OUT, BROKEN)
_STYLES = {DELIVERED: "green", AS_EXPECTED: "green", NOT_SENT: "yellow", NOT_JUDGED: "yellow", LOST: "yellow"}


class Terminal:
    """Shows the progress of a run, and its summary at the end."""

    def __init__(self, run: Run, count: int) -> None:
        self._many = count > 1
        self._shown: list[Record] = []
        self._attempts = 0
        self._shortcomings: list[Record] = []
        self._more_shortcomings = 0
        self._title = f"{run.scenario.title}, as {run.vendor.name} ({run.profile.name})"
        self._status: Status | None = None

    def __enter__(self) -> Terminal:
        if sys.stderr.isatty():
            from rich.status import Status

            self._status = Status("starting", console=messages())
            self._status.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._status is not None:
            self._status.stop()

    def record(self, record: Record) -> None:
        self._attempts += 1
        if len(self._shown) <= MOST_ROWS:
            self._shown.append(record)
        if record.verdict not in _STYLES:
            if len(self._shortcomings) < MOST_SHORTCOMINGS:
                self._shortcomings.append(record)
            else:
                self._more_shortcomings += 1
        if self._status is not None:
            self._status.update(f"{self._attempts} sent, last: {escape(_what(record))}")

    def call(self, call: ApiCall) -> None:
        """Takes a received call. People see the calls in `vendorsim journal list`."""

    def finish(self, summary: Summary, console: Console | None = None) -> None:
        """Prints the summary on the console; default: standard output."""
        self.__exit__()
        console = console or results()
        console.print(f"[bold]{escape(self._title)}[/bold]")
        targets = ", ".join(summary.targets) or "no target"
        console.print(f"seed {summary.seed}, starts {iso(summary.start)}, to {escape(targets)}")
        short = len(self._shown) <= MOST_ROWS and not self._many
        width = console.width if console.is_terminal else COLUMNS
        # A row of this table stays on one line outside terminals, so that an attempt can be searched with its outcome.
        console.print(self._by_attempt() if short else _by_event(summary))
        if short:
            for record in self._shown:
                if not isinstance(record, Attempt) and (why := _why(record)) is not None:
                    for line in wrapped(f"{_what(record)}: {record.verdict}: {why}", 2, hang=2, columns=width):
                        console.print(line, markup=False)
        else:
            for record in self._shortcomings:
                reason = f"{record.verdict}, {_why(record) or ''}{_hit_text(record)}"
                for line in wrapped(f"{_what(record)}: {reason}", 2, hang=2, columns=width):
                    console.print(line, markup=False)
            if self._more_shortcomings:
                console.print(f"  and {counted(self._more_shortcomings, 'more problem')}")
        if (diagnosis := diagnose(evidence_of_run(summary))) is not None:
            for sentence in (diagnosis.problem, diagnosis.remedy):
                for line in wrapped(sentence, hang=2, columns=width):
                    console.print(line, markup=False)
        console.print(_closing(summary))

    def _by_attempt(self) -> Table:
        attempts = [record for record in self._shown if isinstance(record, Attempt)]
        faults = any(record.faults for record in attempts)
        rows = table("at", "event", "status", "ms", *(["fault"] if faults else []), "verdict")
        several = len({record.target for record in attempts}) > 1
        for record in self._shown:
            verdict = _styled(record.verdict)
            if isinstance(record, Attempt):
                verdict += f": {escape(why)}" if (why := _why(record)) else ""
                where = f" → {record.target}" if several else ""
                took = "" if record.milliseconds is None else f"{record.milliseconds:.1f}"
                status = "" if record.status is None else str(record.status)
                hit = [escape(_hit(record))] if faults else []
                rows.add_row(iso(record.at), escape(record.event.name + where), status, took, *hit, verdict)
            else:
                answered = record.status if isinstance(record, CallOutcome) else None
                status = "" if answered is None else str(answered)
                rows.add_row("", escape(_what(record)), status, "", *([""] if faults else []), verdict)
        return rows


def _by_event(summary: Summary) -> Table:
    faults = any(row.faults for row in summary.rows.values())
    rows = table("event", "attempts", "statuses", "mean ms", "max ms", *(["faults"] if faults else []), "verdict")
    for row in summary.by_event():
        hit = [_fault_counts(row.faults)] if faults else []
        statuses = ", ".join(f"{status} x {count}" for status, count in sorted(row.statuses.items()))
        verdicts = ", ".join(f"{count} {_styled(verdict)}" for verdict, count in row.verdicts.items())
        mean = "" if row.mean_milliseconds is None else f"{row.mean_milliseconds:.1f}"
        longest = f"{row.longest_milliseconds:.1f}"
        rows.add_row(escape(row.event), str(row.attempts), statuses, mean, longest, *map(escape, hit), verdicts)
    for what, counts in _expected(summary):
        for verdict, count in counts.items():
            rows.add_row(what, str(count), "", "", "", *([""] if faults else []), _styled(verdict))
    for verdict, count in summary.probes.items():
        rows.add_row("probe", str(count), "", "", "", *([""] if faults else []), _styled(verdict))
    return rows


def _closing(summary: Summary) -> str:
    parts = [f"{summary.count(DELIVERED)} delivered"]
    failed = summary.document()["failed"]
    parts += [f"{failed} failed"] if failed else []
    unsent = summary.count(NOT_SENT)
    parts += [f"{unsent} not sent"] if unsent else []
    for word, count in (
        ("retries", sum(row.retries for row in summary.rows.values())),
        ("retries scheduled", sum(row.waiting for row in summary.rows.values())),
        ("dropped", summary.count(DROPPED)),
        ("spoiled", summary.count(SPOILED)),
        ("lost", summary.count(LOST)),
        ("pauses of the hook", summary.hook_pauses),
    ):
        parts += [f"{count} {word}"] if count else []
    parts += ["the hook switched off"] if summary.hooks_switched_off else []
    unstarted = summary.conversations - summary.started
    parts += [f"{unstarted} conversations not started"] if unstarted else []
    for what, counts in _expected(summary):
        judged = sum(counts.values()) - counts[NOT_JUDGED]
        parts += [f"{counts[AS_EXPECTED]} of {judged} {what} as expected"] if judged else []
    probed = sum(summary.probes.values()) - summary.probes[NOT_JUDGED]
    if probed:
        parts.append(f"{summary.probes[AS_EXPECTED]} of {counted(probed, 'state')} as expected")
    if summary.probes[NOT_JUDGED]:
        parts.append(f"{counted(summary.probes[NOT_JUDGED], 'state')} not judged")
    style = {0: "green", 4: "yellow"}.get(summary.exit_code, "red")
    why = summary.unreachable or (summary.unread if summary.exit_code == 4 else None)
    reason = f" ({escape(why)})" if why else ""
    return f"[{style}]{summary.verdict}[/{style}]{reason}: {', '.join(parts)}"


def _expected(summary: Summary) -> Iterator[tuple[str, Counter[str]]]:
    """Yields what the steps expected and their verdicts, where there were such steps."""
    if summary.authentications:
        yield f"calls of {registry.identification().operation}", summary.authentications
    if summary.expected_calls:
        yield "expected calls", summary.expected_calls


def _what(record: Record) -> str:
    if isinstance(record, CallOutcome):
        expected = record.identifier or "" if record.identified else record.times
        return f"{record.call} {expected} for {record.conversation}"
    if isinstance(record, Probed):
        return f"probe of {record.conversation}"
    return f"{record.event.name} of {record.event.conversation}"


def _why(record: Record) -> str | None:
    """Returns the reason of a verdict, and whether the vendor has given up."""
    if isinstance(record, Attempt) and record.final and record.number > 1 and record.verdict in FAILURES:
        return f"{record.reason}; given up after {record.number} attempts"
    return record.reason


def _fault_counts(faults: Mapping[str, int]) -> str:
    """Returns how many deliveries each fault hit, without the faults' arguments."""
    counts: Counter[str] = Counter()
    for fault, count in faults.items():
        counts[fault.partition("=")[0]] += count
    return ", ".join(f"{name} x {count}" for name, count in sorted(counts.items()))


def _hit(attempt: Attempt) -> str:
    """Returns the faults that hit a delivery, and which of the duplicates it is."""
    copy = f" (copy {attempt.copy})" if attempt.copy else ""
    return ", ".join(attempt.faults) + copy


def _hit_text(record: Record) -> str:
    """Returns the same as the end of a sentence; empty without faults."""
    hit = _hit(record) if isinstance(record, Attempt) else ""
    return f"; fault: {hit}" if hit else ""


def _styled(verdict: str) -> str:
    return f"[{_STYLES.get(verdict, 'red')}]{verdict}[/]"
