"""The threads that run the app: started on demand, up to a maximum.

`concurrent.futures` is not used because its threads keep the program from ending; these are daemons.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread

Task = Callable[[], None]


class ThreadPool:
    """At most `size` threads. Thread-safe. A task must not raise."""

    def __init__(self, size: int) -> None:
        self._limit = size
        self._queue: SimpleQueue[Task | None] = SimpleQueue()
        self._lock = Lock()
        self._size = 0
        # Number of idle threads; below zero, the number of queued tasks.
        self._idle = 0

    def submit(self, task: Task) -> None:
        """Queues a task for the next idle thread."""
        with self._lock:
            if self._idle <= 0 and self._size < self._limit:
                self._size += 1
                Thread(target=self._work, name=f"vendorsim-app-{self._size}", daemon=True).start()
            else:
                self._idle -= 1
        self._queue.put(task)

    def close(self) -> None:
        """Lets the threads end once all queued tasks are done. Does not wait for them."""
        with self._lock:
            size, self._size = self._size, 0
        for _ in range(size):
            self._queue.put(None)

    def _work(self) -> None:
        while (task := self._queue.get()) is not None:
            task()
            with self._lock:
                self._idle += 1
