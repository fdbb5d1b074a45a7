"""Where the events of a run of checks go: the terminal or JSON, and the reports that were asked for."""

from __future__ import annotations

from collections.abc import Callable

from simulator.checks.engine import CheckEvent
from simulator.checks.model import Verdict
from simulator.reporting.check_terminal import CheckTerminal
from simulator.reporting.console import print_json


def reporters(
    *, as_json: bool, junit: str | None, html: str | None, sarif: str | None
) -> tuple[Callable[[CheckEvent], None], Callable[[Verdict], None]]:
    """A handler of the events as they come, and one of the verdict at the end."""
    terminal = None if as_json else CheckTerminal()

    def report(event: CheckEvent) -> None:
        if terminal is not None:
            terminal.handle(event)

    def finish(verdict: Verdict) -> None:
        if terminal is not None:
            terminal.finish(verdict)
        else:
            print_json(verdict.document())

    return report, finish
