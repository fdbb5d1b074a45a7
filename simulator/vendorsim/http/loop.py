"""The event loop that runs are played in, and how Ctrl-C ends them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop where it is installed; it costs half as much."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) calls `stop`; the second one ends the program."""
    loop = asyncio.get_running_loop()
    caught = (signal.SIGINT, signal.SIGTERM)

    def stop_once() -> None:
        release()
        stop()

    def release() -> None:
        for number in caught:
            loop.remove_signal_handler(number)

    try:
        for number in caught:
            loop.add_signal_handler(number, stop_once)
    except (NotImplementedError, ValueError, RuntimeError):
        # No signal handlers on this platform, or not in the main thread: Ctrl-C raises as usual.
        yield
        return
    try:
        yield
    finally:
        release()
