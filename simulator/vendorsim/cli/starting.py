"""`--wait` and `--launch`: waits for the integration, starts it, starts it again after a crash, and ends it."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Self

import click

from vendorsim.cli import options
from vendorsim.core import times
from vendorsim.core.clock import monotonic
from vendorsim.core.errors import InputError, UnreachableError
from vendorsim.reporting.text import visible

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from vendorsim.http.endpoint import Endpoint
    from vendorsim.http.readiness import Readiness
    from vendorsim.http.transport_options import TransportSettings
    from vendorsim.scenario.calls import Sink

# Seconds to wait for a program that is started, if --wait does not say.
DEFAULT_WAIT = 30.0
# Seconds between two attempts to reach it, between two looks whether it runs, and before it is started again.
ATTEMPT_PAUSE, WATCH_PAUSE, RESTART_PAUSE = 0.1, 0.05, 0.5
# Seconds in which a program that is started again has to be there: as long as `check` waits for it.
RESTART_WAIT = 15.0
# Seconds that a program gets to end after SIGTERM, and what it started gets to end after it.
ENDING, ENDING_REST = 5.0, 1.0
# The last bytes of its output that are kept, and the lines of them that are shown.
KEPT_OUTPUT, SHOWN_LINES = 64 * 1024, 30
# Words that only a shell understands.
_SHELL = re.compile(r"&&|\|\|?|;|&|[0-9&]?>{1,2}(&[0-9])?|<")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*")


@dataclass(frozen=True, slots=True)
class ReadyWait:
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


@dataclass(frozen=True, slots=True)
class StartOptions:
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
    from vendorsim.server.sinks import path_of

    if url is None:
        return {}
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
    with Program(given.launch, variables) as program, _ended_by_signals():
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


class Program:
    """A program that runs in a process group of its own, while the `with` block does.

    `said` is what it printed before it ended by itself for the first time. From `restarts` on it is started again each
    time.
    """

    def __init__(self, arguments: Sequence[str], variables: Mapping[str, str]) -> None:
        self.shown = shlex.join(arguments)
        self.said = ""
        self._arguments = arguments
        self._environment = {**os.environ, **variables}
        self._endings: list[str] = []
        # The last process whose end is noted.
        self._noted: subprocess.Popen[bytes] | None = None
        self._in_background = False
        self._lock = Lock()
        self._stopped = Event()
        self._restarting = Event()
        self._process: subprocess.Popen[bytes]
        self._output: _Output

    def __enter__(self) -> Self:
        self._start()
        self._watcher = Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        endings = self.endings()
        self.close()
        if endings and self._restarting.is_set():
            often = "once" if len(endings) == 1 else f"{len(endings)} times"
            said = self.said or self.last_output()
            click.echo(f"{self.shown} ended {often} by itself ({endings[0]}){said}", err=True)

    def close(self) -> None:
        """Ends the program, with all that it has started. It may be called again."""
        self._stopped.set()
        with _ended_by_signals():
            try:
                self._watcher.join()
            finally:
                _end(self._process)
        self._output.finish()

    def restarts(self) -> None:
        """From now on it is started again when it ends."""
        self._restarting.set()

    def endings(self) -> Sequence[str]:
        """Returns how it ended each time that nobody ended it: `exit code 1`, `signal SIGSEGV`."""
        self._note_ending()
        return tuple(self._endings)

    def last_output(self) -> str:
        """Returns the last lines that it has printed since it was started, for the end of a message."""
        lines = visible(self._output.text()).splitlines()[-SHOWN_LINES:]
        return "".join(("; it printed:", *(f"\n  | {line}" for line in lines))) if lines else "; it printed nothing"

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self._environment,
                # A group of its own, so that Ctrl-C is not sent to it, and what it starts can be ended with it.
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise InputError(f"{self.shown} can't be run: {error}") from None
        self._output = _Output(self._process)

    def _note_ending(self) -> bool:
        """Notes that the running process has ended, if it has. Returns whether it has."""
        with self._lock:
            code = self._process.poll()
            if code is None:
                return False
            if self._noted is not self._process:
                self._noted = self._process
                # Before it is ready, exit code 0 is that of a program that goes on in the background.
                self._in_background = code == 0 and not self._restarting.is_set()
                if not self._in_background:
                    self._endings.append(_ending(code))
            return True

    def _watch(self) -> None:
        """Notes each end of the program, and starts it again."""
        while not self._stopped.wait(WATCH_PAUSE):
            if not self._note_ending():
                continue
            if self._in_background:
                return
            # What it has left behind may hold its port.
            _signal_group(self._process, "SIGKILL")
            self._output.finish()
            self.said = self.said or self.last_output()
            if not self._restarting.is_set() or self._stopped.wait(RESTART_PAUSE):
                return
            with self._lock:
                try:
                    self._start()
                except InputError:
                    return


class _Output:
    """Reads what a process prints, and keeps the last of it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._stream = process.stdout
        self._data = bytearray()
        self._lock = Lock()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._stream:
            while data := os.read(self._stream.fileno(), KEPT_OUTPUT):
                with self._lock:
                    self._data += data
                    del self._data[:-KEPT_OUTPUT]

    def finish(self) -> None:
        """Waits until all is read. What another process still holds open is not waited for."""
        self._reader.join(ENDING_REST)

    def text(self) -> str:
        with self._lock:
            return self._data.decode(errors="replace")


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and its group: asks first, and kills what is left after some seconds."""
    try:
        _signal_group(process, "SIGTERM")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(ENDING)
            ends = monotonic() + ENDING_REST
            while monotonic() < ends and _signal_group(process, None):
                time.sleep(0.02)
    finally:
        _signal_group(process, "SIGKILL")
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], name: str | None) -> bool:
    """Sends a signal to the process group, or none. Returns whether there is such a group."""
    if not hasattr(os, "killpg"):  # Windows has no process groups.
        if name is not None and process.poll() is None:
            process.kill()
        return False
    try:
        os.killpg(process.pid, 0 if name is None else signal.Signals[name])
    except OSError:
        return False
    return True


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Inside the block, SIGTERM and SIGHUP end vendorsim as Ctrl-C does: in order, so that the program is ended."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            with contextlib.suppress(ValueError):  # not in the main thread
                before[name] = signal.signal(signal.Signals[name], interrupt)
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(signal.Signals[name], handler)
