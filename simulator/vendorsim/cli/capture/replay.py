"""`vendorsim capture replay`: sends captured webhooks again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vendorsim.cli import options, starting
from vendorsim.cli.captures import name_unreadable
from vendorsim.cli.delivering import SPEEDS, Surroundings, deliver
from vendorsim.cli.running import read_sinks
from vendorsim.reporting.console import messages

if TYPE_CHECKING:
    from vendorsim.http.transport_options import TransportOptions

OURS, AS_CAPTURED = "ours", "as-captured"


@click.command("replay", cls=options.Command)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@options.vendor
@click.option("--to", metavar="URL", help="Webhook target URL; default: the vendor's targets in vendorsim.yaml.")
@click.option(
    "--speed",
    type=click.Choice(list(SPEEDS)),
    default="instant",
    show_default=True,
    help="Playback speed; instant keeps the order and leaves out the pauses.",
)
@click.option("--fresh", is_flag=True, help="Replace each id everywhere it stands, and move all times to now.")
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of the ids of --fresh; default: others each time."
)
@click.option("--start", type=options.PointType(), help="Time of the first webhook with --fresh; default: now.")
@click.option(
    "--retries",
    type=click.Choice([OURS, AS_CAPTURED]),
    default=OURS,
    show_default=True,
    help="Leave captured retries to the policy, or send them as they were and no others.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 10_000),
    default=16,
    show_default=True,
    help="Maximum number of requests in flight, at a speed that is not instant.",
)
@options.header
@click.option(
    "--serve",
    "serving",
    is_flag=True,
    help="Answer the vendors' APIs meanwhile. Calls change no conversation, and cause no webhooks.",
)
@click.option("--port", type=options.PortType(), default=4010, show_default=True, help="Port of --serve.")
@options.sinks
@starting.starting("--launch")
@options.faults
@options.policy("vendor's policy")
@click.option("--pin-clock", is_flag=True, help="Signature timestamps follow the capture's clock, not the wall clock.")
@options.secret_env
@options.transport
@options.journal
@options.config_file
@options.json_output
@options.target
def command(
    files: tuple[str, ...],
    vendor: str,
    profile: str | None,
    target: options.TargetOptions,
    misbehaviour: options.FaultOptions,
    speed: str,
    fresh: bool,
    seed: int | None,
    start: int | None,
    retries: str,
    concurrency: int,
    pin_clock: bool,
    serving: bool,
    port: int,
    sinks: tuple[str, ...],
    program: starting.StartOptions,
    transport: TransportOptions,
    journal: options.JournalOptions,
    config_file: str | None,
    as_json: bool,
) -> int:
    """Send the webhooks in each FILE (a journal, HAR, JSON Lines, JSON, raw requests, a folder; - is standard input)
    again, in their order and at their pace, byte for byte.

    A header of a connection or of a proxy is not sent; see docs/captures.md. Exit codes are those of play.

    \b
    vendorsim capture replay hooks.har --vendor messagehub --to http://localhost:8000/hook
    vendorsim capture replay hooks.har --vendor messagehub --to http://localhost:8000/hook --fresh --speed 60x
    """
    from vendorsim.core.clock import wall_clock, wall_clock_second
    from vendorsim.delivery.replay_planning import prepare_replay
    from vendorsim.journal.exchanges import read
    from vendorsim.runs import config
    from vendorsim.runs.planning import RunRequest

    if not fresh:
        for name, value in (("--seed", seed), ("--start", start)):
            if value is not None:
                raise click.UsageError(f"{name} is about fresh ids and moved times; add --fresh")
    request = RunRequest(
        "",
        vendor,
        profile,
        name=", ".join(files),
        to=target.target(),
        headers=target.headers_by_name(),
        policy=target.policy(),
        faults=misbehaviour.read(),
        fault_on=misbehaviour.events(),
        speed=SPEEDS[speed],
        concurrency=concurrency,
        pin_clock=pin_clock,
        serving=serving,
    )
    loaded = config.load(config_file)
    served_sinks = read_sinks(sinks, serving, loaded)
    prepared, notes = prepare_replay(
        request,
        read(files, name_unreadable),
        loaded,
        fresh=(wall_clock() if seed is None else seed) if fresh else None,
        start=(wall_clock_second() if start is None else start) if fresh else None,
        as_captured=retries == AS_CAPTURED,
    )
    for note in notes:
        messages().print(f"note: {note}", markup=False)
    surroundings = Surroundings(port if serving else None, served_sinks, program, transport.load(), journal, as_json)
    return deliver("capture replay", prepared, misbehaviour.faults, surroundings)
