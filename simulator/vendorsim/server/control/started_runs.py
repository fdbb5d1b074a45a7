"""The runs that the control API starts: starts, watches and stops them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock
from typing import Any

from msgspec import Struct

from vendorsim.core.clock import SteeredClock, wall_clock
from vendorsim.core.errors import InputError
from vendorsim.core.times import iso
from vendorsim.delivery.destinations import Destinations
from vendorsim.delivery.diagnosis import diagnose, evidence_of_run
from vendorsim.delivery.expected_calls import ExpectedCalls
from vendorsim.delivery.planning import PreparedRun
from vendorsim.delivery.player import Player
from vendorsim.delivery.records import Over, Record
from vendorsim.probes.model import StateProbe
from vendorsim.server.backend import ServerBackend
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.settings import MOST_RUNS, Shared

MOST_RUNNING = 10
RUNNING, FINISHED, STOPPED, FAILED = "running", "finished", "stopped", "failed"
# How a run goes, beyond its status.
FAILING, PASSED, STOPPED_FAILING, BROKEN_OFF = "failing", "passed", "stopped, failing", "broken off"
STATES = (RUNNING, FAILING, PASSED, FAILED, "unreachable", "incomplete", STOPPED, STOPPED_FAILING, BROKEN_OFF)


class StartedRun(Struct):
    """One run. `source` is the scenario's YAML; `task` plays the run. Times are milliseconds since 1970 (UTC)."""

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
        """The destinations of its events."""
        return self.prepared.destinations

    def document(self) -> dict[str, Any]:
        """Returns the run as JSON. `summary` is the last document that `vendorsim play --json` prints."""
        run, speed = self.prepared.run, self.clock.speed
        summary = self.player.summary
        found = diagnose(evidence_of_run(summary))
        return {
            "id": self.id,
            "status": self.status,
            "state": self.state,
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
            "diagnosis": None if found is None else found.document(),
            "summary": dict(summary.document()),
        }

    @property
    def state(self) -> str:
        """How the run goes, by what has happened so far: one of STATES."""
        summary = self.player.summary
        failing = bool(summary.not_accepted or summary.missed)
        if self.status == RUNNING:
            return FAILING if failing else RUNNING
        if self.status == STOPPED:
            return STOPPED_FAILING if failing else STOPPED
        if self.status == FAILED:
            return BROKEN_OFF
        # A finished run is stopped when it is closed to manual steps; what it said until then holds.
        return summary.fell_short_as or PASSED


class StartedRuns:
    """The runs of one namespace. Safe to use from any thread. An ended run stays open for manual steps.

    It keeps `most_runs` runs and forgets the oldest ended ones; `MOST_RUNNING` can be active at once.
    """

    def __init__(
        self,
        state: ServerBackend,
        shared: Shared,
        emit: Callable[[int], Callable[[Record | Over], None]],
        most_runs: int = MOST_RUNS,
    ) -> None:
        """`emit` returns the function that takes the records of a run, by the number of the run."""
        self._state = state
        self._shared = shared
        self._emit = emit
        self._most_runs = most_runs
        self._lock = Lock()
        self._starting = Lock()
        self._runs: OrderedDict[int, StartedRun] = OrderedDict()

    def all(self) -> list[StartedRun]:
        """Returns all runs, newest first."""
        with self._lock:
            return list(reversed(self._runs.values()))

    def get(self, number: int) -> StartedRun:
        """Returns a run by its number. Raises ProblemError (404)."""
        with self._lock:
            found = self._runs.get(number)
        if found is None:
            raise ProblemError(404, f"there is no run {number}, or it was forgotten")
        return found

    def documents(self, *runs: StartedRun) -> list[dict[str, Any]]:
        """Returns the runs as JSON, in one consistent snapshot."""
        return self._shared.background_loop.call(lambda: [run.document() for run in runs]) if runs else []

    def running(self) -> int:
        """Returns the number of active runs."""
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
        """Starts a run. If it is `shared`, the vendor's API works on its targets and starts conversations in it.

        `source` is the scenario's YAML; `about` describes the run in the journal. Raises ProblemError (429) if too
        many runs are active, and InputError for a probe that can't be opened.
        """
        with self._starting:
            if self.running() >= MOST_RUNNING:
                raise ProblemError(429, f"{MOST_RUNNING} runs are under way; stop one, or wait for its end")
            loop = self._shared.background_loop
            probe = loop.call(lambda: prepared.open_probe(loop.transport, self._state.ledger.state))
            number = self._shared.begin("run", about, namespace)
            started = loop.run(self._begin(number, prepared, clock, source, shared, probe))
        with self._lock:
            self._runs[number] = started
            ended = [run for run in self._runs.values() if run.status != RUNNING]
            forgotten = ended[: max(0, len(self._runs) - self._most_runs)]
            for old in forgotten:
                del self._runs[old.id]
        for old in forgotten:
            self._shared.background_loop.run(_end(old))
        return started

    async def _begin(
        self,
        number: int,
        prepared: PreparedRun,
        clock: SteeredClock,
        source: str,
        shared: bool,
        probe: StateProbe | None,
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
            probe=probe,
            room=self._shared.recorder.room,
        )

        async def play() -> None:
            try:
                await player.play()
            finally:
                if probe is not None:
                    await probe.close()

        task = asyncio.ensure_future(play())
        forget_outages = self._state.watch_outages(player.api_is_away)

        def ended(_: asyncio.Task[object]) -> None:
            calls.close()
            forget_outages()
            self._state.leave(prepared.run, player)

        task.add_done_callback(ended)
        started = StartedRun(number, prepared, source, wall_clock(), player, clock, task)
        await player.ready.wait()
        if shared:
            self._state.play(prepared.policies, prepared.destinations, player)
        started.watching = asyncio.ensure_future(self._watch(started))
        return started

    async def _watch(self, started: StartedRun) -> None:
        """Waits until the conversations of a run have ended, and sets its status."""
        over = asyncio.ensure_future(started.player.over.wait())
        await asyncio.wait({over, started.task}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        # Write the journal before the status changes: a client that sees the end finds all attempts.
        with suppress(InputError):  # `/health` reports a journal that can't be written.
            await asyncio.get_running_loop().run_in_executor(None, self._flush, started.id)
        error = started.task.exception() if started.task.done() and not started.task.cancelled() else None
        if error is not None:
            started.status, started.reason = FAILED, str(error)
        elif started.status == RUNNING:
            started.status = FINISHED
        started.ended_at = wall_clock()

    def _flush(self, run: int) -> None:
        """Writes all records of a run, and its end, to the journal."""
        self._shared.recorder.flush()
        self._shared.end(run)

    def stop(self, started: StartedRun) -> None:
        """Stops a run: it sends nothing more. An ended run keeps its status."""
        if started.status == RUNNING:
            started.status = STOPPED
        self._shared.background_loop.run(_end(started))

    def close(self) -> None:
        """Stops and forgets all runs."""
        with self._lock:
            runs = list(self._runs.values())
            self._runs.clear()
        for started in runs:
            self.stop(started)


async def _end(started: StartedRun) -> None:
    if started.task.done():
        return
    if started.status == RUNNING:
        started.status = STOPPED
    interrupted = started.player.summary.interrupted
    started.player.stop(aborting=False)
    if started.status == FINISHED:
        # Closing a finished run to manual steps doesn't interrupt it.
        started.player.summary.interrupted = interrupted
