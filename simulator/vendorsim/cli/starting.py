"""`--wait` and `--launch`: waits for the integration, and runs it meanwhile."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from vendorsim.cli import options
from vendorsim.cli.program import Program, ended_by_signals
from vendorsim.core import times
from vendorsim.core.clock import monotonic
from vendorsim.core.errors import InputError, UnreachableError

if TYPE_CHECKING:
    from vendorsim.http.endpoint import Endpoint
    from vendorsim.http.readiness import Readiness
    from vendorsim.http.transport_options import TransportSettings
    from vendorsim.scenario.calls import Sink

# Seconds to wait for a program that is started, if --wait does not say.
DEFAULT_WAIT = 30.0
# Seconds between two attempts to reach it.
ATTEMPT_PAUSE = 0.1
# Seconds in which a program that is started again has to be there: as long as `check` waits for it.
RESTART_WAIT = 15.0
# Words that only a shell understands.
_SHELL = re.compile(r"&&|\|\|?|;|&|[0-9&]?>{1,2}(&[0-9])?|<")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*")


class ReadyWait(Struct, frozen=True):
    """`--wait`: seconds, and the URL of the health if the target's port is not to be asked."""

    seconds: float
    health: str | None
    text: str

    def __str__(self) -> str:
        return self.text


class WaitType(click.ParamType[ReadyWait]):
    """`TIME` or `TIME=URL`."""

    name = "wait"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ReadyWait:
        from vendorsim.http.endpoint import endpoint

        if isinstance(value, ReadyWait):
            return value
        limit, _, url = value.partition("=")
        try:
            seconds = times.duration(limit) / 1000
            shown = f"{limit}={endpoint(url).shown}" if url else limit
        except (ValueError, InputError) as error:
            self.fail(f"{error}; write --wait 30s, or --wait 30s=http://localhost:8000/health", param, ctx)
        return ReadyWait(seconds, url or None, shown)


class StartType(click.ParamType[tuple[str, ...]]):
    """A program and its arguments, split as a POSIX shell splits them; no shell runs it."""

    name = "command"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if not isinstance(value, str):
            return tuple(value)
        try:
            words = tuple(shlex.split(value))
        except ValueError as error:
            self.fail(f"{error}; quote arguments as in a shell", param, ctx)
        if not words:
            self.fail("it names no program; write the program and its arguments", param, ctx)
        shell = next((word for word in words if _SHELL.fullmatch(word)), None)
        if shell is not None and os.path.basename(words[0]) not in ("sh", "bash", "dash", "zsh", "ksh"):
            self.fail(f"no shell runs it, so '{shell}' would be an argument; write: sh -c 'COMMANDS'", param, ctx)
        if _ASSIGNMENT.fullmatch(words[0]):
            self.fail(f"no shell runs it; to set {words[0].partition('=')[0]}, write: env {value}", param, ctx)
        if shutil.which(words[0]) is None:
            self.fail(f"there is no program '{words[0]}', or it can't be run", param, ctx)
        return words


class StartOptions(Struct, frozen=True):
    """The options `--wait` and `--launch`."""

    wait: ReadyWait | None
    launch: tuple[str, ...] | None


def starting(*names: str) -> Callable[[options.F], options.F]:
    """`--wait TIME[=URL]` and, under these names, `--launch COMMAND`, as the parameter `program`."""

    def decorate(command: options.F) -> options.F:
        return _starting(names, command)

    return decorate


def _starting(names: Sequence[str], command: options.F) -> options.F:
    command = options.grouped("program", options.same("wait", "launch"), StartOptions)(command)
    help = (
        "Start the integration without a shell, wait for it (30s, or --wait), start it again after a crash, and end it "
        "with all that it started. VENDORSIM_API_URL tells it the URL of --serve."
    )
    command = click.option(*names, "launch", metavar="COMMAND", type=StartType(), help=help)(command)
    help = "Wait so long until the target accepts connections, or until URL answers 2xx."
    return click.option("--wait", metavar="TIME[=URL]", type=WaitType(), help=help)(command)


def environment(url: str | None, sinks: Iterable[Sink] = ()) -> dict[str, str]:
    """Returns the variables that tell the started program where the vendors' APIs and the sinks are."""
    if url is None:
        return {}
    from vendorsim.server.sinks import path_of

    named = {re.sub(r"\W", "_", sink.name).upper(): f"{url}{path_of(sink.name)}" for sink in sinks}
    return {"VENDORSIM_API_URL": url, **{f"VENDORSIM_SINK_{name}_URL": place for name, place in named.items()}}


@contextmanager
def integration(
    given: StartOptions, targets: Sequence[Endpoint], settings: TransportSettings, variables: Mapping[str, str]
) -> Iterator[Program | None]:
    """Starts the integration if `--launch` asks for it, and waits for it if that or `--wait` does; at the end of
    the `with` block ends what it started. Yields the program, or None.

    `variables` are added to the program's environment. Raises UnreachableError if it does not come up, or if something
    else answers already; InputError if there is nothing to wait for.
    """
    from vendorsim.http.endpoint import endpoint
    from vendorsim.http.readiness import Readiness

    if given.wait is None and given.launch is None:
        yield None
        return
    health = None if given.wait is None or given.wait.health is None else endpoint(given.wait.health)
    if health is None and settings.proxy is not None:
        raise InputError("a proxy accepts connections whether or not the target does: write --wait TIME=URL")
    readiness = Readiness(targets, health, settings)
    seconds = DEFAULT_WAIT if given.wait is None else given.wait.seconds
    if given.launch is None:
        _wait(readiness, seconds, None)
        yield None
        return
    if readiness.missing() is None:
        raise UnreachableError(
            f"{readiness.shown} answers already, though nothing is started yet: end what listens there"
        )
    with Program(given.launch, variables) as program, ended_by_signals():
        _wait(readiness, seconds, program)
        program.restarts()
        yield program


def _wait(readiness: Readiness, seconds: float, program: Program | None) -> None:
    """Waits until it is ready. Raises UnreachableError."""
    ends = monotonic() + seconds
    while (missing := readiness.missing()) is not None:
        if program is not None and (endings := program.endings()):
            program.close()
            said = program.last_output()
            raise UnreachableError(f"{program.shown} ended with {endings[0]}, before it was ready{said}")
        if monotonic() >= ends:
            said = "" if program is None else program.last_output()
            raise UnreachableError(f"not ready after {seconds:g} s: {missing}{said}")
        time.sleep(ATTEMPT_PAUSE)
