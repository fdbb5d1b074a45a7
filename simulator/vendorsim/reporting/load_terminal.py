"""Shows a load run to people: a live view on standard error, and the figures on standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from vendorsim.core.clock import monotonic
from vendorsim.load.tally import Tally
from vendorsim.reporting.console import messages, results, table
from vendorsim.reporting.text import one_line

# Seconds between two lines of figures, if standard error is no terminal.
PAUSE = 5.0
MOST_ERRORS = 10
_COLUMNS = ("p50", "p90", "p99", "max")


class LiveView:
    """Shows the figures during a run: a table on a terminal, else a line every few seconds.

    `now` returns monotonic seconds; `console` is on standard error by default.
    """

    def __init__(self, count: int, now: Callable[[], float] = monotonic, console: Console | None = None) -> None:
        self._count = count
        self._now = now
        self._console = console or messages()
        self._live: Live | None = None
        self._printed_at = self._now()

    def __enter__(self) -> LiveView:
        if sys.stderr.isatty():
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, tally: Tally, under_way: int) -> None:
        """Shows the current figures."""
        if self._live is not None:
            self._live.update(self._table(tally, under_way), refresh=True)
        elif self._now() - self._printed_at >= PAUSE:
            self._printed_at = self._now()
            self._console.print(self._line(tally, under_way), markup=False)

    def _line(self, tally: Tally, under_way: int) -> str:
        figures = tally.latency.figures()
        times = ", ".join(f"{name} {_ms(figures[name])}" for name in _COLUMNS)
        return (
            f"{tally.seconds:.0f} s: {tally.arrived} of {self._count} arrived, {under_way} under way, "
            f"{tally.shed} shed; {tally.sent} requests, {tally.failed} failed; ms {times}"
        )

    def _table(self, tally: Tally, under_way: int) -> Table:
        last = tally.series.slots[-2] if len(tally.series.slots) > 1 else None
        rate = last.answered / tally.series.width if last is not None else 0.0
        shown = table("", "")
        shown.add_row("conversations", f"{tally.arrived} of {self._count} arrived, {under_way} under way")
        shown.add_row("shed", _red_if_any(tally.shed))
        shown.add_row("requests", f"{tally.sent}, {rate:.0f}/s")
        shown.add_row("failed", _red_if_any(tally.failed))
        for name, histogram in (
            ("latency ms", tally.latency),
            ("from plan ms", tally.from_plan),
            ("sender late ms", tally.lateness),
        ):
            figures = histogram.figures()
            shown.add_row(name, ", ".join(f"{each} {_ms(figures[each])}" for each in _COLUMNS))
        return shown


def print_report(report: Mapping[str, Any]) -> None:
    """Prints the figures on standard output."""
    console = results()
    console.print(f"[bold]{escape(one_line(report['title']))}[/bold]")
    workers = f", {report['workers']} workers" if report["workers"] > 1 else ""
    console.print(
        f"seed {report['seed']}, {report['arrivals']} arrivals, to {escape(', '.join(report['targets']))}{workers}"
    )
    rows = table("event", "sent", "mean ms", "p50", "p90", "p99", "max ms", "from plan p99", "verdict")
    for event in report["events"]:
        latency = event["latency_ms"]
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in event["verdicts"].items())
        cells = [_ms(latency[name]) for name in ("mean", *_COLUMNS)]
        rows.add_row(escape(event["event"]), str(event["sent"]), *cells, _ms(event["from_plan_ms"]["p99"]), verdicts)
    console.print(rows)
    for error in report["errors"][:MOST_ERRORS]:
        console.print(f"  {error['count']} x {escape(one_line(error['kind']))}: {escape(one_line(error['reason']))}")
    late = report["lateness_ms"]
    console.print(f"the sender began conversations late by: p99 {_ms(late['p99'])} ms, max {_ms(late['max'])} ms")
    bodies = report["bodies"]
    console.print(f"bodies: {bodies['count']}, sha256 sum {bodies['sha256_sum']}")
    console.print(_closing(report))


def _closing(report: Mapping[str, Any]) -> str:
    counts = report["conversations"]
    parts = [f"{counts['finished']} of {counts['asked']} conversations finished"]
    parts += [f"{counts[key]} {word}" for key, word in (("shed", "shed"), ("cut_off", "cut off")) if counts[key]]
    requests = report["requests"]
    parts.append(f"{requests['sent']} requests in {report['seconds']:.1f} s ({requests['per_second']:.0f}/s)")
    parts += [f"{count} {name.replace('_', ' ')}" for name, count in report["deliveries"].items() if count]
    style = "green" if report["exit_code"] == 0 else "red"
    reason = f" ({escape(one_line(report['reason']))})" if report["reason"] else ""
    return f"[{style}]{report['verdict']}[/{style}]{reason}: {', '.join(parts)}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _red_if_any(count: int) -> str:
    return f"[red]{count}[/red]" if count else "0"
