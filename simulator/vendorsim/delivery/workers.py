"""Plays a run in several processes, each of which sends the conversations of its share.

A conversation is a function of its index, and at full speed nothing passes from one to another: who plays it makes no
difference. A worker stores its records, and then hands them to the first process, which puts them in the order of the
conversations and counts them. So what is reported, and in which order, is what one process would report.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec import Struct
from msgspec.structs import replace

from vendorsim.core.errors import VendorsimError, first_of_group
from vendorsim.delivery.planning import PreparedRun
from vendorsim.delivery.play_options import Share
from vendorsim.delivery.player import empty_summary
from vendorsim.delivery.playing import Stopping
from vendorsim.delivery.records import Attempt, Over, Record, Summary
from vendorsim.delivery.sequencer import Outlet, Sequencer, light
from vendorsim.http.loop import loop_factory
from vendorsim.runs.timeline import iter_events
from vendorsim.scenario.faults import CONNECTION, KEEP

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

# A worker costs the time of some hundred events to start: with fewer events each, they take longer than one process.
LEAST_EVENTS = 2_500
# With fewer conversations it is not even looked at how many events they have.
LEAST_CONVERSATIONS = 50
# With more workers the journal, which one process writes at a time, is the limit.
MOST_WORKERS = 8
# Seconds in which a worker has to end once nobody listens to it.
LONGEST_END = 5.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Work = Callable[[PreparedRun, Outlet, Stopping], Summary]
"""What a worker does: plays its share of a run and returns the summary when all is handed to the outlet."""


class WorkerError(VendorsimError):
    """A worker has ended before its share was sent."""

    def __init__(self, message: str, exit_code: int = 3) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def hindrance(prepared: PreparedRun) -> str | None:
    """Returns why a run can only be played by one process, or None."""
    options = prepared.options
    if not hasattr(os, "fork"):
        return "this system can't fork processes"
    if prepared.speed is not None:
        return "only a run at --speed instant is limited by the processor"
    if prepared.run.order() is not None:
        return "its conversations are sent in one order"
    if options.concurrency == 1:
        return "with --concurrency 1 conversations are sent one after the other"
    if options.count == 1:
        return "it has one conversation"
    chosen = (*options.faults, *(fault for step in prepared.run.scenario.steps for fault in step.faults))
    if any(fault.name == CONNECTION and fault.argument == KEEP for fault in chosen):
        return "with the fault connection=keep one connection is for all requests"
    if threading.active_count() > 1:
        return "other threads are running, which a fork would not copy"
    return None


def workers_that_pay(prepared: PreparedRun) -> int:
    """Returns the number of workers with which a run takes the least time."""
    options = prepared.options
    if options.count < LEAST_CONVERSATIONS or hindrance(prepared) is not None:
        return 1
    events = options.count * sum(1 for _ in iter_events(prepared.run.conversation(0)))
    return most_workers(prepared, max(1, min(events // LEAST_EVENTS, _processors(), MOST_WORKERS)))


def most_workers(prepared: PreparedRun, wanted: int) -> int:
    """Returns the number of workers, at most `wanted`, of which each has a conversation to send and may send it."""
    return min(wanted, prepared.options.count, prepared.options.concurrency)


def _processors() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Worker(Struct):
    """A worker as the first process sees it. `summary` is None until its share is sent."""

    name: str
    process: ForkProcess
    connection: Connection
    summary: Summary | None = None


class Workers:
    """The workers of a run, from their start to their end.

    They are forked when the `with` block begins: nothing else may run in this process then, such as threads or
    connections to databases. If the block ends by an error, they stop soon, as if interrupted.
    """

    def __init__(self, prepared: PreparedRun, count: int, work: Work) -> None:
        self._prepared = prepared
        self._count = count
        self._work = work
        self._workers: list[_Worker] = []
        self._stack = ExitStack()
        self._interrupted = False

    def __enter__(self) -> Self:
        # What all workers need is made once: the loop's module, people, validators.
        loop_factory()
        for _ in iter_events(self._prepared.run.conversation(0)):
            pass
        # It ends when this process closes its side, on purpose or not: then the workers stop.
        heard, self._going = connection.Pipe(duplex=False)
        with heard, _blocked_signals():
            for number in range(self._count):
                self._start(Share(number, self._count), heard)
            self._take_signals()
        return self

    def _start(self, share: Share, going: Connection) -> None:
        options = self._prepared.options
        prepared = replace(
            self._prepared, options=replace(options, share=share, concurrency=share.part(options.concurrency))
        )
        ours, theirs = connection.Pipe(duplex=False)
        name = f"worker {share.number + 1} of {share.of}"
        foreign = [self._going, ours, *(worker.connection for worker in self._workers)]
        arguments = (self._work, prepared, theirs, going, foreign)
        process = get_context("fork").Process(target=_work, args=arguments, name=name, daemon=True)
        process.start()
        theirs.close()
        self._workers.append(_Worker(name, process, ours))

    def _take_signals(self) -> None:
        """The first Ctrl-C (or SIGTERM) stops the workers; the second one ends the program."""
        if threading.current_thread() is not threading.main_thread():
            return

        def interrupt(number: int, frame: object) -> None:
            restore()
            self._interrupted = True
            self.stop()

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
        self._stack.callback(restore)

    def play(self, report: Callable[[Record], None]) -> Summary:
        """Reports the records of all workers in the order of the conversations. Returns the summary of the run.

        Raises WorkerError if a worker fails or is killed, when the others have stopped.
        """
        run, options = self._prepared.run, self._prepared.options
        summary = empty_summary(run, self._prepared.destinations, options.count)

        def count(record: Record) -> None:
            summary.add(record)
            report(record)

        sequencer = Sequencer(count)
        failures: list[WorkerError] = []
        listening = {worker.connection: worker for worker in self._workers}
        while listening:
            for ready in connection.wait(list(listening)):
                assert isinstance(ready, Connection)
                worker = listening[ready]
                try:
                    for item in ready.recv():
                        _take(item, worker, sequencer)
                except (EOFError, OSError):
                    del listening[ready]
                    failures += [] if worker.summary is not None else [_killed(worker)]
                except WorkerError as error:
                    failures.append(error)
                    worker.summary = empty_summary(run, self._prepared.destinations, 0)
                if failures or (worker.summary is not None and worker.summary.unreachable is not None):
                    self.stop()
        sequencer.flush()
        if failures:
            raise failures[0]
        for worker in self._workers:
            assert worker.summary is not None
            summary.join(worker.summary)
        summary.interrupted = self._interrupted
        return summary

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


def _take(item: Record | Over | Summary | WorkerError, worker: _Worker, sequencer: Sequencer) -> None:
    if isinstance(item, Summary):
        worker.summary = item
    elif isinstance(item, WorkerError):
        raise item
    else:
        sequencer.add(item)


def _killed(worker: _Worker) -> WorkerError:
    worker.process.join(LONGEST_END)
    code = worker.process.exitcode
    how = f"by {signal.Signals(-code).name}" if code is not None and code < 0 else f"with exit code {code}"
    return WorkerError(
        f"{worker.name} (process {worker.process.pid}) was ended {how} before its conversations were sent; "
        "what it sent until then is in the journal"
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


class _Outbox:
    """Hands records to the first process, without what reports don't need."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._batch: list[Record | Over] = []

    def add(self, item: Record | Over) -> None:
        self._batch.append(_lightest(item) if isinstance(item, Attempt) else item)

    def end_batch(self) -> None:
        if self._batch:
            self._pipe.send(self._batch)
            self._batch = []

    def flush(self) -> None:
        """Does nothing: each batch is handed over at once."""


def _lightest(attempt: Attempt) -> Record:
    event = replace(attempt.event, body=b"", headers={}, said=None)
    return light(replace(attempt, event=event))


def _work(
    work: Work, prepared: PreparedRun, pipe: Connection, going: Connection, foreign: Sequence[Connection]
) -> None:
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
            summary = work(prepared, _Outbox(pipe), partial(_while_going, going))
        pipe.send([summary])
    except VendorsimError as error:
        pipe.send([WorkerError(str(error), error.exit_code)])
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
