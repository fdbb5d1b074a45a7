"""Shared by commands that play or print a scenario: notes, the API server, and settings of the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from vendorsim.reporting.console import messages

if TYPE_CHECKING:
    from vendorsim.runs.config import Config
    from vendorsim.runs.timeline import Run
    from vendorsim.scenario.calls import Sink
    from vendorsim.server.backend import ServerBackend

# Milliseconds for which the same identification of a visitor counts as a duplicate.
DUPLICATE_INTERVAL = 60_000


def collect_garbage_rarely() -> None:
    """Makes the garbage collector run rarely, and skip every object that exists now.

    For commands that serve or send a lot. A collection stops all threads, and finds little: reference counting frees
    most objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def note_prevented(run: Run) -> None:
    """Prints a note on standard error for each step of the run that its vendor prevents."""
    from vendorsim.runs import library

    for problem in library.prevented_steps(run):
        click.echo(f"{problem.file}:{problem.line}:{problem.column}: note: {problem.message}", err=True)


def read_sinks(options: Iterable[str], serving: bool, config: Config) -> tuple[Sink, ...]:
    """The sinks of `--sink` and of vendorsim.yaml. Raises InputError, also for `--sink` without `--serve`."""
    from vendorsim.core.errors import InputError
    from vendorsim.runs.sinks import chosen_sinks

    sinks = chosen_sinks(options, config.sinks)
    if options and not serving:
        raise InputError("--sink takes calls while the vendors' APIs are served; add --serve")
    return sinks


@contextmanager
def served(
    port: int, duplicate_interval: int = DUPLICATE_INTERVAL, *, sinks: Iterable[Sink] = (), may_delay: bool = False
) -> Iterator[tuple[ServerBackend, str]]:
    """Serves the vendors' APIs and the sinks on a port of this machine (0: a free one) inside the `with` block; yields
    their state and the server's URL.

    With `may_delay`, subscribers of the calls may delay the answers. The fast path is then off, because a delay would
    block the server's event loop.
    """
    from vendorsim.server.app import create_app
    from vendorsim.server.backend import ServerBackend
    from vendorsim.server.fast_path import fast_path
    from vendorsim.server.serving import serve_app
    from vendorsim.server.sinks import path_of

    state = ServerBackend(duplicate_interval=duplicate_interval, sinks=sinks)
    fast_paths = () if may_delay else (fast_path(state),)
    with serve_app(create_app(state), "127.0.0.1", port, *fast_paths) as server:
        messages().print(f"The vendors' APIs answer at {server.url}")
        for sink in state.sinks.all():
            messages().print(f"The sink {sink.name} takes calls at {server.url}{path_of(sink.name)}", markup=False)
        try:
            yield state, server.url
        finally:
            state.close()
