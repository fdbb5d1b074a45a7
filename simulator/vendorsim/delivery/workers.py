"""Processes that share the work on a run: each sends the conversations of its share.

The first process forks them, takes what they send it, and stops them when it is interrupted. A worker learns that by
the end of a pipe, which also comes when the first process is killed: no worker is left behind.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from msgspec import Struct

from vendorsim.core.errors import VendorsimError, first_of_group
from vendorsim.delivery.play_options import Share
from vendorsim.http.loop import Stopping, loop_factory

# `multiprocessing` is imported when workers start, since most runs have none.
if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

# Seconds in which a worker has to end once nobody listens to it.
LONGEST_END = 5.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Work = Callable[[Share, Callable[[Any], None], Stopping], None]
"""What a worker does with its share. It hands what it finds to the function; `Stopping` tells when to end early."""


class WorkerError(VendorsimError):
    """A worker has ended before its share was sent."""

    def __init__(self, message: str, exit_code: int = 3) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def cannot_fork() -> str | None:
    """Returns why this process can't have workers, or None."""
    if not hasattr(os, "fork"):
        return "this system can't fork processes"
    if threading.active_count() > 1:
        return "other threads are running, which a fork would not copy"
    return None


def processors() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Worker(Struct):
    """A worker as the first process sees it."""

    name: str
    process: ForkProcess
    connection: Connection


class Workers:
    """The workers of a run, from their start to their end.

    They are forked when the `with` block begins: nothing else may run in this process then, such as threads or
    connections to databases. If the block ends by an error, they stop soon, as if interrupted. `interrupted` is whether
    they were stopped by a signal, `failure` the first failure of a worker, after which the others are stopped, too.
    """

    def __init__(self, count: int, work: Work) -> None:
        self._count = count
        self._work = work
        self._workers: list[_Worker] = []
        self._stack = ExitStack()
        self.interrupted = False
        self.failure: WorkerError | None = None

    def __enter__(self) -> Self:
        from multiprocessing import Pipe

        # Import it once, not in each worker.
        loop_factory()
        # It ends when this process closes its side, on purpose or not: then the workers stop.
        heard, self._going = Pipe(duplex=False)
        try:
            with heard, _blocked_signals():
                for number in range(self._count):
                    self._start(Share(number, self._count), heard)
                self._take_signals()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _start(self, share: Share, going: Connection) -> None:
        from multiprocessing import Pipe, get_context

        ours, theirs = Pipe(duplex=False)
        name = f"worker {share.number + 1} of {share.of}"
        foreign = [self._going, ours, *(worker.connection for worker in self._workers)]
        arguments = (self._work, share, theirs, going, foreign)
        process = get_context("fork").Process(target=_run, args=arguments, name=name, daemon=True)
        process.start()
        theirs.close()
        self._workers.append(_Worker(name, process, ours))

    def _take_signals(self) -> None:
        """The first Ctrl-C (or SIGTERM) stops the workers; the second one ends the program."""
        if threading.current_thread() is not threading.main_thread():
            return

        def interrupt(number: int, frame: object) -> None:
            restore()
            self.interrupted = True
            self.stop()

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
        self._stack.callback(restore)

    def messages(self) -> Iterator[tuple[int, Any]]:
        """Yields what the workers hand over, each with the worker's number (from 0), until all have ended."""
        from multiprocessing.connection import wait

        listening = {worker.connection: number for number, worker in enumerate(self._workers)}
        while listening:
            for ready in cast("list[Connection]", wait(list(listening))):
                number = listening[ready]
                try:
                    message = ready.recv()
                except (EOFError, OSError):
                    del listening[ready]
                    self._fail(_how_ended(self._workers[number]))
                    continue
                if isinstance(message, WorkerError):
                    self._fail(message)
                else:
                    yield number, message

    def _fail(self, failure: WorkerError | None) -> None:
        if failure is not None:
            self.failure = self.failure or failure
            self.stop()

    def stop(self) -> None:
        """Tells all workers to send nothing new."""
        self._going.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self.stop()
        for worker in self._workers:
            worker.connection.close()
            if kind is KeyboardInterrupt:
                worker.process.kill()
        for worker in self._workers:
            worker.process.join(LONGEST_END)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def _how_ended(worker: _Worker) -> WorkerError | None:
    """Returns the failure of a worker that has closed its connection; None if it has done its work."""
    worker.process.join(LONGEST_END)
    code = worker.process.exitcode
    if code == 0:
        return None
    how = f"by {signal.Signals(-code).name}" if code is not None and code < 0 else f"with exit code {code}"
    return WorkerError(
        f"{worker.name} (process {worker.process.pid}) was ended {how} before its conversations were sent"
    )


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """Holds signals back until those who are forked meanwhile, and this process, have their own handlers."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# In the process of a worker


def _run(work: Work, share: Share, pipe: Connection, going: Connection, foreign: Sequence[Connection]) -> None:
    # A connection ends when nobody has its other side any more: this process must not keep those of the others.
    for other in foreign:
        other.close()
    # The first process says when to stop: a Ctrl-C reaches both. A handler, since what a probe starts would inherit
    # that a signal is ignored.
    for number in _SIGNALS:
        signal.signal(number, lambda number, frame: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    try:
        with first_of_group():
            work(share, pipe.send, partial(_while_going, going))
    except VendorsimError as error:
        pipe.send(WorkerError(str(error), error.exit_code))
    except BrokenPipeError:
        # Nobody listens any more.
        return


@contextmanager
def _while_going(going: Connection, stop: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` when the first process closes its side, or ends."""
    loop = asyncio.get_running_loop()

    def stop_once() -> None:
        loop.remove_reader(going.fileno())
        stop()

    loop.add_reader(going.fileno(), stop_once)
    try:
        yield
    finally:
        loop.remove_reader(going.fileno())
