"""The event loop in which a server sends deliveries: a thread of its own, which starts on first use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from threading import Lock, Thread
from typing import Any, TypeVar

from vendorsim.http.loop import loop_factory
from vendorsim.http.transport import HttpTransport

T = TypeVar("T")


class BackgroundLoop:
    """Runs coroutines and functions in the event loop. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._transport: HttpTransport | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine in the loop and waits for its result. Must not be called from the loop itself."""
        return asyncio.run_coroutine_threadsafe(work, self._started()).result()

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
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._abort(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    async def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = (loop_factory() or asyncio.new_event_loop)()
                self._thread = Thread(target=self._loop.run_forever, name="vendorsim-background-loop", daemon=True)
                self._thread.start()
            return self._loop
