"""Carries out a prepared run for `play` and `capture replay`: API server, integration, journal, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from vendorsim.cli import starting
from vendorsim.cli.journals import open_journal, start_recorder
from vendorsim.cli.running import served

if TYPE_CHECKING:
    from vendorsim.cli.options import JournalOptions
    from vendorsim.delivery.planning import PreparedRun
    from vendorsim.http.transport_options import TransportSettings
    from vendorsim.scenario.calls import Sink

SPEEDS = {"instant": None, "1x": 1.0, "60x": 60.0}


class Surroundings(Struct, frozen=True):
    """What a run is carried out with. `port` is that of the vendors' APIs; None: they don't answer."""

    port: int | None
    sinks: Sequence[Sink]
    program: starting.StartOptions
    settings: TransportSettings
    journal: JournalOptions
    as_json: bool


def deliver(
    command: str,
    prepared: PreparedRun,
    faults: Sequence[str],
    given: Surroundings,
    prepare_again: Callable[[str], PreparedRun] | None = None,
) -> int:
    """Carries out a run and reports it. Returns the exit code.

    `command` and `faults` are written in the journal. `prepare_again` prepares the run when the URL of the vendors'
    APIs is known, since URLs of files name it.
    """
    from vendorsim.delivery.playing import run_to_end
    from vendorsim.reporting.json_lines import JsonLines
    from vendorsim.reporting.terminal import Terminal

    settings = given.settings
    reporter = JsonLines() if given.as_json else Terminal(prepared.run, prepared.options.count)
    with ExitStack() as stack:
        state = url = None
        if given.port is not None:
            state, url = stack.enter_context(served(given.port, sinks=given.sinks))
            prepared = prepared if prepare_again is None else prepare_again(url)
        targets = [destination.endpoint for destination in prepared.destinations.all()]
        variables = starting.environment(url, given.sinks)
        started = stack.enter_context(starting.integration(given.program, targets, settings, variables))
        if started is not None:
            settings = replace(settings, patience=starting.RESTART_WAIT)
        stack.enter_context(reporter)
        about = prepared.about(faults)
        recorder = start_recorder(open_journal(given.journal), command, about, reporter.record, reporter.call)
        try:
            summary = run_to_end(prepared, recorder, settings=settings, state=state)
        finally:
            recorder.close()
        reporter.finish(summary)
    # What ended by itself has failed, even if all was accepted before.
    return summary.exit_code or int(started is not None and bool(started.endings()))
