"""Sends the requests of a run: not faster than allowed, again after a 429, and again alone after a crash.

When the integration breaks a connection or can't be reached any more, any request under way may be the reason. Each is
sent again alone once the integration is back, so that only the one that breaks it again is blamed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct, field

from vendorsim.checks.timings import Meter
from vendorsim.core.clock import monotonic
from vendorsim.http.endpoint import Endpoint
from vendorsim.http.outgoing import Wire
from vendorsim.http.transport import BROKEN, TIMEOUT, UNREACHABLE, Answer, Failure, Transport

# After this many requests in a row without an answer, the run stops sending.
MOST_SILENCES = 3
# Times that a request is sent again after a 429, and the bounds of the pause in seconds.
MOST_DEFERRALS, SHORTEST_PAUSE, LONGEST_PAUSE = 20, 0.05, 10.0
# Bounds of the number of requests at the same time, and the part of the read timeout that they may take together.
FEWEST_AT_ONCE, MOST_AT_ONCE, PART_OF_TIMEOUT = 4, 16, 0.25
# The weight of the newest answer in the usual time that a request takes.
NEWEST = 0.1
# Seconds between two attempts to reach an integration that is away.
RETURN_PAUSE = 0.1


class TargetGone(Exception):
    """The integration can't be reached or has stopped answering; the message says what happened.

    `unreachable` says that it never answered.
    """

    def __init__(self, reason: str, unreachable: bool) -> None:
        super().__init__(reason)
        self.unreachable = unreachable


class RequestSender(Struct):
    """Sends all requests of one run. `pace` is the most requests a second, or None. `back` is how long to wait for an
    integration that has gone away, timeouts are in seconds."""

    transport: Transport
    endpoint: Endpoint
    connect_timeout: float
    read_timeout: float
    meter: Meter
    pace: float | None = None
    back: float = 15.0
    # The number of answers 429 so far.
    deferred: int = 0
    _answered: bool = False
    _silences: int = 0
    _next: float = 0.0
    _gone: TargetGone | None = None
    _under_way: int = 0
    # When a connection broke last.
    _broke: float = 0.0
    # The seconds that a request takes, as if the integration took one at a time.
    _usual: float | None = None
    # Whether the integration could not be reached when it was last tried.
    _away: bool = False
    # What the requests were about whose connection broke, since the integration was last seen alive.
    _suspects: dict[str, None] = field(default_factory=dict)
    # What the requests were about that broke off on purpose, since the last answer.
    _broken_off: dict[str, None] = field(default_factory=dict)
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def at_once(self) -> int:
        """How many requests may be under way: so few that one which waits for all others is answered in good time."""
        if not self._usual:
            return FEWEST_AT_ONCE
        fitting = int(self.read_timeout * PART_OF_TIMEOUT / self._usual)
        return min(max(fitting, FEWEST_AT_ONCE), MOST_AT_ONCE)

    async def send(
        self, make: Callable[[], Wire], about: str, *, repeatable: bool = True
    ) -> tuple[Answer | Failure, float]:
        """Sends the request that `make` returns, with its own time and signature each time. Returns the answer and the
        milliseconds it took. Raises TargetGone, which names what the broken requests were `about`.

        With `repeatable` False it is sent once only, since it breaks the connection itself or comes with others.
        """
        answer, took = await self._once(make)
        for _ in range(MOST_DEFERRALS):
            if not isinstance(answer, Answer) or answer.status != 429:
                break
            self.deferred += 1
            await asyncio.sleep(_pause(answer))
            answer, took = await self._once(make)
        if isinstance(answer, Failure) and (answer.kind == UNREACHABLE or (answer.kind == BROKEN and self._answered)):
            if not self._answered:
                self._gone = self._gone or TargetGone(f"{self.endpoint.shown}: {answer.reason}", unreachable=True)
            if self._gone is not None:
                raise self._gone
            if answer.kind == BROKEN:
                (self._suspects if repeatable else self._broken_off)[about] = None
            if repeatable:
                async with self._alone:
                    return await self._again(make, about)
        return answer, took

    async def _once(self, make: Callable[[], Wire]) -> tuple[Answer | Failure, float]:
        if self.pace is not None:
            now = monotonic()
            self._next = max(self._next, now) + 1 / self.pace
            await asyncio.sleep(self._next - now - 1 / self.pace)
        began = monotonic()
        self._under_way += 1
        try:
            with self.meter.request():
                answer = await self.transport.exchange(self.endpoint, make(), self.connect_timeout, self.read_timeout)
            took = monotonic() - began
            share = took / self._under_way
        finally:
            self._under_way -= 1
        if isinstance(answer, Failure) and answer.kind == BROKEN:
            self._broke = monotonic()
        self._usual = share if self._usual is None else self._usual + NEWEST * (share - self._usual)
        self._count_silence(answer)
        return answer, took * 1000

    def _count_silence(self, answer: Answer | Failure) -> None:
        if isinstance(answer, Answer):
            self._answered = True
            self._broken_off.clear()
        if isinstance(answer, Answer) or answer.kind != TIMEOUT:
            self._silences = 0
            return
        self._silences += 1
        if self._silences >= MOST_SILENCES:
            raise TargetGone(
                f"{self._silences} requests in a row were not answered: {answer.reason}", unreachable=False
            )

    async def _again(self, make: Callable[[], Wire], about: str) -> tuple[Answer | Failure, float]:
        """Sends a request again, alone, as soon as the integration is back. Raises TargetGone after `back` seconds."""
        # A process that is about to end may still accept connections.
        await asyncio.sleep(max(0.0, self._broke + RETURN_PAUSE - monotonic()))
        ends = monotonic() + self.back
        while self._gone is None:
            answer, took = await self._once(make)
            if isinstance(answer, Answer):
                self._suspects.pop(about, None)
            self._away = isinstance(answer, Failure) and answer.kind == UNREACHABLE
            if not self._away:
                return answer, took
            if monotonic() > ends:
                self._gone = self.lost()
            await asyncio.sleep(RETURN_PAUSE)
        raise self._gone

    def lost(self) -> TargetGone | None:
        """Returns the error of an integration that could not be reached when it was last tried; None if it could."""
        suspects = [*self._suspects, *self._broken_off]
        since = f" since {', or '.join(suspects)}" if suspects else ""
        gone = TargetGone(f"{self.endpoint.shown} can't be reached any more{since}", unreachable=False)
        return gone if self._away else None


def _pause(answer: Answer) -> float:
    """Returns the seconds that a 429 asks to wait."""
    text = answer.header("retry-after") or ""
    seconds = float(text) if text.replace(".", "", 1).isdigit() else 1.0
    return min(max(seconds, SHORTEST_PAUSE), LONGEST_PAUSE)
