"""The runs that were started through the control API: begun, followed, steered, stopped."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

from vendorsim.core.clock import SteeredClock, wall_clock
from vendorsim.core.errors import InputError
from vendorsim.core.times import iso
from vendorsim.delivery.destinations import Destinations
from vendorsim.delivery.expected_calls import ExpectedCalls
from vendorsim.delivery.planning import PreparedRun
from vendorsim.delivery.player import Player
from vendorsim.delivery.records import Over, Record
from vendorsim.server.backend import ServerBackend
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.settings import Shared

MOST_RUNS = 50
MOST_RUNNING = 10
RUNNING, FINISHED, STOPPED, FAILED = "running", "finished", "stopped", "failed"


@dataclass(slots=True)
class StartedRun:
    """One run. `source` is the scenario's text; `task` plays it. Times are milliseconds since 1970."""

    id: int
    prepared: PreparedRun
    source: str
    began_at: int
    player: Player
    clock: SteeredClock
    task: asyncio.Task[object]
    ended_at: int | None = None
    status: str = RUNNING
    reason: str | None = None
    watching: asyncio.Task[None] | None = None

    @property
    def destinations(self) -> Destinations:
        """Where its events go."""
        return self.prepared.destinations

    def document(self) -> dict[str, Any]:
        """The run as JSON; `summary` is what `vendorsim play --json` prints last."""
        run, speed = self.prepared.run, self.clock.speed
        return {
            "id": self.id,
            "status": self.status,
            "reason": self.reason,
            "scenario": run.scenario.title,
            "vendor": run.vendor.name,
            "profile": run.profile.name,
            "seed": run.seed,
            "count": self.prepared.options.count,
            "began_at": iso(self.began_at),
            "ended_at": None if self.ended_at is None else iso(self.ended_at),
            "clock": {
                "speed": "instant" if speed is None else f"{speed:g}x",
                "paused": self.clock.paused,
                "time": iso(self.clock.time()),
            },
            "summary": dict(self.player.summary.document()),
        }


class StartedRuns:
    """The runs of one namespace. Safe to use from any thread; a run that has ended stays for what is done by hand."""

    def __init__(
        self, state: ServerBackend, shared: Shared, emit: Callable[[int], Callable[[Record | Over], None]]
    ) -> None:
        """`emit` gives, for the number of a run, what gets its records."""
        self._state = state
        self._shared = shared
        self._emit = emit
        self._lock = Lock()
        self._starting = Lock()
        self._runs: OrderedDict[int, StartedRun] = OrderedDict()

    def all(self) -> list[StartedRun]:
        """All that are kept, the newest first."""
        with self._lock:
            return list(reversed(self._runs.values()))

    def get(self, number: int) -> StartedRun:
        """The run of that number. Raises ProblemError."""
        with self._lock:
            found = self._runs.get(number)
        if found is None:
            raise ProblemError(404, f"there is no run {number}, or it was forgotten")
        return found

    def documents(self, *runs: StartedRun) -> list[dict[str, Any]]:
        """The runs as JSON, each as it is at one moment."""
        return self._shared.background_loop.call(lambda: [run.document() for run in runs]) if runs else []

    def running(self) -> int:
        """How many are under way."""
        return sum(run.status == RUNNING for run in self.all())

    def start(
        self,
        prepared: PreparedRun,
        clock: SteeredClock,
        source: str,
        about: Mapping[str, object],
        namespace: str,
        *,
        shared: bool,
    ) -> StartedRun:
        """Starts a run; where it is `shared`, the vendor's API speaks of its targets and begins conversations in it.

        Raises ProblemError when too many are under way.
        """
        with self._starting:
            if self.running() >= MOST_RUNNING:
                raise ProblemError(429, f"{MOST_RUNNING} runs are under way; stop one, or wait for its end")
            number = self._shared.begin("run", about, namespace)
            started = self._shared.background_loop.run(self._begin(number, prepared, clock, source, shared))
        with self._lock:
            self._runs[number] = started
            over = [run for run in self._runs.values() if run.status != RUNNING]
            forgotten = over[: max(0, len(self._runs) - MOST_RUNS)]
            for old in forgotten:
                del self._runs[old.id]
        for old in forgotten:
            self._shared.background_loop.run(_end(old))
        return started

    async def _begin(
        self, number: int, prepared: PreparedRun, clock: SteeredClock, source: str, shared: bool
    ) -> StartedRun:
        calls = ExpectedCalls(self._state)
        player = Player(
            prepared.run,
            prepared.destinations,
            self._shared.background_loop.transport,
            clock,
            self._emit(number),
            prepared.options,
            calls=calls,
            room=self._shared.recorder.room,
        )
        task = asyncio.ensure_future(player.play())

        def ended(_: asyncio.Task[object]) -> None:
            calls.close()
            self._state.leave(prepared.run, player.open)

        task.add_done_callback(ended)
        started = StartedRun(number, prepared, source, wall_clock(), player, clock, task)
        await player.ready.wait()
        if shared:
            self._state.play(prepared.policies, prepared.destinations, player.open)
        started.watching = asyncio.ensure_future(self._watch(started))
        return started

    async def _watch(self, started: StartedRun) -> None:
        """Notes when the conversations of a run are over."""
        over = asyncio.ensure_future(started.player.over.wait())
        await asyncio.wait({over, started.task}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        # Whoever is told of the end finds all that was sent in the journal.
        with suppress(InputError):  # a journal that can't be written is told of by the server's health
            await asyncio.get_running_loop().run_in_executor(None, self._written, started.id)
        error = started.task.exception() if started.task.done() and not started.task.cancelled() else None
        if error is not None:
            started.status, started.reason = FAILED, str(error)
        elif started.status == RUNNING:
            started.status = FINISHED
        started.ended_at = wall_clock()

    def _written(self, run: int) -> None:
        """Returns once all of a run is written, and its end."""
        self._shared.recorder.flush()
        self._shared.end(run)

    def stop(self, started: StartedRun) -> None:
        """Ends a run: nothing new is sent. One that has ended stays as it is."""
        if started.status == RUNNING:
            started.status = STOPPED
        self._shared.background_loop.run(_end(started))

    def close(self) -> None:
        """Ends and forgets all runs."""
        with self._lock:
            ended = list(self._runs.values())
            self._runs.clear()
        for started in ended:
            self.stop(started)


async def _end(started: StartedRun) -> None:
    if started.task.done():
        return
    if started.status == RUNNING:
        started.status = STOPPED
    interrupted = started.player.summary.interrupted
    started.player.stop(aborting=False)
    if started.status == FINISHED:
        # The end of what was done by hand is no interruption of the run.
        started.player.summary.interrupted = interrupted
