"""What one conversation has in flight: how much room each target has, and which attempts overlap."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

from msgspec import Struct, field

from vendorsim.delivery.destinations import Destination
from vendorsim.delivery.requests import Delivery
from vendorsim.vendorkit.policy import parallel


class AttemptId(NamedTuple):
    """What identifies an attempt in a run."""

    delivery: str
    copy: int
    attempt: int


class Flight(Struct, eq=False):
    """Attempt `number` of a delivery while it is under way. `beside` are the attempts that have overlapped with it so
    far."""

    delivery: Delivery
    number: int
    beside: list[AttemptId] = field(default_factory=list)

    @property
    def id(self) -> AttemptId:
        """What identifies the attempt."""
        return AttemptId(self.delivery.id, self.delivery.copy, self.number)


class Room:
    """Room for a number of users at once; the others wait in the order in which they came. For one event loop.

    It is a semaphore whose users await nothing while there is room (`asyncio.Semaphore` takes a µs for that).
    """

    __slots__ = ("_free", "_waiting")

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Takes room if there is some, and returns whether it did. `leave` has to follow then."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def wait(self) -> None:
        """Waits for room that somebody leaves, and takes it. `leave` has to follow."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # The room was left to this user, who does not come any more.
                self.leave()
            raise

    def leave(self) -> None:
        """Leaves the room to the first who waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Lane:
    """The attempts to one target that are under way. `room` is to be taken by each delivery meanwhile; it is for `size`
    of them, the policy's `in_flight`."""

    __slots__ = ("_flights", "room", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.room = Room(size)
        self._flights: list[Flight] = []

    def begin(self, delivery: Delivery, number: int) -> Flight:
        """Notes that attempt `number` (from 1) of a delivery begins."""
        flight = Flight(delivery, number)
        for other in self._flights:
            other.beside.append(flight.id)
            flight.beside.append(other.id)
        self._flights.append(flight)
        return flight

    def end(self, flight: Flight) -> tuple[AttemptId, ...]:
        """Notes that an attempt is over. Returns the attempts to the same target that overlapped with it."""
        self._flights.remove(flight)
        return tuple(sorted(flight.beside)) if flight.beside else ()


class Lanes:
    """The lanes of one conversation, one per target. For one event loop."""

    __slots__ = ("_lanes",)

    def __init__(self) -> None:
        self._lanes: dict[int, Lane] = {}

    def to(self, destination: Destination) -> Lane:
        """Returns the lane to a target."""
        found = self._lanes.get(id(destination))
        if found is None:
            found = self._lanes[id(destination)] = Lane(parallel(destination.policy))
        return found
