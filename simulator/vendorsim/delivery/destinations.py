"""Where a vendor's events go at the moment: a run's targets, and those that subscribe by the vendor's API."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from vendorsim.delivery.requests import Destination


class Places:
    """Destinations by number. Numbers are never given twice. Safe to use from any thread; reading takes no lock.

    `hosts` are the hosts of the destinations that were there from the beginning.
    """

    def __init__(self, places: Sequence[Destination] = ()) -> None:
        self._lock = Lock()
        self._numbered: tuple[tuple[int, Destination], ...] = tuple(enumerate(places))
        self._next = len(self._numbered)
        self.hosts = frozenset(place.endpoint.host for place in places)

    def numbered(self) -> tuple[tuple[int, Destination], ...]:
        """All of them with their numbers, in the order they were added in."""
        return self._numbered

    def add(self, place: Destination) -> int:
        """One more; returns its number."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._numbered = (*self._numbered, (number, place))
            return number

    def replace(self, number: int, place: Destination) -> bool:
        """Another destination in the place of that number; False where there is none."""
        with self._lock:
            known = any(other == number for other, _ in self._numbered)
            self._numbered = tuple((other, place if other == number else old) for other, old in self._numbered)
            return known

    def remove(self, number: int) -> bool:
        """Takes one away; False where there is none of that number."""
        with self._lock:
            left = tuple(item for item in self._numbered if item[0] != number)
            known = len(left) < len(self._numbered)
            self._numbered = left
            return known
