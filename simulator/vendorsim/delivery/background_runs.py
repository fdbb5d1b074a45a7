"""Conversations that no run plays: begun through a vendor's API or by hand, and delivered by the wall clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vendorsim.core.clock import ScaledClock, wall_clock_second
from vendorsim.delivery.active_faults import Armed
from vendorsim.delivery.background_loop import Backstage
from vendorsim.delivery.destinations import Places
from vendorsim.delivery.player import Options, Player
from vendorsim.delivery.records import Over, Record
from vendorsim.runs.timeline import Run
from vendorsim.scenario.model import AgentCast, Cast, Scenario
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

TITLE = "by API"
# Two people who answer, made up from the seed, and their team.
_AGENTS = {"first": AgentCast(), "second": AgentCast()}


class Standing:
    """One open-ended run per vendor, with no conversations but those that are opened."""

    def __init__(
        self, backstage: Backstage, emit: Callable[[Record | Over], None], armed: Armed, seed: int = 0
    ) -> None:
        self._backstage = backstage
        self._emit = emit
        self._armed = armed
        self._seed = seed
        self._players: list[tuple[Player, asyncio.Task[object]]] = []

    def player(self, vendor: Vendor, profile: Profile, places: Places) -> Player:
        """A run of that vendor that goes on until `close`."""
        scenario = Scenario(TITLE, (), (vendor.name,), seed=self._seed, cast=Cast(agents=_AGENTS))
        run = Run(scenario, vendor, profile, self._seed, wall_clock_second())
        return self._backstage.run(self._begin(run, places))

    async def _begin(self, run: Run, places: Places) -> Player:
        clock = ScaledClock(run.starts, 1.0)
        options = Options(count=0, stays=True, armed=self._armed)
        player = Player(run, places, self._backstage.transport, clock, self._emit, options)
        self._players.append((player, asyncio.ensure_future(player.play())))
        await player.ready.wait()
        return player

    def close(self) -> None:
        """Ends all runs; what is in flight has a moment to be answered."""
        self._backstage.run(self._end())

    async def _end(self) -> None:
        for player, _ in self._players:
            player.stop(aborting=False)
        tasks = [task for _, task in self._players]
        if tasks:
            await asyncio.wait(tasks, timeout=_PATIENCE)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# How long the end of a server waits for answers, in seconds.
_PATIENCE = 0.5
