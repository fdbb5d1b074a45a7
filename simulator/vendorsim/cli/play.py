"""`vendorsim play`: a scenario, live, against an integration."""

from __future__ import annotations

import gc
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from vendorsim.cli import options
from vendorsim.cli.journals import open_journal, start_recorder
from vendorsim.cli.running import served

if TYPE_CHECKING:
    from vendorsim.delivery.requests import Destination
    from vendorsim.runs.timeline import Run

SPEEDS = {"instant": None, "1x": 1.0, "60x": 60.0}


@click.command("play", cls=options.Command)
@click.argument("scenario")
@options.vendor
@click.option("--to", metavar="URL", help="Where the webhooks go; default: the vendor's targets in vendorsim.yaml.")
@options.seeded
@click.option(
    "--speed",
    type=click.Choice(list(SPEEDS)),
    default="instant",
    show_default=True,
    help="Of the pauses.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 10_000),
    default=16,
    show_default=True,
    help="How many conversations send at once.",
)
@click.option("--header", "headers", multiple=True, metavar="'K: V'", help="A header for every request; repeatable.")
@click.option(
    "--serve", "serving", is_flag=True, help="Answer the vendors' APIs meanwhile, from the state of the conversations."
)
@click.option("--port", type=options.Port(), default=4010, show_default=True, help="The port of --serve.")
@click.option("--fault", "faults", multiple=True, metavar="NAME[=ARG][@RATE]", help="Misbehave; see vendorsim faults.")
@click.option("--fault-on", metavar="EVENTS", help="The events that --fault hits, separated by commas; default all.")
@click.option("--policy", "policies", multiple=True, metavar="KEY=VALUE", help="Override the vendor's policy.")
@click.option("--pin-clock", is_flag=True, help="Signature timestamps follow the scenario's clock, not the wall clock.")
@options.secret_env
@options.tls
@options.journal
@options.config_file
@options.json_output
def command(
    scenario: str,
    vendor: str,
    profile: str | None,
    to: str | None,
    seed: int | None,
    start: int | None,
    count: int,
    spacing: int,
    speed: str,
    concurrency: int,
    headers: tuple[str, ...],
    serving: bool,
    port: int,
    faults: tuple[str, ...],
    fault_on: str | None,
    policies: tuple[str, ...],
    pin_clock: bool,
    secret_env: tuple[str, ...],
    ca: str | None,
    cert: str | None,
    cert_key: str | None,
    proxy: str | None,
    journal: str | None,
    no_journal: bool,
    config_file: str | None,
    as_json: bool,
) -> int:
    """Play SCENARIO (a file, or the name of a built-in one) against an integration.

    Exit code 0: everything was accepted; 1: something was not; 3: the target can't be reached.

    \b
    vendorsim play returning-customer --vendor smartsupp --to http://localhost:8000/hook
    vendorsim play returning-customer --vendor userlike --to http://localhost:8000/hook --fault duplicate@0.3
    vendorsim play authentication-by-chat --vendor userlike --to http://localhost:8000/hook --serve
    """
    from vendorsim.delivery import planning as setup
    from vendorsim.delivery.player import Options
    from vendorsim.delivery.playing import Playing
    from vendorsim.http import proxies
    from vendorsim.http.transport import tls_context
    from vendorsim.reporting.json_lines import JsonLines
    from vendorsim.reporting.terminal import Terminal
    from vendorsim.runs import config
    from vendorsim.runs.planning import prepare

    run = prepare(scenario, vendor, profile, seed=seed, start=start, count=count, spacing=spacing)
    loaded = config.load(config_file)
    needed = bool(run.profile.events) or not serving
    allowed = setup.Policies(run.vendor, run.profile, loaded, policies)
    places = setup.destinations(allowed, to, headers, secret_env, needed=needed)
    asked = setup.chosen_faults(run, faults, fault_on)
    run = setup.with_quirks(run, faults)
    setup.refuse_impossible(run, asked, places)
    tls = tls_context(ca, cert, cert_key) if ca or cert or cert_key else None
    chosen = Options(count=count, concurrency=concurrency, faults=asked, pin_clock=pin_clock)
    clock = SPEEDS[speed]
    reporter = JsonLines() if as_json else Terminal(run, count)
    with ExitStack() as stack:
        state = stack.enter_context(served(port)) if serving else None
        stack.enter_context(reporter)
        kept = open_journal(journal, no_journal)
        recorder = start_recorder(kept, "play", _about(run, places, count, faults), reporter.record)
        playing = Playing(
            run, allowed, places, chosen, clock, tls, state, recorder, proxy=proxies.proxy(proxy) if proxy else None
        )
        # Thousands of records wait for the journal; the usual eagerness to look through them costs a tenth of the time.
        gc.set_threshold(10_000, 10, 10)
        try:
            summary = playing.run_to_end()
        finally:
            recorder.close()
        reporter.finish(summary)
    return summary.exit_code


def _about(run: Run, places: list[Destination], count: int, faults: tuple[str, ...]) -> dict[str, object]:
    """What the journal keeps about a run."""
    return {
        "scenario": run.scenario.title,
        "vendor": run.vendor.name,
        "profile": run.profile.name,
        "seed": run.seed,
        "start": run.starts,
        "count": count,
        "targets": [place.endpoint.shown for place in places],
        "faults": faults,
    }
