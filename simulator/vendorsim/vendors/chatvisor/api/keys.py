"""Secret keys: one-time URLs, sessions and visitors are found by them."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import Generic, TypeVar

from vendorsim.core import clock

T = TypeVar("T")


class Keys(Generic[T]):
    """Values by their keys, each for `lifetime` seconds; beyond `most` the oldest is dropped. Thread-safe. `now`
    returns monotonic seconds.

    A key has 256 random bits. Only its digest is kept, so the time of a lookup tells nothing about similar keys, and
    nothing that is shown or stored contains a key.
    """

    def __init__(self, lifetime: float, most: int = 10_000, now: Callable[[], float] = clock.monotonic) -> None:
        self.lifetime = lifetime
        self._most = most
        self._now = now
        self._lock = Lock()
        self._values: OrderedDict[bytes, tuple[T, float]] = OrderedDict()

    def make(self, value: T) -> str:
        """A new key of the value."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._values[_digest(key)] = value, self._now() + self.lifetime
            if len(self._values) > self._most:
                self._values.popitem(last=False)
        return key

    def get(self, key: str) -> T | None:
        """The value of a key. None where it never existed, was taken or has expired."""
        with self._lock:
            return self._valid(self._values.get(_digest(key)))

    def take(self, key: str) -> T | None:
        """Like `get`; the key is worth nothing from then on."""
        with self._lock:
            return self._valid(self._values.pop(_digest(key), None))

    def _valid(self, found: tuple[T, float] | None) -> T | None:
        return found[0] if found is not None and self._now() < found[1] else None


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogatepass")).digest()
