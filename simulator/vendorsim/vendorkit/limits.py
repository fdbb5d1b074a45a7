"""What a vendor's API stores about past calls: accepted requests, to find duplicates, and the rate of each customer.

All classes are safe to use from several threads, and the number of their entries is bounded.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from threading import Lock
from typing import Protocol

import orjson

# Accepted requests that are kept at least: 360 a second for the default interval, and as many as fit a dict of 32,768
# slots. The next size takes twice the memory.
_GENERATION = 21_800


class Duplicates(Protocol):
    """The requests that were accepted within the duplicate interval. Several servers can share them in PostgreSQL; then
    both methods may raise `StateUnreachableError`."""

    def is_duplicate(self, *request: str) -> bool:
        """Whether the request was accepted before, within the interval. If not, it is stored as accepted now."""
        ...

    def clear(self) -> None:
        """Removes all requests."""
        ...


class DuplicateRule:
    """The same request again within `interval` (milliseconds) is a duplicate. `now` gives seconds.

    Accepted requests are kept in two generations of at most `generation` each.
    """

    def __init__(self, interval: int, now: Callable[[], float], generation: int = _GENERATION) -> None:
        self._generation = generation
        self._interval = interval / 1000
        self._now = now
        self._lock = Lock()
        # Hash of a request → time of its acceptance. It has 64 bits: of 10^14 requests one would be taken for another.
        # When the newer generation is full, it replaces the older one: removing single entries would take twice the
        # memory.
        self._newer: dict[int, float] = {}
        self._older: dict[int, float] = {}

    def clear(self) -> None:
        """Removes all requests."""
        with self._lock:
            self._newer, self._older = {}, {}

    def is_duplicate(self, *request: str) -> bool:
        """Whether the request was accepted before, within the interval. If not, it is stored as accepted now."""
        if not self._interval:
            return False
        key = hash(request)
        with self._lock:
            now = self._now()
            accepted = self._newer.get(key, self._older.get(key))
            if accepted is not None and accepted > now - self._interval:
                return True
            if len(self._newer) >= self._generation:
                self._newer, self._older = {}, self._newer
            self._newer[key] = now
            return False


class RateLimit:
    """A token bucket per customer: `per_second` calls on average, and the calls of one second (at least one) at once.

    Beyond `customers` buckets, the one that was not used for the longest time is removed. `now` gives seconds.
    """

    def __init__(self, per_second: float, now: Callable[[], float], customers: int = 10_000) -> None:
        self._customers = customers
        self._per_second = per_second
        self._size = max(1.0, per_second)
        self._now = now
        self._lock = Lock()
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def wait(self, customer: bytes) -> int:
        """0 if the customer may call now (this counts as a call), else the seconds to wait, rounded up."""
        key = digest([customer.decode("latin-1")])
        with self._lock:
            now = self._now()
            tokens, at = self._buckets.pop(key, (self._size, now))
            tokens = min(self._size, tokens + (now - at) * self._per_second)
            allowed = tokens >= 1
            self._buckets[key] = (tokens - allowed, now)
            if len(self._buckets) > self._customers:
                self._buckets.popitem(last=False)
        return 0 if allowed else math.ceil((1 - tokens) / self._per_second)


def digest(parts: Sequence[str]) -> bytes:
    """A key of bounded length for any texts."""
    return blake2b(orjson.dumps(parts), digest_size=16).digest()
