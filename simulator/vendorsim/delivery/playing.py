"""A run, put together and played to its end: what the command line and the pytest plugin share."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from vendorsim.core.clock import InstantClock, ScaledClock
from vendorsim.delivery.destinations import Places
from vendorsim.delivery.expected_calls import ExpectedCalls
from vendorsim.delivery.planning import Policies
from vendorsim.delivery.player import Options, Player
from vendorsim.delivery.records import Summary
from vendorsim.delivery.requests import Destination
from vendorsim.delivery.run_backend import RunBackend
from vendorsim.http.endpoint import Endpoint
from vendorsim.http.loop import interruptible, loop_factory
from vendorsim.http.transport import HttpTransport
from vendorsim.journal.store import Recorder
from vendorsim.runs.timeline import Run


@dataclass(frozen=True, slots=True)
class Playing:
    """Everything a run needs, put together; the event loop lives in here.

    `speed` is how fast the scenario's time passes, None for instant. With a `state`, the vendors' APIs know the
    conversations that are played. With `stops`, Ctrl-C ends the run with its summary; without, it raises.
    """

    run: Run
    policies: Policies
    places: Sequence[Destination]
    options: Options
    speed: float | None
    tls: ssl.SSLContext | None
    state: RunBackend | None
    recorder: Recorder
    stops: bool = True
    proxy: Endpoint | None = None

    def run_to_end(self) -> Summary:
        """Plays the run in an event loop of its own, uvloop where it is installed."""
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(self._play())

    async def _play(self) -> Summary:
        transport = HttpTransport(self.tls, self.proxy)
        clock = InstantClock() if self.speed is None else ScaledClock(self.run.starts, self.speed)
        with ExitStack() as stack:
            calls = None
            if self.state is not None:
                calls = ExpectedCalls(self.state)
                stack.callback(calls.close)
                stack.callback(self.state.subscribe(self.recorder.add))
            player = Player(
                self.run,
                Places(self.places),
                transport,
                clock,
                self.recorder.add,
                self.options,
                calls=calls,
                room=self.recorder.room,
            )
            stack.callback(transport.abort)
            if self.state is not None:
                self.state.play(self.policies, player.places, player.open)
            if self.stops:
                stack.enter_context(interruptible(player.stop))
            return await player.play()
