"""What one conversation has in flight: how much room each target has, and which attempts overlap."""

from __future__ import annotations

import asyncio
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


class Flight(Struct):
    """An attempt while it is under way. `beside` are the attempts that have overlapped with it so far."""

    id: AttemptId
    beside: list[AttemptId] = field(default_factory=list)


class Lanes:
    """The lanes of one conversation, one per target. For one event loop."""

    __slots__ = ("_flights", "_room")

    def __init__(self) -> None:
        self._room: dict[int, asyncio.Semaphore] = {}
        self._flights: dict[int, list[Flight]] = {}

    def room(self, destination: Destination) -> asyncio.Semaphore:
        """Returns the semaphore to hold while a delivery to that target is under way: the policy's `in_flight`."""
        found = self._room.get(id(destination))
        if found is None:
            found = self._room[id(destination)] = asyncio.Semaphore(parallel(destination.policy))
        return found

    def begin(self, delivery: Delivery, number: int) -> Flight:
        """Notes that attempt `number` (from 1) of a delivery begins."""
        flight = Flight(AttemptId(delivery.id, delivery.copy, number))
        others = self._flights.setdefault(id(delivery.destination), [])
        for other in others:
            other.beside.append(flight.id)
            flight.beside.append(other.id)
        others.append(flight)
        return flight

    def end(self, delivery: Delivery, flight: Flight) -> tuple[AttemptId, ...]:
        """Notes that an attempt is over. Returns the attempts to the same target that overlapped with it."""
        self._flights[id(delivery.destination)].remove(flight)
        return tuple(sorted(flight.beside)) if flight.beside else ()
