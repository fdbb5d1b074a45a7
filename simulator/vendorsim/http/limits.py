"""The limits of the HTTP server: how many at once, and how long anything may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """All times are in seconds.

    `connections` are open at once; beyond that, a new one is answered with status 503. `threads` run the app at once.
    `request` is the time for a whole request to arrive, `idle` the time between two requests, `stalled` the time in
    which a client takes no byte of its answer, `linger` the time for a client to read an error answer before the
    connection is closed. `sweep` is the interval at which these deadlines are checked. `grace` is the time that
    unfinished answers get when the server closes.
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
