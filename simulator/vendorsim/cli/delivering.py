"""Carries out a prepared run for `play` and `capture replay`: API server, integration, journal, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from vendorsim.cli import starting
from vendorsim.cli.journals import closing_journal, open_journal, start_recorder
from vendorsim.cli.running import collect_garbage_rarely, served

if TYPE_CHECKING:
    from vendorsim.cli.options import JournalOptions
    from vendorsim.delivery.planning import PreparedRun
    from vendorsim.delivery.records import Summary
    from vendorsim.delivery.sequencer import Outlet
    from vendorsim.http.loop import Stopping
    from vendorsim.http.transport_options import TransportSettings
    from vendorsim.reporting.json_lines import JsonLines
    from vendorsim.reporting.terminal import Terminal
    from vendorsim.scenario.calls import Sink

SPEEDS = {"instant": None, "1x": 1.0, "60x": 60.0}


class Surroundings(Struct, frozen=True):
    """What a run is carried out with. `port` is that of the vendors' APIs; None: they don't answer. `workers` is the
    number of processes that send; None: as many as pay."""

    port: int | None
    sinks: Sequence[Sink]
    program: starting.StartOptions
    settings: TransportSettings
    journal: JournalOptions
    as_json: bool
    workers: int | None = 1


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
    workers = _workers(prepared, given)
    if workers > 1:
        return _deliver_in_workers(workers, command, prepared, faults, given, reporter)
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


def _workers(prepared: PreparedRun, given: Surroundings) -> int:
    """The number of processes that send. Prints a note if it is lower than asked for."""
    if given.workers == 1:
        return 1
    from vendorsim.delivery import shared_play

    hindrance = shared_play.hindrance(prepared)
    if given.port is not None:
        hindrance = "--serve answers from the state of all conversations"
    elif given.program.launch is not None or given.program.wait is not None:
        hindrance = "--launch and --wait watch the integration from one process"
    if given.workers is None:
        return 1 if hindrance is not None else shared_play.workers_that_pay(prepared)
    if hindrance is not None:
        from vendorsim.reporting.console import messages

        messages().print(f"note: one worker sends, since {hindrance}", markup=False)
        return 1
    return shared_play.most_workers(prepared, given.workers)


def _deliver_in_workers(
    count: int,
    command: str,
    prepared: PreparedRun,
    faults: Sequence[str],
    given: Surroundings,
    reporter: JsonLines | Terminal,
) -> int:
    """Carries out a run by several processes. Each writes to the journal by a connection of its own; this one has none
    meanwhile, since a fork must not copy it."""
    from vendorsim.delivery.playing import run_to_end
    from vendorsim.delivery.shared_play import SharedPlay
    from vendorsim.journal.recorder import Recorder

    collect_garbage_rarely()
    run = 0
    with closing_journal(given.journal) as journal:
        if journal is not None:
            run = journal.begin(command, prepared.about(faults))

    def play_share(share: PreparedRun, outlet: Outlet, stopping: Stopping) -> Summary:
        recorder = Recorder(open_journal(given.journal), run, outlet)
        try:
            return run_to_end(share, recorder, settings=given.settings, stopping=stopping)
        finally:
            recorder.close(ends_run=False)

    try:
        with SharedPlay(prepared, count, play_share) as shared, reporter:
            summary = shared.play(reporter.record)
    finally:
        with closing_journal(given.journal) as journal:
            if journal is not None:
                journal.end(run)
    reporter.finish(summary)
    return summary.exit_code
