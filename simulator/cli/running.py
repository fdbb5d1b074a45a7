"""What commands that run for a while share: the server beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simulator.reporting.console import messages

if TYPE_CHECKING:
    from simulator.server.state import ServerState

# How long the same request of `end_user` counts as a duplicate, in milliseconds.
DUPLICATE_INTERVAL = 60_000


@contextmanager
def served(port: int, duplicate_interval: int = DUPLICATE_INTERVAL) -> Iterator[ServerState]:
    """The vendors' APIs, answering on a port of this machine (0: a free one) meanwhile."""
    from simulator.server.app import create_app
    from simulator.server.state import ServerState
    from simulator.server.wsgi import running_server

    state = ServerState(duplicate_interval=duplicate_interval)
    with running_server(create_app(state), "127.0.0.1", port) as server:
        messages().print(f"The vendors' APIs answer at {server.url}")
        try:
            yield state
        finally:
            state.close()
