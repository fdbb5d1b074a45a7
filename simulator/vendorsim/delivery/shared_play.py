"""Plays a run in several processes, so that nobody can tell by what is sent, stored or reported.

A conversation is a function of its index, and at full speed nothing passes from one to another: who plays it makes no
difference. A worker stores its records, and then hands them to the first process, which puts them in the order of the
conversations and counts them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Self

from msgspec.structs import replace

from vendorsim.delivery.planning import PreparedRun
from vendorsim.delivery.play_options import Share
from vendorsim.delivery.player import empty_summary
from vendorsim.delivery.records import Attempt, Over, Record, Summary
from vendorsim.delivery.sequencer import Outlet, Sequencer
from vendorsim.delivery.workers import Workers, cannot_fork, processors
from vendorsim.http.loop import Stopping
from vendorsim.runs.timeline import iter_events
from vendorsim.scenario.faults import CONNECTION, KEEP

# A worker costs the time of some hundred events to start: with fewer events each, they take longer than one process.
LEAST_EVENTS = 2_500
# With fewer conversations it is not even looked at how many events they have.
LEAST_CONVERSATIONS = 50
# With more workers the journal, which one process writes at a time, is the limit.
MOST_WORKERS = 8

PlayShare = Callable[[PreparedRun, Outlet, Stopping], Summary]
"""Plays the share of a prepared run, and returns its summary when all records are handed to the outlet."""


def hindrance(prepared: PreparedRun) -> str | None:
    """Returns why a run can only be played by one process, or None."""
    options = prepared.options
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
    return cannot_fork()


def workers_that_pay(prepared: PreparedRun) -> int:
    """Returns the number of workers with which a run takes the least time.

    On macOS it is 1: there a fork can crash, by libraries of the system, so it is left to who asks for it.
    """
    options = prepared.options
    if sys.platform == "darwin" or options.count < LEAST_CONVERSATIONS or hindrance(prepared) is not None:
        return 1
    events = options.count * sum(1 for _ in iter_events(prepared.run.conversation(0)))
    return most_workers(prepared, max(1, min(events // LEAST_EVENTS, processors(), MOST_WORKERS)))


def most_workers(prepared: PreparedRun, wanted: int) -> int:
    """Returns the number of workers, at most `wanted`, of which each has a conversation to send and may send it."""
    return min(wanted, prepared.options.count, prepared.options.concurrency)


class SharedPlay:
    """A run that is played by `count` workers, each of which calls `play_share`. They start with the `with` block."""

    def __init__(self, prepared: PreparedRun, count: int, play_share: PlayShare) -> None:
        self._prepared = prepared
        self._play_share = play_share
        self._workers = Workers(count, self._work)

    def __enter__(self) -> Self:
        # What all workers need is made once: people, validators.
        for _ in iter_events(self._prepared.run.conversation(0)):
            pass
        self._workers.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._workers.__exit__(*error)

    def _work(self, share: Share, hand_over: Callable[[Any], None], stopping: Stopping) -> None:
        options = self._prepared.options
        options = replace(options, share=share, concurrency=share.part(options.concurrency), counts=False)
        summary = self._play_share(replace(self._prepared, options=options), _Outbox(hand_over), stopping)
        hand_over([summary])

    def play(self, report: Callable[[Record], None]) -> Summary:
        """Reports the records of all workers in the order of the conversations. Returns the summary of the run.

        Raises WorkerError if a worker fails or is killed, when the others have stopped.
        """
        workers = self._workers
        summary = empty_summary(self._prepared.run, self._prepared.destinations, self._prepared.options.count)

        def count(record: Record) -> None:
            summary.add(record)
            report(record)

        sequencer = Sequencer(count)
        for _, items in workers.messages():
            for item in items:
                if isinstance(item, Summary):
                    summary.join(item)
                    if summary.unreachable is not None:
                        workers.stop()
                else:
                    sequencer.add(item)
        sequencer.flush()
        if workers.failure is not None:
            raise workers.failure
        summary.interrupted = workers.interrupted
        return summary


class _Outbox:
    """Hands records over in batches, without what reports don't need."""

    def __init__(self, hand_over: Callable[[Any], None]) -> None:
        self._hand_over = hand_over
        self._batch: list[Record | Over] = []

    def add(self, item: Record | Over) -> None:
        self._batch.append(_lightest(item) if isinstance(item, Attempt) else item)

    def end_batch(self) -> None:
        if self._batch:
            self._hand_over(self._batch)
            self._batch = []

    def flush(self) -> None:
        """Does nothing: each batch is handed over at once."""


def _lightest(attempt: Attempt) -> Record:
    event = replace(attempt.event, body=b"", headers={}, said=None)
    return replace(attempt, event=event, request=None, answer=None)
