"""The threads that run the app: started on demand, up to a maximum.

`concurrent.futures` is not used because its threads keep the program from ending; these are daemons.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread

Task = Callable[[], None]
_Queue = SimpleQueue[Task | None]


class ThreadPool:
    """At most `size` threads. Thread-safe. A task must not raise."""

    def __init__(self, size: int) -> None:
        self._limit = size
        self._lock = Lock()
        self._queue: _Queue = SimpleQueue()
        self._size = 0
        # Number of idle threads; below zero, the number of queued tasks.
        self._idle = 0

    def submit(self, task: Task) -> None:
        """Queues a task for the next idle thread."""
        with self._lock:
            if self._idle <= 0 and self._size < self._limit:
                self._size += 1
                name = f"vendorsim-app-{self._size}"
                Thread(target=self._work, args=(self._queue,), name=name, daemon=True).start()
            else:
                self._idle -= 1
            self._queue.put(task)

    def release_busy(self) -> None:
        """Closes the pool if a task is not done, so that no later task waits for a thread that has it."""
        if self._idle < self._size:
            self.close()

    def close(self) -> None:
        """Lets the threads end once all queued tasks are done. Does not wait for them. Later tasks get new threads."""
        with self._lock:
            queue, self._queue = self._queue, SimpleQueue()
            size, self._size, self._idle = self._size, 0, 0
        for _ in range(size):
            queue.put(None)

    def _work(self, queue: _Queue) -> None:
        while (task := queue.get()) is not None:
            task()
            with self._lock:
                if queue is self._queue:
                    self._idle += 1
