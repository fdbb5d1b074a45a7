"""A receiver's work: it counts how many requests of one conversation it has at work at once."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection

from receiver import PATIENCE, Connection, Request, status


def conversation_of(request: Request) -> int:
    """The conversation of a MessageHub event."""
    body = request.json
    number: int = body["conversation"]["id"] if "conversation" in body else body["id"]
    return number


class AtWork:
    """The answer of a `Receiver`: each request is answered when `together` of its conversation are at work at once, and
    50 ms of work are done.

    `peak` is the highest number at work at once, by conversation.
    """

    def __init__(
        self,
        together: int = 1,
        whose: Callable[[Request], object] = conversation_of,
        *,
        held: Collection[int] | None = None,
    ) -> None:
        """`whose` gives the conversation of a request. With `held`, only the requests of these positions in their
        conversation (from 0) wait for each other, and none of the others waits."""
        together = together if held is None else max(1, len(held))
        self._held = held
        self._arrived: Counter[object] = Counter()
        self.peak: Counter[object] = Counter()
        self._whose = whose
        self._lock = threading.Lock()
        self._now: Counter[object] = Counter()
        self._barriers: defaultdict[object, threading.Barrier] = defaultdict(lambda: threading.Barrier(together))

    def __call__(self, connection: Connection, request: Request) -> None:
        number = self._whose(request)
        with self._lock:
            waits = self._held is None or self._arrived[number] in self._held
            self._arrived[number] += 1
            self._now[number] += 1
            self.peak[number] = max(self.peak[number], self._now[number])
            barrier = self._barriers[number]
        if waits:
            barrier.wait(PATIENCE)
        time.sleep(0.05)  # the work that others overlap with, not a way to wait for something
        with self._lock:
            self._now[number] -= 1
        connection.send(status(200))
