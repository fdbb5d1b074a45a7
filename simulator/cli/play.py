"""`vendorsim play`: a scenario, live, against an integration."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from simulator.cli import options
from simulator.reporting.console import messages

if TYPE_CHECKING:
    from simulator.delivery.player import Destination, Player
    from simulator.delivery.records import Record, Summary
    from simulator.server.state import ServerState
    from simulator.timeline import Run

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
@click.option("--config", "config_file", metavar="FILE", help="Instead of the nearest vendorsim.yaml.")
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
    config_file: str | None,
    as_json: bool,
) -> int:
    """Play SCENARIO (a file, or the name of a built-in one) against an integration.

    Exit code 0: everything was accepted; 1: something was not; 3: the target can't be reached.

    \b
    vendorsim play returning-customer --vendor smartsupp --to http://localhost:8000/hook
    vendorsim play authentication-by-chat --vendor userlike --to http://localhost:8000/hook --serve
    """
    from simulator.reporting.json_lines import JsonLines
    from simulator.reporting.terminal import Terminal
    from simulator.runs import prepare

    run = prepare(scenario, vendor, profile, seed=seed, start=start, count=count, spacing=spacing)
    _refuse_what_play_cannot_do(run, scenario)
    places = _destinations(run, to, headers, config_file, serving)
    reporter = JsonLines() if as_json else Terminal(run, count)
    with ExitStack() as stack:
        state = stack.enter_context(_served(port)) if serving else None
        stack.enter_context(reporter)
        summary = asyncio.run(_play(run, places, SPEEDS[speed], count, concurrency, state, reporter.record))
        reporter.finish(summary)
    return summary.exit_code


def _refuse_what_play_cannot_do(run: Run, scenario: str) -> None:
    from simulator.errors import DocumentError, Problem
    from simulator.scenario.verbs import Probe

    problems = []
    for step in run.scenario.steps:
        found = "'fault'" if step.fault else "'probe'" if isinstance(step.verb, Probe) else None
        if found:
            message = (
                f"{found} is part of the format, and 'play' can't carry it out yet; remove it to play this scenario"
            )
            problems.append(Problem(run.scenario.file, step.line, step.column, message))
    if problems:
        raise DocumentError(problems)


def _destinations(
    run: Run, to: str | None, headers: tuple[str, ...], config_file: str | None, serving: bool
) -> list[Destination]:
    from simulator import config
    from simulator.delivery.endpoint import header
    from simulator.delivery.player import destination
    from simulator.errors import InputError

    given = dict(header(text) for text in headers)
    loaded = config.load(config_file)
    if to is not None:
        return [destination(config.Target(to), given)]
    places = [destination(target, given) for target in loaded.targets.get(run.vendor.name, ())]
    if not places and (run.profile.events or not serving):
        where = loaded.file or "vendorsim.yaml (there is none here)"
        raise InputError(f"no target: give --to URL, or name targets of {run.vendor.name} in {where}")
    return places


@contextmanager
def _served(port: int) -> Iterator[ServerState]:
    from simulator.server.app import create_app
    from simulator.server.state import ServerState
    from simulator.server.wsgi import running_server

    state = ServerState()
    with running_server(create_app(state), "127.0.0.1", port) as server:
        messages().print(f"The vendors' APIs answer at {server.url}")
        yield state


async def _play(
    run: Run,
    places: list[Destination],
    speed: float | None,
    count: int,
    concurrency: int,
    state: ServerState | None,
    record: Callable[[Record], None],
) -> Summary:
    from simulator.delivery.clock import InstantClock, ScaledClock
    from simulator.delivery.player import Player
    from simulator.delivery.transport import HttpTransport

    calls = None
    if state is not None:
        from simulator.delivery.calls import CallJudge

        calls = CallJudge(state)
    clock = InstantClock() if speed is None else ScaledClock(run.starts, speed)
    transport = HttpTransport()
    player = Player(run, places, transport, clock, record, count=count, concurrency=concurrency, calls=calls)
    with _interruptible(player):
        try:
            return await player.play()
        finally:
            transport.abort()
            if calls is not None:
                calls.close()


@contextmanager
def _interruptible(player: Player) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) ends the run with its summary; the second one ends the program."""
    loop = asyncio.get_running_loop()
    caught = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        player.stop()
        release()

    def release() -> None:
        for number in caught:
            loop.remove_signal_handler(number)

    try:
        for number in caught:
            loop.add_signal_handler(number, stop)
    except (NotImplementedError, ValueError, RuntimeError):
        # No signal handlers on this platform, or not in the main thread: Ctrl-C raises as usual.
        yield
        return
    try:
        yield
    finally:
        release()
