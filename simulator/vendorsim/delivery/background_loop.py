"""The event loop in which a server sends deliveries: a thread of its own, which starts on first use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from threading import Lock
from typing import Any, TypeVar

from vendorsim.http.loop_thread import LoopThread
from vendorsim.http.transport import HttpTransport

T = TypeVar("T")


class BackgroundLoop:
    """Runs coroutines and functions in the event loop. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: LoopThread | None = None
        self._transport: HttpTransport | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine in the loop and waits for its result. Must not be called from the loop itself."""
        return self._started().run(work)

    def call(self, function: Callable[[], T]) -> T:
        """Calls a function in the loop, and returns its result. Must not be called from the loop itself."""

        async def call() -> T:
            return function()

        return self.run(call())

    @property
    def transport(self) -> HttpTransport:
        """The HTTP client of all background deliveries. Use it in the loop only."""
        if self._transport is None:
            self._transport = HttpTransport(None, None)
        return self._transport

    def close(self) -> None:
        """Aborts the requests in flight, cancels all tasks and ends the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.run(self._abort())
            thread.close()

    async def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _started(self) -> LoopThread:
        with self._lock:
            if self._thread is None:
                self._thread = LoopThread("vendorsim-background-loop")
            return self._thread
