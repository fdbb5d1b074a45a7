"""The next attempts of a conversation, in the order of the scenario's time.

Retries, delays and reordering are entries of this queue, and need no code of their own.
"""

from __future__ import annotations

import heapq

from msgspec import Struct, field

from vendorsim.delivery.requests import Delivery


class Agenda(Struct):
    """Deliveries in the order of their next attempt; equal times keep the order in which they were added.

    Two kinds of deliveries have no time yet: those that later events must overtake first, and those for after the end
    of the conversation.
    """

    _timed: list[tuple[int, int, Delivery]] = field(default_factory=list)
    _behind: list[tuple[int, int, Delivery]] = field(default_factory=list)
    _late: list[tuple[int, Delivery]] = field(default_factory=list)
    _count: int = 0

    def add(self, at: int, delivery: Delivery) -> None:
        """Schedules the next attempt at a time (milliseconds since 1970)."""
        heapq.heappush(self._timed, (at, self._count, delivery))
        self._count += 1

    def add_behind(self, events: int, delay: int, delivery: Delivery) -> None:
        """Schedules a delivery `delay` milliseconds after `events` later events have overtaken it."""
        self._behind.append((events, delay, delivery))

    def add_late(self, delay: int, delivery: Delivery) -> None:
        """Schedules a delivery `delay` milliseconds after the end of the conversation."""
        self._late.append((delay, delivery))

    def passed(self, at: int) -> None:
        """Counts an event for the deliveries that it overtakes. Schedules those that were overtaken often enough."""
        if not self._behind:
            return
        waiting, self._behind = self._behind, []
        for events, delay, delivery in waiting:
            if events <= 1:
                self.add(at + delay, delivery)
            else:
                self._behind.append((events - 1, delay, delivery))

    def release(self, at: int) -> None:
        """Schedules all deliveries that wait for later events, when no event follows."""
        for _, delay, delivery in self._behind:
            self.add(at + delay, delivery)
        self._behind = []

    def ended(self, at: int) -> None:
        """Schedules the late deliveries, when the conversation has ended."""
        for delay, delivery in self._late:
            self.add(at + delay, delivery)
        self._late = []

    def next_at(self) -> int | None:
        """The time of the next attempt, or None."""
        return self._timed[0][0] if self._timed else None

    def pop(self) -> tuple[int, Delivery]:
        """Removes the next attempt, and returns its time and its delivery."""
        at, _, delivery = heapq.heappop(self._timed)
        return at, delivery
