"""The event loop for runs, and the handling of Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Stopping = Callable[[Callable[[], None]], AbstractContextManager[object]]
"""What ends work early: while its block is open, it calls the function when the work has to stop."""


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Returns uvloop's factory where it is installed (half the CPU time), else None."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) calls `stop`; the second one ends the program."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop_once() -> None:
        release()
        stop()

    def release() -> None:
        for number in signals:
            loop.remove_signal_handler(number)

    try:
        for number in signals:
            loop.add_signal_handler(number, stop_once)
    except (NotImplementedError, ValueError, RuntimeError):
        # No signal handlers on this platform, or not in the main thread: Ctrl-C raises as usual.
        yield
        return
    try:
        yield
    finally:
        release()
