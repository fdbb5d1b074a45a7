"""`vendorsim load`: sends a mix of scenarios as load, from one machine or many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct
from msgspec.structs import asdict

from vendorsim.cli import options
from vendorsim.reporting.console import print_indented, print_json

if TYPE_CHECKING:
    from vendorsim.http.transport_options import TransportOptions
    from vendorsim.load.options import LoadOptions, PreparedLoad
    from vendorsim.load.tally import Tally
    from vendorsim.reporting.load_terminal import LiveView


class _Amounts(Struct, frozen=True):
    """The amount of load, its limits and its ids. `start` is milliseconds since 1970, `drain` is milliseconds."""

    count: int | None
    seed: int | None
    start: int | None
    most_open: int
    drain: int
    account: int | None
    inbox: int | None
    locale: str | None
    vary: bool


class _Engine(Struct, frozen=True):
    """What sends the load: this process, `workers` processes of this machine, or Locust with the user's arguments."""

    workers: int | None
    locust: bool


@click.command("load", cls=options.Command)
@click.argument("traffic", required=False)
@click.argument("locust_arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- LOCUST ARGUMENTS]")
@click.option("--to", metavar="URL", help="Webhook target URL; default: the vendors' targets in vendorsim.yaml.")
@click.option("--count", type=click.IntRange(1), help="Number of conversations; default: the file's.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of data, mix and arrivals; default: the file's.")
@click.option(
    "--start", type=options.PointType(), help="Start of conversation 0, as in the bodies; default: the file's."
)
@click.option(
    "--most-open",
    type=click.IntRange(1, 1_000_000),
    default=1_000,
    show_default=True,
    help="Maximum open conversations per worker; further arrivals are shed and counted.",
)
@click.option(
    "--drain",
    type=options.DurationType(),
    default="60s",
    show_default=True,
    help="Time that conversations may take beyond their own length after the last arrival.",
)
@options.vary
@options.account_and_locale
@options.header
@options.policy("vendors' policies")
@click.option(
    "--workers", type=click.IntRange(1, 1_000), help="Send from this many processes on this machine; default: from one."
)
@click.option("--locust", is_flag=True, help="Start Locust with the arguments after --.")
@click.option("--locustfile", is_flag=True, help="Print the path of the file for locust -f, and exit.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of traffic files, for editors, and exit.")
@click.option("--digest", is_flag=True, help="Print the digest of all bodies instead of sending them.")
@click.option("--html", metavar="FILE", help="Write the report as HTML.")
@options.secret_env
@options.transport
@options.packs
@options.config_file
@options.json_output
@options.target
@options.grouped(
    "amounts",
    options.same("count", "seed", "start", "most_open", "drain", "account", "inbox", "locale", "vary"),
    _Amounts,
)
@options.grouped("engine", options.same("workers", "locust"), _Engine)
def command(
    traffic: str | None,
    locust_arguments: tuple[str, ...],
    target: options.TargetOptions,
    amounts: _Amounts,
    engine: _Engine,
    locustfile: bool,
    schema: bool,
    digest: bool,
    html: str | None,
    transport: TransportOptions,
    packs: tuple[str, ...],
    config_file: str | None,
    as_json: bool,
) -> int:
    """Send the mix of scenarios in the file TRAFFIC as load. Conversations arrive at the planned times, however slowly
    the target answers.

    Exit code 0: everything was accepted; 1: something was refused, shed or cut off; 3: the target can't be reached, or
    a worker was lost.

    \b
    vendorsim load traffic.yaml --to http://localhost:8000/hook --html load.html
    vendorsim load traffic.yaml --to http://localhost:8000/hook --workers 4
    vendorsim load traffic.yaml --to http://target/hook --locust -- --master --headless --expect-workers 8
    """
    if locustfile:
        from vendorsim.load.on_locust import LOCUSTFILE

        click.echo(LOCUSTFILE)
        return 0
    if schema:
        from vendorsim.load.traffic import json_schema

        print_indented(json_schema())
        return 0
    if traffic is None:
        raise click.UsageError("Missing argument 'TRAFFIC'.")
    if locust_arguments and not engine.locust:
        raise click.UsageError("Arguments behind -- are Locust's: add --locust.")
    if engine.locust and engine.workers is not None:
        raise click.UsageError("--workers sends without Locust: leave out --locust.")
    from vendorsim.core.clock import wall_clock_second
    from vendorsim.load.options import LoadOptions, prepare_load

    load = LoadOptions(traffic, **asdict(target), **asdict(amounts), transport=transport, config_file=config_file)
    starts = wall_clock_second()
    if digest:
        print_json(load.mix(starts).digest().document())
        return 0
    prepared = prepare_load(load, starts)
    page = None if html is None else _writable(html)
    code, report = _run(load, prepared, engine, locust_arguments)
    if report is None:
        # A worker has no report. If the coordinator has none, Locust has printed the reason.
        return 3 if code else 0
    if page is not None:
        from vendorsim.reporting.load_html import render

        page.write_bytes(render(report))
    if as_json:
        print_json(report)
    else:
        from vendorsim.reporting.load_terminal import print_report

        print_report(report)
    exit_code: int = report["exit_code"]
    return exit_code


def _run(
    load: LoadOptions, prepared: PreparedLoad, engine: _Engine, locust_arguments: tuple[str, ...]
) -> tuple[int, dict[str, Any] | None]:
    """Sends everything. Returns the exit code, and the report if this process has one (not Locust's workers)."""
    if engine.locust:
        from vendorsim.load import on_locust

        return on_locust.run(load, locust_arguments)
    report = _run_here(prepared, engine.workers or 1)
    return report["exit_code"], report


def _run_here(prepared: PreparedLoad, workers: int) -> dict[str, Any]:
    """Sends everything from this process, or from workers of it. Returns the report. Raises InputError."""
    from vendorsim.cli.running import collect_garbage_rarely
    from vendorsim.http.loop import interruptible
    from vendorsim.load.report import Heading, document
    from vendorsim.load.sending import Sending
    from vendorsim.reporting.load_terminal import LiveView

    collect_garbage_rarely()
    view, reason = LiveView(prepared.mix.count), None
    if workers > 1:
        tally, reason = _send_shares(prepared, workers, view)
    else:
        with view:
            tally = Sending(prepared, glance=view.show, stopping=interruptible).run_to_end()
    return document(Heading.of(prepared.mix, prepared.targets, workers), tally, reason)


def _send_shares(prepared: PreparedLoad, workers: int, view: LiveView) -> tuple[Tally, str | None]:
    from vendorsim.core.errors import InputError
    from vendorsim.delivery.workers import cannot_fork
    from vendorsim.load.shared_sending import send_shares

    if (reason := cannot_fork()) is not None:
        raise InputError(f"--workers {workers}: {reason}; send from one process, or from several by --locust")
    return send_shares(prepared, workers, view)


def _writable(path: str) -> Path:
    """Returns the path of a file that can be written. Raises InputError, before anything is sent."""
    from vendorsim.core.errors import InputError

    try:
        with open(path, "ab"):
            return Path(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"--html {path}: can't be written: {reason}") from None
