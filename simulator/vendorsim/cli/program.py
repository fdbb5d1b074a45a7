"""A program that runs while a command does: kept running, its output read, and ended with all that it has started."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Self

import click

from vendorsim.core.clock import monotonic
from vendorsim.core.errors import InputError
from vendorsim.reporting.text import visible

if TYPE_CHECKING:
    from types import FrameType, TracebackType

# Seconds between two looks whether it runs, and before it is started again.
WATCH_PAUSE, RESTART_PAUSE = 0.05, 0.5
# Seconds that a program gets to end after SIGTERM, and what it started gets to end after it.
ENDING, ENDING_REST = 5.0, 1.0
# The last bytes of its output that are kept, and the lines of them that are shown.
KEPT_OUTPUT, SHOWN_LINES = 64 * 1024, 30


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
        with ended_by_signals():
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
                # A program that goes on in the background ends with exit code 0, before it is ready or a moment later.
                goes_on = not self._restarting.is_set() or _signal_group(self._process, None)
                self._in_background = code == 0 and goes_on
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
def ended_by_signals() -> Iterator[None]:
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
