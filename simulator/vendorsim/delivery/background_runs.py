"""Conversations without a scenario: started through a vendor's API or by a user, and delivered in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vendorsim.core.clock import ScaledClock, wall_clock_second
from vendorsim.delivery.active_faults import ActiveFaults
from vendorsim.delivery.background_loop import BackgroundLoop
from vendorsim.delivery.destinations import Destinations
from vendorsim.delivery.play_options import PlayOptions
from vendorsim.delivery.player import Player
from vendorsim.delivery.records import Over, Record
from vendorsim.runs.timeline import Run
from vendorsim.scenario.model import AgentCast, Cast, Scenario
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

TITLE = "by API"
# Two agents and their team, generated from the seed.
_AGENTS = {"first": AgentCast(), "second": AgentCast()}


class BackgroundRuns:
    """One open-ended run per vendor. It has only the conversations that are opened from outside."""

    def __init__(
        self,
        background_loop: BackgroundLoop,
        emit: Callable[[Record | Over], None],
        active_faults: ActiveFaults,
        seed: int = 0,
    ) -> None:
        self._background_loop = background_loop
        self._emit = emit
        self._active_faults = active_faults
        self._seed = seed
        self._players: list[tuple[Player, asyncio.Task[object]]] = []

    def player(
        self,
        vendor: Vendor,
        profile: Profile,
        destinations: Destinations,
        account: int | None = None,
        inbox: int | None = None,
    ) -> Player:
        """Starts a run of a vendor, which lasts until `close`, and returns its player. `account` and `inbox` are ids;
        None: made up."""
        scenario = Scenario(TITLE, (), (vendor.name,), seed=self._seed, cast=Cast(agents=_AGENTS))
        run = Run(scenario.in_account(account, inbox), vendor, profile, self._seed, wall_clock_second())
        return self._background_loop.run(self._begin(run, destinations))

    async def _begin(self, run: Run, destinations: Destinations) -> Player:
        clock = ScaledClock(run.starts, 1.0)
        options = PlayOptions(count=0, stays=True, active_faults=self._active_faults)
        player = Player(run, destinations, self._background_loop.transport, clock, self._emit, options)
        self._players.append((player, asyncio.ensure_future(player.play())))
        await player.ready.wait()
        return player

    def close(self) -> None:
        """Ends all runs. Waits at most half a second for the answers to requests in flight."""
        self._background_loop.run(self._end())

    async def _end(self) -> None:
        for player, _ in self._players:
            player.stop(aborting=False)
        tasks = [task for _, task in self._players]
        if tasks:
            await asyncio.wait(tasks, timeout=_PATIENCE)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# Seconds for which `close` waits for answers.
_PATIENCE = 0.5
