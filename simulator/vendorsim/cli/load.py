"""`vendorsim load`: a mix of scenarios as load, on one machine or on many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vendorsim.cli import options
from vendorsim.reporting.console import print_json

if TYPE_CHECKING:
    from vendorsim.load.options import Ready


@click.command("load", cls=options.Command)
@click.argument("traffic", required=False)
@click.argument("locust_arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- LOCUST ARGUMENTS]")
@click.option("--to", metavar="URL", help="Where the webhooks go; default: the vendors' targets in vendorsim.yaml.")
@click.option("--count", type=click.IntRange(1), help="So many conversations, instead of what the file says.")
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Of made-up data, mix and arrivals; default: the file's."
)
@click.option("--start", type=options.Point(), help="When conversation 0 starts, by the bodies; default: the file's.")
@click.option(
    "--most-open",
    type=click.IntRange(1, 1_000_000),
    default=1_000,
    show_default=True,
    help="How many conversations may be under way (per worker); whatever arrives beyond is shed and counted.",
)
@click.option(
    "--drain",
    type=options.Duration(),
    default="60s",
    show_default=True,
    help="How long conversations may take beyond their own length once the last one has arrived.",
)
@click.option("--header", "headers", multiple=True, metavar="'K: V'", help="A header for every request; repeatable.")
@click.option("--policy", "policies", multiple=True, metavar="KEY=VALUE", help="Override the vendors' policies.")
@click.option(
    "--workers", type=click.IntRange(1, 1_000), help="Send from so many processes of this machine, on Locust."
)
@click.option("--locust", is_flag=True, help="Start Locust; what stands behind -- are its arguments.")
@click.option("--locustfile", is_flag=True, help="Print where the file for locust -f is, and nothing else.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of traffic files, for editors, and nothing else.")
@click.option("--digest", is_flag=True, help="Send nothing: print the digest of all bodies that would be sent.")
@click.option("--html", metavar="FILE", help="Write the report as HTML.")
@options.secret_env
@options.tls
@options.packs
@options.config_file
@options.json_output
def command(
    traffic: str | None,
    locust_arguments: tuple[str, ...],
    to: str | None,
    count: int | None,
    seed: int | None,
    start: int | None,
    most_open: int,
    drain: int,
    headers: tuple[str, ...],
    policies: tuple[str, ...],
    workers: int | None,
    locust: bool,
    locustfile: bool,
    schema: bool,
    digest: bool,
    html: str | None,
    secret_env: tuple[str, ...],
    ca: str | None,
    cert: str | None,
    cert_key: str | None,
    proxy: str | None,
    packs: tuple[str, ...],
    config_file: str | None,
    as_json: bool,
) -> int:
    """Send the mix of scenarios in TRAFFIC (a file) as load: conversations arrive by a process of their own, whatever
    the target does.

    Exit code 0: everything was accepted; 1: something was refused, shed or cut off; 3: the target can't be reached, or
    a worker is gone.

    \b
    vendorsim load traffic.yaml --to http://localhost:8000/hook --html load.html
    vendorsim load traffic.yaml --to http://localhost:8000/hook --workers 4
    vendorsim load traffic.yaml --to http://target/hook --locust -- --master --headless --expect-workers 8
    """
    from vendorsim.core.clock import wall_clock_second
    from vendorsim.load import on_locust
    from vendorsim.load.options import Asked, ready

    if locustfile:
        click.echo(on_locust.LOCUSTFILE)
        return 0
    if schema:
        from vendorsim.load.traffic import json_schema

        print_json(json_schema())
        return 0
    if traffic is None:
        raise click.UsageError("Missing argument 'TRAFFIC'.")
    if locust_arguments and not locust:
        raise click.UsageError("Arguments behind -- are Locust's: add --locust.")
    if locust and workers is not None:
        raise click.UsageError("--workers starts Locust in its own way: leave out --locust.")
    asked = Asked(
        file=traffic,
        to=to,
        headers=headers,
        policies=policies,
        secret_env=secret_env,
        ca=ca,
        cert=cert,
        cert_key=cert_key,
        proxy=proxy,
        config_file=config_file,
        count=count,
        seed=seed,
        start=start,
        most_open=most_open,
        drain=drain,
    )
    starts = wall_clock_second()
    if digest:
        print_json(asked.mix(starts).digest().document())
        return 0
    prepared = ready(asked, starts)
    page = None if html is None else _writable(html)
    if workers is not None:
        code, report = on_locust.run(asked, on_locust.local(workers), live=True)
    elif locust:
        code, report = on_locust.run(asked, locust_arguments, live=False)
    else:
        report = _send(prepared)
        code = report["exit_code"]
    if report is None:
        # A worker has no report; where the coordinator has none, Locust has said why.
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


def _send(prepared: Ready) -> dict[str, Any]:
    """Sends everything from this process."""
    from vendorsim.cli.running import look_for_garbage_rarely
    from vendorsim.load.report import Heading, document
    from vendorsim.load.sending import Sending
    from vendorsim.reporting.load_terminal import LiveView

    look_for_garbage_rarely()
    with LiveView(prepared.mix.count) as view:
        tally = Sending(prepared, glance=view.show, stops=True).run_to_end()
    return document(Heading.of(prepared.mix, prepared.targets), tally)


def _writable(path: str) -> Path:
    """The file, sure to be writable. Raises InputError before anything is sent."""
    from vendorsim.core.errors import InputError

    try:
        with open(path, "ab"):
            return Path(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"--html {path}: can't be written: {reason}") from None
