"""Reads the journal page by page, newest first, also while it is being written.

A page starts below an id (keyset pagination): every page costs the same, however large the journal is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

SEARCH_STEPS = 200_000


class Query(Struct, frozen=True):
    """The filters of a search. Names must be equal; `text` is searched in names, targets, reasons and bodies.

    Runs before run number `since` are left out: they began before the last reset.
    """

    namespace: str = ""
    since: int = 0
    run: int | None = None
    vendor: str | None = None
    event: str | None = None
    operation: str | None = None
    conversation: str | None = None
    verdict: str | None = None
    text: str | None = None


class Row(Protocol):
    """A row, with access by column name."""

    def __getitem__(self, name: str, /) -> Any: ...


class JournalPage(Struct, frozen=True):
    """Some rows, and the id below which the next page starts; None on the last page."""

    rows: Sequence[Row]
    next: int | None


class SearchTooLong(Exception):
    """A search had to examine too many rows."""


class Pages(Protocol):
    """Reads a journal page by page. Thread-safe."""

    def attempts(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage: ...
    def calls(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage: ...
    def newer(self, table: str, query: Query, after: int, limit: int) -> Sequence[Row]: ...
    def one(self, table: str, number: int, query: Query) -> Row | None: ...
    def newest_of(self, run: int, delivery: str, after: int) -> Row | None: ...
    def conversations(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage: ...


class JournalPages:
    """Reads one journal file. Thread-safe; each call opens a connection of its own.

    SQLite aborts a search after `search_steps` thousands of its instructions; then the call raises SearchTooLong.
    """

    def __init__(self, path: Path, search_steps: int = SEARCH_STEPS) -> None:
        self._path = path
        self._search_steps = search_steps

    def attempts(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage:
        """Returns a page of attempts with ids below `before`, the newest first."""
        return self._page("attempts", query, before, limit)

    def calls(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage:
        """Returns a page of calls of vendors' APIs with ids below `before`, the newest first."""
        return self._page("calls", query, before, limit)

    def newer(self, table: str, query: Query, after: int, limit: int) -> list[sqlite3.Row]:
        """Returns rows with ids above `after`, the oldest first."""
        where, values = _conditions(table, query)
        with self._reading() as db:
            return db.execute(
                f"SELECT * FROM {table} WHERE {where} AND id > ? ORDER BY id LIMIT ?", (*values, after, limit)
            ).fetchall()

    def one(self, table: str, number: int, query: Query) -> sqlite3.Row | None:
        """Returns an attempt or call by its id; None if it is in another namespace, or from before the last reset."""
        with self._reading() as db:
            row: sqlite3.Row | None = db.execute(
                f"SELECT * FROM {table} WHERE id = ? AND {_OF_NAMESPACE}", (number, query.namespace, query.since)
            ).fetchone()
        return row

    def newest_of(self, run: int, delivery: str, after: int) -> sqlite3.Row | None:
        """Returns the newest attempt of a delivery, if its id is above `after`."""
        with self._reading() as db:
            row: sqlite3.Row | None = db.execute(
                "SELECT * FROM attempts WHERE run = ? AND delivery = ? AND id > ? ORDER BY id DESC LIMIT 1",
                (run, delivery, after),
            ).fetchone()
        return row

    def conversations(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage:
        """Returns a page of conversations, those with the newest attempts first.

        Columns: vendor, profile, conversation, run, attempts, last_id, last_at, failed.
        """
        where, values = _conditions("attempts", query)
        below = "" if before is None else "HAVING last_id < ?"
        parameters = (*values, *(() if before is None else (before,)), limit + 1)
        with self._reading() as db:
            rows = db.execute(
                "SELECT vendor, profile, conversation, run, count(*) AS attempts, max(id) AS last_id, "
                "max(at) AS last_at, "
                "sum(verdict NOT IN ('delivered', 'dropped', 'spoiled', 'lost') AND final) AS failed "
                f"FROM attempts WHERE {where} GROUP BY run, vendor, conversation {below} ORDER BY last_id DESC LIMIT ?",
                parameters,
            ).fetchall()
        return JournalPage(rows[:limit], rows[limit - 1]["last_id"] if len(rows) > limit else None)

    def _page(self, table: str, query: Query, before: int | None, limit: int) -> JournalPage:
        where, values = _conditions(table, query)
        below = "" if before is None else "AND id < ?"
        parameters = (*values, *(() if before is None else (before,)), limit + 1)
        with self._reading() as db:
            rows = db.execute(
                f"SELECT * FROM {table} WHERE {where} {below} ORDER BY id DESC LIMIT ?", parameters
            ).fetchall()
        return JournalPage(rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        db.row_factory = sqlite3.Row
        steps = iter(range(self._search_steps))
        # SQLite calls the handler every thousand instructions, and aborts the statement when it returns true.
        db.set_progress_handler(lambda: next(steps, None) is None, 1000)
        try:
            yield db
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise SearchTooLong from None
            raise
        finally:
            db.close()


_OF_NAMESPACE = "run IN (SELECT id FROM runs WHERE namespace = ? AND id >= ?)"
EXACT = {
    "attempts": ("run", "vendor", "event", "conversation", "verdict"),
    "calls": ("run", "vendor", "operation"),
}
_SEARCHED = {
    "attempts": ("event", "conversation", "delivery", "target", "reason", "CAST(request_body AS TEXT)"),
    "calls": ("operation", "session", "message", "path", "CAST(body AS TEXT)"),
}


def pattern(text: str) -> str:
    """Returns the LIKE pattern for values that contain a text. The escape character is the backslash."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _conditions(table: str, query: Query) -> tuple[str, list[Any]]:
    """Returns the WHERE clause of a query, and its values."""
    parts: list[str] = [_OF_NAMESPACE]
    values: list[Any] = [query.namespace, query.since]
    for name in EXACT[table]:
        value = getattr(query, name)
        if value is not None:
            parts.append(f"{name} = ?")
            values.append(value)
    if table == "calls" and query.conversation is not None:
        parts.append("session = ?")
        values.append(query.conversation)
    if query.text:
        parts.append("(" + " OR ".join(f"{name} LIKE ? ESCAPE '\\'" for name in _SEARCHED[table]) + ")")
        values += [pattern(query.text)] * len(_SEARCHED[table])
    return " AND ".join(parts), values
