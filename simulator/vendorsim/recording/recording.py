"""A recording: proxies between a vendor and an integration, in an event loop of its own thread, and the journal."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

from vendorsim.captures.exchange import Direction
from vendorsim.core.errors import UnreachableError
from vendorsim.delivery.records import Attempt, Record
from vendorsim.delivery.sequencer import Sequencer
from vendorsim.http import listening
from vendorsim.http.loop import loop_factory
from vendorsim.http.stream import Stream
from vendorsim.journal.pages import RECORDING
from vendorsim.journal.recorder import Recorder
from vendorsim.journal.store import Book
from vendorsim.recording.judging import Recorded, RecordingSummary, prepare, recorded
from vendorsim.recording.keeping import Keeping
from vendorsim.recording.passage import Passage
from vendorsim.recording.passed import LIMITS, Passed, PassingLimits, Way
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

# Bytes that may wait for the journal. Above it, further requests wait.
MOST_WAITING = 64 * 1024 * 1024
_BACKLOG = 1024
_PAUSE = 0.01


class Recording:
    """Passes requests on from when the `with` block begins until it ends, and keeps them in the journal.

    Each port has a way, and each way a target of its own. `report` is called with what is in the journal, in the order
    in which the requests were complete, by the journal's thread; `refused` with the status of a request that is no
    HTTP, and why, by the loop's thread. Without a journal everything is only reported. Port 0 picks a free port.
    """

    def __init__(
        self,
        vendor: Vendor,
        profile: Profile,
        ways: Sequence[tuple[Way, int]],
        journal: Book | None,
        report: Callable[[Recorded], None],
        refused: Callable[[int, str], None] = lambda status, why: None,
        host: str = "127.0.0.1",
        limits: PassingLimits = LIMITS,
        most_waiting: int = MOST_WAITING,
        namespace: str = "",
        most_webhooks: int | None = None,
    ) -> None:
        """`namespace` is the one of a server that the run in the journal belongs to; its number is `run`. Of more
        webhooks than `most_webhooks`, those that are complete later pass and are not kept. Raises UnreachableError when
        an address can't be used, and InputError when the journal can't."""
        self.summary = RecordingSummary(vendor.name, profile.name)
        self._vendor = vendor
        self.limits = limits
        self._report = report
        self._refused = refused
        self._most_waiting = most_waiting
        self._webhooks_left = most_webhooks
        self._keeping = Keeping(vendor, profile)
        prepare(vendor, profile)
        self._numbers = count(1)
        # The first is counted by the loop's thread, the second by the journal's.
        self._taken = self._stored = 0
        self._lock = Lock()
        self._listeners = _listeners(host, ways)
        self.urls = [listening.url(*listener.getsockname()[:2]) for _, listener in self._listeners]
        try:
            about = {"vendor": vendor.name, "profile": profile.name, "targets": [way.target.shown for way, _ in ways]}
            self.run = 0 if journal is None else journal.begin(RECORDING, about, namespace)
        except BaseException:
            self._close_listeners()
            raise
        self._recorder = Recorder(journal, self.run, Sequencer(self._tell), self._tell)
        self._loop = (loop_factory() or asyncio.new_event_loop)()
        self._tasks: set[asyncio.Task[None]] = set()
        self._streams = WeakSet[Stream]()
        self._closing: asyncio.Event | None = None
        self._ready = Event()
        self._thread = Thread(target=self._serve, name="vendorsim-recording", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def failure(self) -> str | None:
        """Why the journal can't be written, or None."""
        return self._recorder.failure

    def so_far(self) -> Mapping[str, Any]:
        """The summary of what is recorded until now, as JSON. Thread-safe, unlike `summary`."""
        with self._lock:
            return self.summary.document()

    def close(self) -> None:
        """Ends all connections, and writes the rest. Requests under way are kept as far as they came. Raises InputError
        when the journal can't be written."""
        if self._closing is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()
        self._recorder.close()

    # In the loop's thread

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._run())
        finally:
            self._loop.close()
            self._ready.set()

    async def _run(self) -> None:
        self._closing = asyncio.Event()
        servers = []
        for way, listener in self._listeners:
            made = partial(Stream, partial(self._accept, way))
            servers.append(await self._loop.create_server(made, sock=listener, backlog=_BACKLOG))
        self._ready.set()
        await self._closing.wait()
        for server in servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._close_connections()
        for server in servers:
            await server.wait_closed()

    async def _close_connections(self) -> None:
        """Gives what was written a moment to leave, and then closes all connections: a loop can't end before that."""
        await asyncio.sleep(_PAUSE)
        while streams := [stream for stream in self._streams if not stream.closed]:
            for stream in streams:
                stream.abort()
            await asyncio.sleep(_PAUSE / 10)

    def opened(self, stream: Stream) -> None:
        """Remembers a connection, to close it at the end."""
        self._streams.add(stream)

    def _accept(self, way: Way, client: Stream) -> None:
        self.opened(client)
        if self._closing is None or self._closing.is_set():
            client.abort()
            return
        passage, most = Passage(self, client, way), self.limits.connections
        if len(self._tasks) >= 2 * most:
            client.abort()
            return
        full = len(self._tasks) >= most
        task = self._loop.create_task(passage.turn_away(503, "too many connections") if full else passage.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def next_number(self) -> int:
        """The number of a request that has arrived, as soon as there is room to keep it."""
        while self._taken - self._stored > self._most_waiting and self._recorder.failure is None:
            await asyncio.sleep(_PAUSE)
        return next(self._numbers)

    def take(self, passed: Passed) -> None:
        """Keeps a request that is over, unless it is a webhook too many."""
        if self._webhooks_left is not None and passed.direction is Direction.WEBHOOK:
            if not self._webhooks_left:
                return
            self._webhooks_left -= 1
        self._taken += passed.size
        self._recorder.add(partial(self._keeping.item, passed))

    def refuse(self, status: int, why: str) -> None:
        """Counts a request that is no HTTP."""
        with self._lock:
            self.summary.refused[f"{status}: {why}"] += 1
        self._refused(status, why)

    # In the journal's thread

    def _tell(self, kept: Record | ApiCall) -> None:
        assert isinstance(kept, Attempt | ApiCall)
        self._stored += _size(kept)
        found = recorded(kept, self._vendor)
        with self._lock:
            self.summary.add(found)
        self._report(found)

    def _close_listeners(self) -> None:
        for _, listener in self._listeners:
            listener.close()


def _size(kept: Attempt | ApiCall) -> int:
    """The same as `Passed.size`."""
    request = (kept.request.body if kept.request else None) if isinstance(kept, Attempt) else kept.body
    return len(request or b"") + (0 if kept.answer is None else len(kept.answer.body)) + 4_096


def _listeners(host: str, ways: Sequence[tuple[Way, int]]) -> list[tuple[Way, socket.socket]]:
    found: list[tuple[Way, socket.socket]] = []
    try:
        for way, port in ways:
            option = "--listen" if way.direction is Direction.WEBHOOK else "--api-listen"
            found.append((way, listening.listen(host, port, option)))
    except UnreachableError:
        for _, listener in found:
            listener.close()
        raise
    return found
