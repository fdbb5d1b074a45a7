"""Plays a prepared run to its end, for the command line and the pytest plugin."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Protocol

from vendorsim.core.clock import Clock, InstantClock, ScaledClock
from vendorsim.delivery.expected_calls import ExpectedCalls
from vendorsim.delivery.planning import PreparedRun
from vendorsim.delivery.player import Player
from vendorsim.delivery.records import Over, Record, Summary
from vendorsim.delivery.run_backend import RunBackend
from vendorsim.http.loop import Stopping, interruptible, loop_factory
from vendorsim.http.transport_options import TransportSettings
from vendorsim.vendorkit.api_call import ApiCall


class RecordSink(Protocol):
    """Receives what happens while a run is played, for a journal or a report."""

    def add(self, item: Record | Over | ApiCall) -> None:
        """Takes a record, a call or the end of a conversation. Thread-safe."""
        ...

    async def room(self) -> None:
        """Waits until the sink can take more."""
        ...


def run_to_end(
    prepared: PreparedRun,
    sink: RecordSink,
    *,
    settings: TransportSettings | None = None,
    state: RunBackend | None = None,
    stopping: Stopping | None = interruptible,
    clock: Clock | None = None,
    longest: float | None = None,
) -> Summary:
    """Plays a run in an event loop of its own, uvloop where it is installed.

    With a `state`, the vendors' APIs know the conversations of the run. `stopping` ends the run early, and its
    summary is returned; without, Ctrl-C raises KeyboardInterrupt. `clock` replaces the clock of the run's speed. After
    `longest` seconds the run ends as with Ctrl-C.
    """
    if clock is None:
        run, speed = prepared.run, prepared.speed
        clock = InstantClock() if speed is None else ScaledClock(run.starts, speed)
    playing = _play(prepared, sink, settings or TransportSettings(), state, stopping, clock, longest)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(playing)


async def _play(
    prepared: PreparedRun,
    sink: RecordSink,
    settings: TransportSettings,
    state: RunBackend | None,
    stopping: Stopping | None,
    clock: Clock,
    longest: float | None,
) -> Summary:
    transport = settings.open()
    probe = prepared.open_probe(transport, None if state is None else state.ledger.state)
    async with AsyncExitStack() as stack:
        if probe is not None:
            stack.push_async_callback(probe.close)
        calls = None
        if state is not None:
            calls = ExpectedCalls(state)
            stack.callback(calls.close)
            stack.callback(state.subscribe(sink.add))
        player = Player(
            prepared.run,
            prepared.destinations,
            transport,
            clock,
            sink.add,
            prepared.options,
            calls=calls,
            probe=probe,
            room=sink.room,
        )
        stack.callback(transport.abort)
        if state is not None:
            state.play(prepared.policies, player.destinations, player)
            stack.callback(state.watch_outages(player.api_is_away))
        if stopping is not None:
            stack.enter_context(stopping(player.stop))
        if longest is not None:
            stack.callback(asyncio.get_running_loop().call_later(longest, player.stop).cancel)
        return await player.play()
