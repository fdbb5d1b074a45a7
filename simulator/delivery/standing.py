"""Conversations that no run plays: begun through a vendor's API or by hand, and delivered by the wall clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Thread

from simulator.delivery.clock import ScaledClock, wall_clock_second
from simulator.delivery.loop import loop_factory
from simulator.delivery.places import Places
from simulator.delivery.player import Options, Player
from simulator.delivery.records import Over, Record
from simulator.delivery.transport import HttpTransport
from simulator.scenario.model import AgentCast, Cast, Scenario
from simulator.timeline import Run
from simulator.vendors.base import Profile, Vendor

TITLE = "by API"
# Two people who answer, made up from the seed, and their team.
_AGENTS = {"first": AgentCast(), "second": AgentCast()}


class Standing:
    """One event loop in a thread of its own, and one open-ended run per vendor."""

    def __init__(self, emit: Callable[[Record | Over], None], seed: int = 0) -> None:
        self._emit = emit
        self._seed = seed
        self._loop = (loop_factory() or asyncio.new_event_loop)()
        self._players: list[tuple[Player, asyncio.Task[object]]] = []
        self._transport: HttpTransport | None = None
        self._thread = Thread(target=self._loop.run_forever, name="vendorsim-standing", daemon=True)
        self._thread.start()

    def player(self, vendor: Vendor, profile: Profile, places: Places) -> Player:
        """A run of that vendor that goes on until `close`, and has no conversations but those that are opened."""
        scenario = Scenario(TITLE, (), (vendor.name,), seed=self._seed, cast=Cast(agents=_AGENTS))
        run = Run(scenario, vendor, profile, self._seed, wall_clock_second())
        return asyncio.run_coroutine_threadsafe(self._begin(run, places), self._loop).result()

    async def _begin(self, run: Run, places: Places) -> Player:
        if self._transport is None:
            self._transport = HttpTransport(None, None)
        clock = ScaledClock(run.starts, 1.0)
        player = Player(run, places, self._transport, clock, self._emit, Options(count=0, stays=True))
        self._players.append((player, asyncio.ensure_future(player.play())))
        await player.ready.wait()
        return player

    def close(self) -> None:
        """Ends all runs: what is in flight is given up."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        for player, _ in self._players:
            player.stop()
        if self._transport is not None:
            self._transport.abort()
        await asyncio.gather(*(task for _, task in self._players))
