"""The clocks that drive a run. This is the only module that reads the system clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

monotonic = time.monotonic
"""Monotonic time in seconds, for measuring durations."""


def wall_clock() -> int:
    """The current time in milliseconds since 1970 (UTC)."""
    return time.time_ns() // 1_000_000


def wall_clock_second() -> int:
    """The current time in milliseconds since 1970 (UTC), rounded down to a whole second."""
    return int(time.time()) * 1000


def today() -> str:
    """The current day in UTC, such as 2026-01-31."""
    return time.strftime("%Y-%m-%d", time.gmtime())


class Clock(Protocol):
    """The scenario's time while a run is played."""

    @property
    def instant(self) -> bool:
        """Whether waits return at once."""
        ...

    async def until(self, at: int) -> None:
        """Waits until the scenario's time is `at` (milliseconds since 1970)."""
        ...

    def now(self, at: int) -> int:
        """The current time of a conversation whose last step was at `at` (both in milliseconds since 1970).

        A clock whose waits return at once gives `at` itself; any other clock never gives less than `at`.
        """
        ...


class InstantClock:
    """A clock whose waits return at once."""

    instant = True

    async def until(self, at: int) -> None:
        return

    def now(self, at: int) -> int:
        return at


class SteeredClock:
    """A clock whose speed can be changed during a run; it can also be paused and moved forward. For one event loop.

    `speed` is the scenario's time per time of the wall clock. With None every wait returns at once, and the time is
    that of the conversation that is furthest ahead.
    """

    def __init__(self, starts: int, speed: float | None) -> None:
        self._time = starts
        self._since = monotonic()
        self.speed = speed
        self.paused = False
        self._changed = asyncio.Event()

    @property
    def instant(self) -> bool:
        """Whether waits return at once."""
        return self.speed is None and not self.paused

    def time(self) -> int:
        """The scenario's time (milliseconds since 1970)."""
        if self.paused or self.speed is None:
            return self._time
        return self._time + int((monotonic() - self._since) * 1000 * self.speed)

    def steer(self, *, speed: float | None, paused: bool, forward: int = 0) -> None:
        """Moves the time forward by `forward` milliseconds, then sets the speed and whether the clock is paused."""
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
        # If a speed is set later, the clock continues from this time.
        self._time = max(self._time, at)
        return at


class ScaledClock:
    """A clock that runs `speed` times as fast as the wall clock, from `starts` (milliseconds since 1970) on.

    `seconds` returns monotonic seconds; `sleep` waits for that many of them.
    """

    instant = False

    def __init__(
        self,
        starts: int,
        speed: float,
        *,
        seconds: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._starts = starts
        self._speed = speed
        self._seconds = seconds
        self._sleep = sleep
        self._origin = seconds()

    async def until(self, at: int) -> None:
        wait = (at - self._starts) / 1000 / self._speed - (self._seconds() - self._origin)
        if wait > 0:
            await self._sleep(wait)

    def now(self, at: int) -> int:
        return max(at, self._starts + int((self._seconds() - self._origin) * 1000 * self._speed))
