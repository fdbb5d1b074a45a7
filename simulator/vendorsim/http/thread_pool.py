"""The threads in which the app answers: started when they are needed, and never more than so many.

They are daemons, so that an answer that takes its time does not keep the program from ending.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread

Work = Callable[[], None]


class Crew:
    """Safe to use from any thread. Work must not raise."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._lock = Lock()
        self._size = 0
        # How many threads wait for work; below zero, how much work waits for threads.
        self._free = 0

    def submit(self, work: Work) -> None:
        """Has the work done by the next thread that is free."""
        with self._lock:
            if self._free <= 0 and self._size < self._most:
                self._size += 1
                Thread(target=self._labour, name=f"vendorsim-app-{self._size}", daemon=True).start()
            else:
                self._free -= 1
        self._queue.put(work)

    def close(self) -> None:
        """Lets the threads go once all that was handed in is done; waits for none of them."""
        with self._lock:
            size, self._size = self._size, 0
        for _ in range(size):
            self._queue.put(None)

    def _labour(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
            with self._lock:
                self._free += 1
