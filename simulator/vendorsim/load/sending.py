"""Sends a share of a mix as an open model: a conversation begins when it arrives, however slow the target is.

Each scenario of the mix has a player of its own (`vendorsim.delivery.player`), which delivers as for `vendorsim play`:
order of events, policy, retries, faults. This module decides when conversations begin, and measures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

from msgspec.structs import replace

from vendorsim.core.clock import Clock, InstantClock, ScaledClock, monotonic, wall_clock
from vendorsim.delivery.planning import PreparedRun
from vendorsim.delivery.play_options import Share
from vendorsim.delivery.player import Player
from vendorsim.delivery.records import GIVEN_UP, LOST, NOT_SENT, UNREACHABLE, Attempt, Over, Record
from vendorsim.http.loop import Stopping, loop_factory
from vendorsim.http.transport import Transport
from vendorsim.load.options import PreparedLoad
from vendorsim.load.tally import Tally
from vendorsim.runs.timeline import Run, iter_events

# Seconds between two calls of `glance`.
GLANCE = 1.0


class Sending:
    """Sends one share, once. `tally` has the results, also while it sends."""

    def __init__(
        self,
        prepared: PreparedLoad,
        share: Share | None = None,
        *,
        attempted: Callable[[Attempt], None] = lambda attempt: None,
        glance: Callable[[Tally, int], None] = lambda tally, under_way: None,
        stopping: Stopping | None = None,
    ) -> None:
        """`attempted` is called with every attempt; `glance` every second, with the results so far and the number of
        conversations in progress. `stopping` ends the sending early, and the results are returned."""
        self._prepared = prepared
        self._mix = prepared.mix
        self._share = share or Share()
        self._attempted = attempted
        self._glance = glance
        self._stopping = stopping
        self.tally = Tally(scenarios={entry.name: 0 for entry in prepared.mix.entries})
        self._players: list[Player] = []
        # The planned beginning of each conversation in progress, in seconds of the monotonic clock.
        self._planned: dict[int, float] = {}
        self._origin = 0.0
        self._reached = False
        self._all_begun = False
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._quiet: asyncio.Event | None = None

    def run_to_end(self) -> Tally:
        """Sends the share in an event loop of its own, uvloop where it is installed."""
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(self.send())

    def stop_soon(self) -> None:
        """Ends the sending early. For other threads; it may be called before the sending has begun."""
        self.tally.interrupted = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.stop)

    def stop(self) -> None:
        """Ends the sending early. Requests in flight get two seconds to be answered. Call it in the event loop."""
        self.tally.interrupted = True
        if self._stopped is not None:
            self._stopped.set()

    async def send(self) -> Tally:
        """Sends the share and returns the results."""
        self._loop = asyncio.get_running_loop()
        self._stopped, self._quiet = asyncio.Event(), asyncio.Event()
        if self.tally.interrupted:
            self._stopped.set()
        self._warm_up()
        transport = self._prepared.transport.open()
        self._players = [self._player(run, transport) for run in self._prepared.runs]
        try:
            with nullcontext() if self._stopping is None else self._stopping(self.stop):
                await self._send_all(self._stopped)
        finally:
            transport.abort()
        self.tally.seconds = monotonic() - self._origin
        return self.tally

    async def _send_all(self, stopped: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            for player in self._players:
                tasks.create_task(player.play())
            for player in self._players:
                await player.ready.wait()
            self.tally.began, self._origin = wall_clock(), monotonic()
            progress = tasks.create_task(self._report_progress())
            in_time = await self._begin_all(tasks, stopped) and await self._wait_for_all(stopped)
            self._close(in_time)
            progress.cancel()

    def _warm_up(self) -> None:
        """Creates what is created once (people, validators), before the clock starts."""
        for entry in self._mix.entries:
            for _ in iter_events(entry.run.conversation(0)):
                pass

    def _player(self, prepared: PreparedRun, transport: Transport) -> Player:
        """Returns a player of a run without conversations of its own; `_arrive` begins them one by one."""
        options = replace(prepared.options, count=0, concurrency=self._prepared.most_open, stays=True, counts=False)
        note = partial(self._note, prepared.run)
        return Player(prepared.run, prepared.destinations, transport, InstantClock(), note, options)

    async def _report_progress(self) -> None:
        while True:
            await asyncio.sleep(GLANCE)
            self.tally.seconds = monotonic() - self._origin
            self._glance(self.tally, len(self._planned))

    async def _begin_all(self, tasks: asyncio.TaskGroup, stopped: asyncio.Event) -> bool:
        """Begins every conversation when it arrives. Returns False when the sending was stopped before."""
        beginning = tasks.create_task(self._begin_each())
        stopping = tasks.create_task(stopped.wait())
        await asyncio.wait({beginning, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if beginning.done():
            return not stopped.is_set()
        beginning.cancel()
        return False

    async def _begin_each(self) -> None:
        for index, at in self._mix.planned(self._share):
            due = self._origin + at
            # Sleep even when late, so that the event loop can read answers.
            await asyncio.sleep(max(0.0, due - monotonic()))
            self._arrive(index, at, due)

    def _arrive(self, index: int, at: float, due: float) -> None:
        tally = self.tally
        tally.arrived += 1
        slot = tally.series.at(at)
        slot.arrived += 1
        if len(self._planned) >= self._prepared.most_open:
            tally.shed += 1
            slot.shed += 1
            return
        number = self._mix.choose(index)
        entry = self._mix.entries[number]
        tally.started += 1
        tally.scenarios[entry.name] += 1
        tally.lateness.add(int((monotonic() - due) * 1e6))
        self._planned[index] = due
        self._players[number].begin(index, self._clock(entry.run, index))

    def _clock(self, run: Run, index: int) -> Clock:
        speed = self._mix.traffic.speed
        return InstantClock() if speed is None else ScaledClock(_start(run, index), speed)

    async def _wait_for_all(self, stopped: asyncio.Event) -> bool:
        """Waits for the conversations in progress. Returns False when stopped before, or when they take too long."""
        assert self._quiet is not None
        if not self._planned:
            return True
        waiting = [asyncio.ensure_future(event.wait()) for event in (self._quiet, stopped)]
        self._all_begun = True
        timeout = self._mix.longest + self._prepared.drain
        await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        return not self._planned

    def _close(self, in_time: bool) -> None:
        self._closed = True
        self.tally.cut_off = len(self._planned)
        for player in self._players:
            player.stop(aborting=not in_time)

    def _note(self, run: Run, record: Record | Over) -> None:
        if isinstance(record, Over):
            self._end(record.index)
        elif isinstance(record, Attempt):
            self._add(run, record)

    def _end(self, index: int) -> None:
        # `_close` has counted conversations that end later as cut off.
        if not self._closed:
            self.tally.finished += 1
        del self._planned[index]
        if self._all_begun and not self._planned and self._quiet is not None:
            self._quiet.set()

    def _add(self, run: Run, attempt: Attempt) -> None:
        now = monotonic()
        self.tally.add(attempt, now - self._origin, self._from_plan(run, attempt, now))
        if attempt.verdict in (NOT_SENT, GIVEN_UP):
            return
        self._attempted(attempt)
        if attempt.verdict not in (UNREACHABLE, LOST):
            self._reached = True
        elif attempt.verdict != LOST and attempt.final and not self._reached and self._stopped is not None:
            # The target was never reached: end the run, which would only repeat this error.
            self.tally.unreachable = f"{attempt.target}: {attempt.reason}"
            self._stopped.set()

    def _from_plan(self, run: Run, attempt: Attempt, now: float) -> int | None:
        """Returns the microseconds from the planned time of an event to its answer.

        None for retries, and for events whose time depends on faults or on the failure of another event.
        """
        if attempt.number > 1 or attempt.copy or attempt.faults or attempt.event.step < 0 or attempt.sent_at is None:
            return None
        speed = self._mix.traffic.speed
        after = 0.0 if speed is None else (attempt.event.at - _start(run, attempt.index)) / 1000 / speed
        return int((now - self._planned[attempt.index] - after) * 1e6)


def _start(run: Run, index: int) -> int:
    return run.starts + index * run.spacing
