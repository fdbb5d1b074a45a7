"""What commands that run for a while share: the event loop, the server beside it, and Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simulator.reporting.console import messages

if TYPE_CHECKING:
    from simulator.server.state import ServerState

# How long the same request of `end_user` counts as a duplicate, in milliseconds.
DUPLICATE_INTERVAL = 60_000


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop where it is installed; it costs half as much."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


@contextmanager
def served(port: int, duplicate_interval: int = DUPLICATE_INTERVAL) -> Iterator[ServerState]:
    """The vendors' APIs, answering on a port of this machine (0: a free one) meanwhile."""
    from simulator.server.app import create_app
    from simulator.server.state import ServerState
    from simulator.server.wsgi import running_server

    state = ServerState(duplicate_interval=duplicate_interval)
    with running_server(create_app(state), "127.0.0.1", port) as server:
        messages().print(f"The vendors' APIs answer at {server.url}")
        yield state


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
