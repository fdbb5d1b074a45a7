"""One-time URLs, which log an agent in and open a chat."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock

from vendorsim.core import clock
from vendorsim.vendors.chatvisor.api.users import User

# How long a URL works, in seconds.
LIFETIME = 600.0


@dataclass(frozen=True, slots=True)
class Link:
    """The user whom a URL logs in, and the chat it opens. `until` is in monotonic seconds."""

    customer_id: str
    user: User
    until: float


class Links:
    """The valid URLs, by their keys; beyond `most` the oldest is dropped. Thread-safe. `now` returns monotonic seconds.

    A key has 256 random bits. Only its digest is kept, so the time of a lookup tells nothing about similar keys.
    """

    def __init__(self, now: Callable[[], float] = clock.monotonic, most: int = 10_000) -> None:
        self._most = most
        self._now = now
        self._lock = Lock()
        self._links: OrderedDict[bytes, Link] = OrderedDict()

    def make(self, customer_id: str, user: User) -> str:
        """The key of a new link."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._links[_digest(key)] = Link(customer_id, user, self._now() + LIFETIME)
            if len(self._links) > self._most:
                self._links.popitem(last=False)
        return key

    def peek(self, key: str) -> Link | None:
        """The link of a key. None where it never existed, was used or has expired."""
        with self._lock:
            return self._valid(self._links.get(_digest(key)))

    def use(self, key: str) -> Link | None:
        """Like `peek`, and marks the link as used."""
        with self._lock:
            return self._valid(self._links.pop(_digest(key), None))

    def _valid(self, link: Link | None) -> Link | None:
        return link if link is not None and self._now() < link.until else None


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()
