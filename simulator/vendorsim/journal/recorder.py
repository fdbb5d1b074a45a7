"""Writes to the journal in a thread of its own, outside the hot path.

A record is reported only after its batch is committed: after `kill -9` the journal has everything that was reported.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from msgspec import Struct, field

from vendorsim.core.errors import InputError
from vendorsim.delivery.records import Attempt, Over, Record
from vendorsim.delivery.sequencer import Outlet
from vendorsim.journal.commits import Commits
from vendorsim.journal.store import Book
from vendorsim.vendorkit.api_call import ApiCall

Item = Record | Over | ApiCall | Callable[[], Record | ApiCall]
"""What a recorder writes; a function makes it, in the recorder's thread."""


# Seconds for which the writer collects a batch, and after which it looks whether the batch is large enough or a reader
# follows. It wakes rarely, and writes much at once: whatever it does, it needs the interpreter and a core. But it does
# not write more than `_MOST` items at once, since other threads wait meanwhile.
BATCH_SECONDS, _GATHERING_SECONDS, _ENOUGH, _MOST = 0.05, 0.01, 250, 1_000
# Seconds for which `Recorder.flush` waits at most.
LONGEST_WAIT = 30.0
# The player pauses while more records than this wait to be written.
BACKLOG = 20_000


class Recorder:
    """Writes records from the player and calls from the server in batches, in a thread of its own.

    After a batch is committed it hands the records to `outlet`, and reports the calls. With several runs in one
    recorder there is no common order of records; then `outlet` is None.
    """

    def __init__(
        self,
        journal: Book | None,
        run: int,
        outlet: Outlet | None,
        report_call: Callable[[ApiCall], None] = lambda call: None,
    ) -> None:
        self.commits = Commits()
        self._report_call = report_call
        self._journal = journal
        self._run = run
        self._outlet = outlet
        # None marks the end of the queue.
        self._queue: SimpleQueue[tuple[int, Item | threading.Event] | None] = SimpleQueue()
        self._closing = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def add(self, item: Item) -> None:
        """Queues a record, a call or the end of a conversation. Thread-safe."""
        self._queue.put((self._run, item))

    def add_to(self, run: int, item: Item) -> None:
        """Queues an item for another run of the same journal. Thread-safe."""
        self._queue.put((run, item))

    def flush(self) -> None:
        """Waits until everything queued so far is written, for at most LONGEST_WAIT seconds.

        Thread-safe, but not for the writer's own thread.
        """
        written = threading.Event()
        self._queue.put((self._run, written))
        written.wait(LONGEST_WAIT)

    @property
    def failure(self) -> str | None:
        """Why writing failed, or None."""
        return None if self._failure is None else str(self._failure)

    def backlog(self) -> int:
        """The number of items that wait to be written."""
        return self._queue.qsize()

    async def room(self) -> None:
        """Waits while too many records are queued. Raises the error that made writing fail."""
        while self._queue.qsize() > BACKLOG and self._failure is None:
            await asyncio.sleep(BATCH_SECONDS)
        self._raise_failure()

    def close(self, *, ends_run: bool = True) -> None:
        """Writes and reports the rest, and closes the journal. Raises InputError when the journal can't be written.

        Without `ends_run` the run goes on: others write to it, too.
        """
        self.commits.close()
        self._queue.put(None)
        self._closing.set()
        self._thread.join()
        if self._journal is not None:
            if self._failure is None and ends_run:
                self._journal.end(self._run)
            self._journal.close()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if isinstance(self._failure, sqlite3.Error):
            path = self._journal.path if self._journal is not None else ""
            raise InputError(f"{path}: the journal can't be written: {self._failure}")
        if self._failure is not None:
            raise self._failure

    def _write(self) -> None:
        ended = False
        while not ended:
            batch = self._collect()
            ended = batch.last
            try:
                if self._failure is not None:
                    continue
                if self._journal is not None:
                    for run, (attempts, calls) in batch.rows.items():
                        self._journal.add(run, attempts, calls)
                    self.commits.add()
                self._report(batch.reported, ended)
            except BaseException as error:
                self._failure = error
            finally:
                for written in batch.awaited:
                    written.set()

    def _report(self, items: Sequence[Record | Over | ApiCall], ended: bool) -> None:
        for item in items:
            if isinstance(item, ApiCall):
                self._report_call(item)
            elif self._outlet is not None:
                self._outlet.add(item)
        if self._outlet is None:
            return
        self._outlet.end_batch()
        if ended:
            self._outlet.flush()

    def _gather(self) -> None:
        """Waits until a batch fills a statement, or BATCH_SECONDS have passed; fewer while a reader follows.

        Waking up for every item would slow the player down more than the writing does; writing very large batches would
        block all other threads.
        """
        for _ in range(round(BATCH_SECONDS / _GATHERING_SECONDS)):
            if self._closing.wait(_GATHERING_SECONDS) or self._queue.qsize() >= _ENOUGH or self.commits.followed:
                return

    def _collect(self) -> _Batch:
        """Returns the next batch: the items that are queued shortly after its first one, at most `_MOST`."""
        batch, queue = _Batch(), self._queue
        queued = queue.get()
        if queued is not None:
            self._gather()
        while queued is not None:
            batch.add(*queued)
            if queue.empty() or len(batch.reported) >= _MOST:
                return batch
            queued = queue.get()
        batch.last = True
        return batch


class _Batch(Struct):
    """Items that are written together.

    `rows` are the attempts and calls of each run. `reported` are the items for the reporter. The events in `awaited`
    are set once the batch is written. `last` is true for the last batch.
    """

    rows: dict[int, tuple[list[Attempt], list[ApiCall]]] = field(default_factory=dict)
    reported: list[Record | Over | ApiCall] = field(default_factory=list)
    awaited: list[threading.Event] = field(default_factory=list)
    last: bool = False

    def add(self, run: int, item: Item | threading.Event) -> None:
        if callable(item):
            item = item()
        if isinstance(item, Attempt):
            self._rows_of(run)[0].append(item)
            self.reported.append(item)
        elif isinstance(item, ApiCall):
            self._rows_of(run)[1].append(item)
            self.reported.append(item)
        elif isinstance(item, threading.Event):
            self.awaited.append(item)
        else:
            self.reported.append(item)

    def _rows_of(self, run: int) -> tuple[list[Attempt], list[ApiCall]]:
        found = self.rows.get(run)
        if found is None:
            found = self.rows[run] = ([], [])
        return found
