"""The only place that reads a clock, and the clock that drives a run."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

monotonic = time.monotonic
"""Seconds, for measuring how long something took."""


def wall_clock() -> int:
    """Now, in milliseconds since 1970 (UTC)."""
    return time.time_ns() // 1_000_000


def wall_clock_second() -> int:
    """Now, in milliseconds since 1970 (UTC), at the last whole second."""
    return int(time.time()) * 1000


def today() -> str:
    """The day in UTC, as 2026-01-31."""
    return time.strftime("%Y-%m-%d", time.gmtime())


class Clock(Protocol):
    """The scenario's time, as it passes while a run is played."""

    @property
    def instant(self) -> bool:
        """Whether no wait takes time."""
        ...

    async def until(self, at: int) -> None:
        """Waits until the scenario's time is `at` (milliseconds since 1970)."""
        ...

    def now(self, at: int) -> int:
        """The scenario's time, for a conversation that has come to `at`: answers take time only where time passes."""
        ...


class InstantClock:
    """Pauses take no time: days pass at once."""

    instant = True

    async def until(self, at: int) -> None:
        return

    def now(self, at: int) -> int:
        return at


class SteeredClock:
    """A clock that can be steered while a run is played: slower, faster, stopped, or forward at once. One event loop.

    `speed` is how fast the scenario's time passes; None is instant: then every wait ends at once, and time stands where
    the furthest conversation is.
    """

    def __init__(self, starts: int, speed: float | None) -> None:
        self._time = starts
        self._since = monotonic()
        self.speed = speed
        self.paused = False
        self._changed = asyncio.Event()

    @property
    def instant(self) -> bool:
        """Whether no wait takes time."""
        return self.speed is None and not self.paused

    def time(self) -> int:
        """The scenario's time (milliseconds since 1970)."""
        if self.paused or self.speed is None:
            return self._time
        return self._time + int((monotonic() - self._since) * 1000 * self.speed)

    def steer(self, *, speed: float | None, paused: bool, forward: int = 0) -> None:
        """From now on it goes so; `forward` (milliseconds) is added first."""
        self._time = self.time() + forward
        self._since = monotonic()
        self.speed, self.paused = speed, paused
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def until(self, at: int) -> None:
        while (left := at - self.time()) > 0:
            if self.instant:
                self._time = max(self._time, at)
                return
            seconds = None if self.paused or not self.speed else left / 1000 / self.speed
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def now(self, at: int) -> int:
        if not self.instant:
            return max(at, self.time())
        # Whoever makes it go by the wall clock later goes on from here.
        self._time = max(self._time, at)
        return at


class ScaledClock:
    """The scenario's time passes `speed` times as fast as the wall clock, from `starts` on."""

    instant = False

    def __init__(self, starts: int, speed: float) -> None:
        self._starts = starts
        self._speed = speed
        self._origin = monotonic()

    async def until(self, at: int) -> None:
        wait = (at - self._starts) / 1000 / self._speed - (monotonic() - self._origin)
        if wait > 0:
            await asyncio.sleep(wait)

    def now(self, at: int) -> int:
        return max(at, self._starts + int((monotonic() - self._origin) * 1000 * self._speed))
