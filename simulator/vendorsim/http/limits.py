"""The limits of the HTTP server: connections, threads and timeouts."""

from __future__ import annotations

from msgspec import Struct


class ServerLimits(Struct, frozen=True):
    """All times are in seconds.

    `connections` is the maximum number of open connections; the server answers further ones with status 503. `threads`
    is the maximum number of threads that run the app.

    `request` is the time for a whole request to arrive, `idle` the time between two requests, `stalled` the time for
    which a client may read no byte of its response, `linger` the time for a client to read an error response before the
    server closes the connection. The server checks these deadlines every `sweep` seconds. Unfinished responses get
    `grace` seconds when the server closes.
    """

    connections: int = 900
    threads: int = 48
    request: float = 60.0
    idle: float = 75.0
    stalled: float = 60.0
    linger: float = 2.0
    sweep: float = 1.0
    grace: float = 1.0


LIMITS = ServerLimits()
