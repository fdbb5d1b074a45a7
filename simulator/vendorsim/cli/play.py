"""`vendorsim play`: plays a scenario against an integration."""

from __future__ import annotations

import gc
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict, replace

from vendorsim.cli import completion, options, starting
from vendorsim.cli.journals import open_journal, start_recorder
from vendorsim.cli.running import note_prevented, read_sinks, served

if TYPE_CHECKING:
    from vendorsim.http.transport_options import TransportOptions
    from vendorsim.probes.model import NamedSource

SPEEDS = {"instant": None, "1x": 1.0, "60x": 60.0}


@click.command("play", cls=options.Command)
@click.argument("scenario", shell_complete=completion.scenarios)
@options.vendor
@click.option("--to", metavar="URL", help="Webhook target URL; default: the vendor's targets in vendorsim.yaml.")
@options.seeded
@click.option(
    "--speed",
    type=click.Choice(list(SPEEDS)),
    default="instant",
    show_default=True,
    help="Playback speed.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 10_000),
    default=16,
    show_default=True,
    help="Maximum number of requests in flight.",
)
@options.header
@click.option(
    "--serve",
    "serving",
    is_flag=True,
    help="Answer the vendors' APIs meanwhile, from the state of the conversations.",
)
@click.option("--port", type=options.PortType(), default=4010, show_default=True, help="Port of --serve.")
@options.sinks
@starting.starting("--launch")
@options.faults
@options.policy("vendor's policy")
@click.option("--pin-clock", is_flag=True, help="Signature timestamps follow the scenario's clock, not the wall clock.")
@options.secret_env
@options.probe
@options.transport
@options.journal
@options.config_file
@options.json_output
@options.run
@options.target
def command(
    scenario: str,
    run: options.RunOptions,
    target: options.TargetOptions,
    misbehaviour: options.FaultOptions,
    speed: str,
    concurrency: int,
    pin_clock: bool,
    serving: bool,
    port: int,
    probe: tuple[NamedSource, ...],
    sinks: tuple[str, ...],
    program: starting.StartOptions,
    transport: TransportOptions,
    journal: options.JournalOptions,
    config_file: str | None,
    as_json: bool,
) -> int:
    """Play SCENARIO (a file, or the name of a built-in one) against an integration.

    Exit code 0: everything was accepted; 1: something was not; 3: the target can't be reached; 4: nothing
    failed, but the probe could not read a state that a step names.

    \b
    vendorsim play returning-customer --vendor smartsupp --to http://localhost:8000/hook
    vendorsim play returning-customer --vendor userlike --to http://localhost:8000/hook --fault duplicate@0.3
    vendorsim play authentication-by-chat --vendor userlike --to http://localhost:8000/hook --serve
    """
    from vendorsim.delivery.planning import prepare
    from vendorsim.delivery.playing import run_to_end
    from vendorsim.reporting.json_lines import JsonLines
    from vendorsim.reporting.terminal import Terminal
    from vendorsim.runs import config
    from vendorsim.runs.planning import RunRequest

    request = RunRequest(
        scenario,
        **asdict(run),
        to=target.target(),
        headers=target.headers_by_name(),
        policy=target.policy(),
        probe=probe,
        faults=misbehaviour.read(),
        fault_on=misbehaviour.events(),
        speed=SPEEDS[speed],
        concurrency=concurrency,
        pin_clock=pin_clock,
        serving=serving,
    )
    loaded = config.load(config_file)
    served_sinks = read_sinks(sinks, serving, loaded)
    prepared = prepare(request, loaded)
    settings = transport.load()
    note_prevented(prepared.run)
    reporter = JsonLines() if as_json else Terminal(prepared.run, run.count)
    with ExitStack() as stack:
        state = url = None
        if serving:
            state, url = stack.enter_context(served(port, sinks=served_sinks))
            # The URLs of files name the server, whose port may be a free one.
            prepared = prepare(replace(request, server=url), loaded)
        targets = [destination.endpoint for destination in prepared.destinations.all()]
        variables = starting.environment(url, served_sinks)
        started = stack.enter_context(starting.integration(program, targets, settings, variables))
        if started is not None:
            settings = replace(settings, patience=starting.RESTART_WAIT)
        stack.enter_context(reporter)
        about = prepared.about(misbehaviour.faults)
        recorder = start_recorder(open_journal(journal), "play", about, reporter.record, reporter.call)
        # Thousands of records wait for the journal: default thresholds would spend a tenth of the time on collections.
        gc.set_threshold(10_000, 10, 10)
        try:
            summary = run_to_end(prepared, recorder, settings=settings, state=state)
        finally:
            recorder.close()
        reporter.finish(summary)
    # What ended by itself has failed, even if all was accepted before.
    return summary.exit_code or int(started is not None and bool(started.endings()))
