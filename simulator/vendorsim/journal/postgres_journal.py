"""The journal of several servers in PostgreSQL: each server writes its own records, and reads those of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from vendorsim.core.clock import monotonic, wall_clock
from vendorsim.core.errors import StateUnreachableError
from vendorsim.core.version import __version__
from vendorsim.delivery.records import Attempt
from vendorsim.journal.pages import RECORDING, Row
from vendorsim.journal.postgres_pages import PostgresPages, dictionaries, storable
from vendorsim.journal.store import (
    ATTEMPT_COLUMNS,
    BY_TIME,
    CALL_COLUMNS,
    LONGEST_RUN,
    LONGEST_SERVER,
    MOST_ATTEMPTS,
    attempt_row,
    call_row,
    conversation_rows,
    conversation_upsert,
)
from vendorsim.vendorkit.api_call import ApiCall

if TYPE_CHECKING:
    from vendorsim.journal.postgres import Database

# Seconds for which writing a batch is retried while the database is down: enough for a restart or a failover.
PATIENCE = 600.0
_PAUSE = 0.5
# The advisory lock of writers ("vsjl"). Without it a reader could see an id before a smaller one is committed.
_LOCK = 0x76736A6C


def _insert(table: str, columns: str) -> str:
    return f"INSERT INTO vendorsim.{table} ({columns}) VALUES ({', '.join(['%s'] * len(columns.split(',')))})"


_ADD_ATTEMPT = _insert("attempts", ATTEMPT_COLUMNS)
_ADD_CALL = _insert("calls", CALL_COLUMNS)
_ADD_CONVERSATION = conversation_upsert("%s", "vendorsim.").encode()
# Only one writer at a time gets ids, so those of a batch follow one another.
_LAST_ID = "SELECT coalesce(max(id), 0) FROM vendorsim.attempts"
_BEGIN = _insert("runs", "began_at, command, version, about, namespace, server") + " RETURNING id"
# Deletes the runs beyond the limit that have ended, or are too old to be still running.
_FORGET = """
WITH counted AS (SELECT run, count(*) AS attempts FROM vendorsim.attempts GROUP BY run),
summed AS (SELECT run, sum(attempts) OVER (ORDER BY run DESC) AS total FROM counted)
DELETE FROM vendorsim.runs
WHERE id <= (SELECT max(run) FROM summed WHERE total > %s AND run < (SELECT max(run) FROM summed))
AND command <> %s
AND (ended_at IS NOT NULL OR began_at < %s - CASE WHEN command IN ('serve', 'hub') THEN %s ELSE %s END)
"""
# Hides the rows that are written so far. `hide` also hides this server's runs, whose last rows may not be written yet.
_HIDE = """
INSERT INTO vendorsim.resets
SELECT %s, (SELECT coalesce(max(id), 0) FROM vendorsim.attempts), (SELECT coalesce(max(id), 0) FROM vendorsim.calls)
ON CONFLICT (namespace) DO UPDATE SET attempts = excluded.attempts, calls = excluded.calls
"""


class PostgresJournal:
    """The journal in a database, as a `journal.store.Book` and a `journal.journals.Journals`. Thread-safe."""

    def __init__(self, database: Database, *, most_attempts: int = MOST_ATTEMPTS) -> None:
        """A new run deletes older ones beyond `most_attempts` attempts."""
        self.path = database.name
        self._database = database
        self._most_attempts = most_attempts
        # Marks the runs of this server.
        self._server = uuid4().hex
        self._ending = Event()

    @property
    def pages(self) -> PostgresPages:
        return PostgresPages(self._database)

    def begin(self, command: str, about: Mapping[str, Any], namespace: str = "") -> int:
        """Adds a run and returns its number. Deletes old runs beyond the limit."""
        values = (wall_clock(), command, __version__, storable(orjson.dumps(about).decode()), namespace, self._server)
        with self._database.connection() as db, db.transaction():
            db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            db.execute(_FORGET, (self._most_attempts, RECORDING, wall_clock(), LONGEST_SERVER, LONGEST_RUN))
            row = db.execute(_BEGIN, values).fetchone()
        assert row is not None
        return int(row[0])

    def end(self, run: int) -> None:
        """Marks a run as ended."""
        with self._database.connection() as db:
            db.execute("UPDATE vendorsim.runs SET ended_at = %s WHERE id = %s", (wall_clock(), run))

    def open(self) -> PostgresJournal:
        """Returns itself: each call takes a connection of its own."""
        return self

    def hide(self, namespace: str) -> None:
        """Hides all records of a namespace so far, on all servers."""
        with self._database.connection() as db, db.transaction():
            db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            db.execute(_HIDE, (namespace,))
            db.execute(
                "UPDATE vendorsim.runs SET hidden = true WHERE namespace = %s AND server = %s",
                (namespace, self._server),
            )

    def add(self, run: int, attempts: Sequence[Attempt], calls: Sequence[ApiCall]) -> None:
        """Writes and commits a batch. Retries while the database is down, for at most PATIENCE seconds.

        A batch whose commit was not confirmed may be written twice. Raises StateUnreachableError.
        """
        attempt_rows = [tuple(map(storable, attempt_row(run, attempt))) for attempt in attempts]
        conversations = [tuple(map(storable, row)) for row in conversation_rows(run, attempts, 0)]
        call_rows = [tuple(map(storable, call_row(run, call))) for call in calls]
        until = monotonic() + PATIENCE
        while True:
            try:
                return self._write(attempt_rows, call_rows, conversations)
            except StateUnreachableError:
                if self._ending.wait(_PAUSE) or monotonic() > until:
                    raise

    def hurry(self) -> None:
        """Stops retrying batches, because the server is ending."""
        self._ending.set()

    def attempts(self, run: int | None = None, *, newest_first: bool = False, most: int = -1) -> Iterator[Row]:
        """Yields the attempts of a run, or of all runs. `most` is the maximum number of rows; -1 means all."""
        return self._select("attempts", run, newest_first, most)

    def calls(self, run: int | None = None, *, newest_first: bool = False, most: int = -1) -> Iterator[Row]:
        """Yields the received calls of a run, or of all runs. `most` is the maximum number of rows; -1 means all."""
        return self._select("calls", run, newest_first, most)

    def by_time(self, table: str, run: int | None = None) -> Iterator[Row]:
        """Yields the `attempts` that were sent, or the `calls`, by time: of a run, or all recorded ones."""
        query = BY_TIME[table].format(schema="vendorsim.").replace(":run", "%(run)s::bigint")
        with self._database.connection() as db, db.transaction(), dictionaries(db, "journal") as cursor:
            yield from cursor.execute(query.encode(), {"run": run})

    def attempt(self, number: int) -> Row | None:
        """Returns an attempt by its id, or None."""
        with self._database.connection() as db:
            return dictionaries(db).execute("SELECT * FROM vendorsim.attempts WHERE id = %s", (number,)).fetchone()

    def call(self, number: int) -> Row | None:
        """Returns a call by its id, or None."""
        with self._database.connection() as db:
            return dictionaries(db).execute("SELECT * FROM vendorsim.calls WHERE id = %s", (number,)).fetchone()

    def last_run(self) -> int | None:
        with self._database.connection() as db:
            row = db.execute("SELECT max(id) FROM vendorsim.runs").fetchone()
        return None if row is None else row[0]

    def close(self) -> None:
        """Does nothing: the caller that opened the database closes it."""

    def _write(
        self,
        attempts: Sequence[tuple[Any, ...]],
        calls: Sequence[tuple[Any, ...]],
        conversations: Sequence[tuple[Any, ...]],
    ) -> None:
        with self._database.connection() as db, db.transaction(), db.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            if attempts:
                cursor.executemany(_ADD_ATTEMPT, attempts)
                row = cursor.execute(_LAST_ID).fetchone()
                assert row is not None
                first = row[0] - len(attempts) + 1
                numbered = [(*values[:8], first + values[8], values[9]) for values in conversations]
                cursor.executemany(_ADD_CONVERSATION, numbered)
            if calls:
                cursor.executemany(_ADD_CALL, calls)

    def _select(self, table: str, run: int | None, newest_first: bool, most: int) -> Iterator[Row]:
        order = "DESC" if newest_first else "ASC"
        query = f"SELECT * FROM vendorsim.{table} WHERE %s::bigint IS NULL OR run = %s ORDER BY id {order} LIMIT %s"
        with self._database.connection() as db, db.transaction(), dictionaries(db, "journal") as cursor:
            yield from cursor.execute(query.encode(), (run, run, None if most < 0 else most))
