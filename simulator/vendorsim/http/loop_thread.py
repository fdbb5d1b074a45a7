"""An event loop in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from threading import Thread
from typing import Any, TypeVar

from vendorsim.http.loop import loop_factory

T = TypeVar("T")


class LoopThread:
    """Runs coroutines until it is closed. Call its methods from other threads only."""

    def __init__(self, name: str) -> None:
        self.loop = (loop_factory() or asyncio.new_event_loop)()
        self._thread = Thread(target=self.loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine and returns its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def close(self) -> None:
        """Ends the loop, whatever runs in it, and its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
