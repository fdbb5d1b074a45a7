"""`vendorsim play`: plays a scenario against an integration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict, replace

from vendorsim.cli import completion, options, starting
from vendorsim.cli.delivering import SPEEDS, Surroundings, deliver
from vendorsim.cli.running import note_prevented, read_sinks

if TYPE_CHECKING:
    from vendorsim.http.transport_options import TransportOptions
    from vendorsim.probes.model import NamedSource


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
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 1_000),
    help="Number of processes that send; default: as many as pay, which is one for a small run.",
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
    workers: int | None,
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
    surroundings = Surroundings(port if serving else None, served_sinks, program, settings, journal, as_json, workers)
    return deliver(
        "play",
        prepared,
        misbehaviour.faults,
        surroundings,
        lambda url: prepare(replace(request, server=url), loaded),
    )
