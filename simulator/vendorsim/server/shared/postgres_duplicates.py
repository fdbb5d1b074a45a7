"""The duplicate rule of several servers: one SQL statement for each request, with the clock of the database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import count
from typing import TYPE_CHECKING, Any

from vendorsim.vendorkit.limits import digest

if TYPE_CHECKING:
    from psycopg import Connection

# Of several concurrent calls, one inserts the row; the others wait for it and then find it.
_ACCEPT = """
INSERT INTO vendorsim.accepted AS known (namespace, request, until)
VALUES (%s, %s, clock_timestamp() + %s * interval '1 millisecond')
ON CONFLICT (namespace, request) DO UPDATE SET until = excluded.until
WHERE known.until <= clock_timestamp()
RETURNING true
"""


class PostgresDuplicates:
    """The accepted requests of a namespace (`Duplicates`).

    `interval` is in milliseconds, and applies to the requests that this server accepts; 0 switches the rule off. After
    every `sweep_every` accepted requests, the server deletes expired ones.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[Connection[Any]]],
        namespace: str,
        interval: int,
        sweep_every: int = 1_000,
    ) -> None:
        self._sweep_every = sweep_every
        self._connect = connect
        self._namespace = namespace
        self._interval = interval
        self._accepted = count(1)

    def is_duplicate(self, *request: str) -> bool:
        if not self._interval:
            return False
        with self._connect() as db:
            accepted = db.execute(_ACCEPT, (self._namespace, digest(request), self._interval)).fetchone() is not None
            if accepted and next(self._accepted) % self._sweep_every == 0:
                db.execute("DELETE FROM vendorsim.accepted WHERE until <= clock_timestamp()")
        return not accepted

    def clear(self) -> None:
        with self._connect() as db:
            db.execute("DELETE FROM vendorsim.accepted WHERE namespace = %s", (self._namespace,))
