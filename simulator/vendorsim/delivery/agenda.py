"""What a conversation has still to send, by the scenario's time. Retries, delays and disorder are nothing but
entries of this list."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from vendorsim.delivery.requests import Delivery


@dataclass(slots=True)
class Agenda:
    """Deliveries by the time of their next attempt; equal times keep the order they were added in.

    Two kinds wait without a time: those that later events shall overtake, and those that are sent once the
    conversation has ended.
    """

    _timed: list[tuple[int, int, Delivery]] = field(default_factory=list)
    _behind: list[tuple[int, int, Delivery]] = field(default_factory=list)
    _late: list[tuple[int, Delivery]] = field(default_factory=list)
    _count: int = 0

    def add(self, at: int, delivery: Delivery) -> None:
        """Its next attempt is at a time (milliseconds since 1970)."""
        heapq.heappush(self._timed, (at, self._count, delivery))
        self._count += 1

    def add_behind(self, events: int, delay: int, delivery: Delivery) -> None:
        """That many later events overtake it; then it is sent so long (milliseconds) after the last of them."""
        self._behind.append((events, delay, delivery))

    def add_late(self, delay: int, delivery: Delivery) -> None:
        """It is sent so long (milliseconds) after the conversation has ended."""
        self._late.append((delay, delivery))

    def passed(self, at: int) -> None:
        """An event went by: those that waited for it come closer, or are due."""
        if not self._behind:
            return
        waiting, self._behind = self._behind, []
        for events, delay, delivery in waiting:
            if events <= 1:
                self.add(at + delay, delivery)
            else:
                self._behind.append((events - 1, delay, delivery))

    def release(self, at: int) -> None:
        """No event follows: whatever waited for one is due now."""
        for _, delay, delivery in self._behind:
            self.add(at + delay, delivery)
        self._behind = []

    def ended(self, at: int) -> None:
        """The conversation has ended: late deliveries get their times."""
        for delay, delivery in self._late:
            self.add(at + delay, delivery)
        self._late = []

    def next_at(self) -> int | None:
        """The time of the next attempt, or None."""
        return self._timed[0][0] if self._timed else None

    def pop(self) -> tuple[int, Delivery]:
        """The next attempt: its time and its delivery."""
        at, _, delivery = heapq.heappop(self._timed)
        return at, delivery
