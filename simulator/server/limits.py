"""What the server remembers of the past: accepted requests, and how fast a customer calls.

Both are safe to use from several threads and hold a bounded number of entries, whatever comes in.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import blake2b
from threading import Lock

_MOST_REQUESTS = 100_000
_MOST_CUSTOMERS = 10_000


class DuplicateRule:
    """The same request again within `interval` (milliseconds) is a duplicate. `now` gives seconds."""

    def __init__(self, interval: int, now: Callable[[], float]) -> None:
        self._interval = interval / 1000
        self._now = now
        self._lock = Lock()
        # When each was accepted, oldest first. Digests, since an identifier may be as long as a body.
        self._accepted: OrderedDict[bytes, float] = OrderedDict()

    def clear(self) -> None:
        """Forgets what was accepted."""
        with self._lock:
            self._accepted.clear()

    def is_duplicate(self, *request: str) -> bool:
        """Whether the request was accepted before, within the interval. If not, it counts as accepted now."""
        if not self._interval:
            return False
        key = digest(request)
        with self._lock:
            now = self._now()
            while self._accepted and next(iter(self._accepted.values())) <= now - self._interval:
                self._accepted.popitem(last=False)
            if key in self._accepted:
                return True
            self._accepted[key] = now
            if len(self._accepted) > _MOST_REQUESTS:
                self._accepted.popitem(last=False)
            return False


class RateLimit:
    """A bucket of tokens per customer: `per_second` calls on average, and a second's worth (at least one) at once."""

    def __init__(self, per_second: float, now: Callable[[], float]) -> None:
        self._per_second = per_second
        self._size = max(1.0, per_second)
        self._now = now
        self._lock = Lock()
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def wait(self, customer: bytes) -> int:
        """0 when the customer may call now (which counts), else the whole seconds after which it may."""
        key = digest([customer.decode("latin-1")])
        with self._lock:
            now = self._now()
            tokens, at = self._buckets.pop(key, (self._size, now))
            tokens = min(self._size, tokens + (now - at) * self._per_second)
            allowed = tokens >= 1
            self._buckets[key] = (tokens - allowed, now)
            if len(self._buckets) > _MOST_CUSTOMERS:
                self._buckets.popitem(last=False)
        return 0 if allowed else math.ceil((1 - tokens) / self._per_second)


def digest(parts: Iterable[str]) -> bytes:
    """A key of bounded length for any texts."""
    made = blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode()
        made.update(b"%d:" % len(encoded) + encoded)
    return made.digest()
