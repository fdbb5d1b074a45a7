"""What commands that run for a while share: the server beside them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vendorsim.reporting.console import messages

if TYPE_CHECKING:
    from vendorsim.server.backend import ServerBackend

# How long the same identification of a visitor counts as a duplicate, in milliseconds.
DUPLICATE_INTERVAL = 60_000


def look_for_garbage_rarely() -> None:
    """For commands that serve or send a lot. Little of what they make is garbage that only a search finds, and every
    search holds all threads up: what is loaded by now is left out of it, and the rest is gone through seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@contextmanager
def served(
    port: int, duplicate_interval: int = DUPLICATE_INTERVAL, *, held_back: bool = False
) -> Iterator[ServerBackend]:
    """The vendors' APIs, answering on a port of this machine (0: a free one) meanwhile.

    With `held_back` whoever listens to the calls may hold their answers back: then none is given by the server's loop.
    """
    from vendorsim.server.app import create_app, serve_app
    from vendorsim.server.backend import ServerBackend
    from vendorsim.server.fast_path import fast_path

    state = ServerBackend(duplicate_interval=duplicate_interval)
    doors = () if held_back else (fast_path(state),)
    with serve_app(create_app(state), "127.0.0.1", port, *doors) as server:
        messages().print(f"The vendors' APIs answer at {server.url}")
        try:
            yield state
        finally:
            state.close()
