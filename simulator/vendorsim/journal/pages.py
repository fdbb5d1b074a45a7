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

from vendorsim.delivery.records import DELIVERED

SEARCH_STEPS = 200_000
# The columns of attempts that tell how they ended: what `vendorsim.delivery.diagnosis.evidence_of` needs.
ENDINGS = "run, vendor, conversation, delivery, copy, target, event, verdict, status, milliseconds, reason, faults"
# Attempts of one conversation, or of one list, whose endings are read.
MOST_ENDINGS = 500
# The command of runs that record real traffic. They are never deleted: it can't be had again.
RECORDING = "capture record"


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


class NewRows(Struct, frozen=True):
    """Rows that are new, the oldest first; the id after which the next ones come; and the id below which those are that
    were left out, or None."""

    rows: Sequence[Row]
    after: int
    below: int | None = None


class SearchTooLong(Exception):
    """A search had to examine too many rows."""


class Pages(Protocol):
    """Reads a journal page by page. Thread-safe."""

    def attempts(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage: ...
    def calls(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage: ...
    def newer(self, table: str, query: Query, after: int, limit: int, *, newest: bool = False) -> NewRows: ...
    def one(self, table: str, number: int, query: Query) -> Row | None: ...
    def newest_of(self, run: int, delivery: str, after: int) -> Row | None: ...
    def conversations(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage: ...
    def endings(self, query: Query, limit: int = MOST_ENDINGS) -> Sequence[Row]: ...
    def recordings(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage: ...


class JournalPages:
    """Reads one journal file. Thread-safe; each call opens a connection of its own.

    SQLite aborts a search after `search_steps` thousands of its instructions; then the call raises SearchTooLong.
    """

    def __init__(self, path: Path, search_steps: int = SEARCH_STEPS) -> None:
        self._path = path
        self._search_steps = search_steps

    def attempts(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage:
        """Returns a page of attempts with ids below `before`, the newest first.

        Beside the columns of attempts they have `visitor` and `opening`: the conversation's visitor and first words.
        """
        return self._page("attempts", query, before, limit)

    def calls(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage:
        """Returns a page of calls of vendors' APIs with ids below `before`, the newest first, with `visitor` and
        `opening` of the conversation that they are about."""
        return self._page("calls", query, before, limit)

    def newer(self, table: str, query: Query, after: int, limit: int, *, newest: bool = False) -> NewRows:
        """Returns rows with ids above `after`, with the columns of `attempts` or `calls`. If there are more than
        `limit`, they are the oldest ones, or the `newest`."""
        where, values = _conditions(table, query)
        order = "DESC" if newest else "ASC"
        chosen = f"SELECT * FROM {table} WHERE {where} AND id > ? AND id <= ? ORDER BY id {order} LIMIT ?"
        with self._reading() as db:
            (head,) = db.execute(f"SELECT max(id) FROM {table}").fetchone()
            parameters = (*values, after, head, limit)
            rows = db.execute(f"{with_visitor(table, chosen)} ORDER BY id", parameters).fetchall()
        return new_rows(rows, after, head, limit, newest)

    def one(self, table: str, number: int, query: Query) -> sqlite3.Row | None:
        """Returns an attempt or call by its id; None if it is in another namespace, or from before the last reset."""
        with self._reading() as db:
            chosen = f"SELECT * FROM {table} WHERE id = ? AND {_OF_NAMESPACE}"
            row: sqlite3.Row | None = db.execute(
                with_visitor(table, chosen), (number, query.namespace, query.since)
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

        Columns: those of the table, and `about`, the JSON text of their run, with its `command`.
        """
        where, values = _conversation_conditions(query)
        below = "" if before is None else "AND last_id < ?"
        parameters = (*values, *(() if before is None else (before,)), limit + 1)
        with self._reading() as db:
            rows = db.execute(
                "SELECT conversations.*, (SELECT about FROM runs WHERE id = run) AS about, "
                "(SELECT command FROM runs WHERE id = run) AS command FROM conversations "
                f"WHERE {where} {below} ORDER BY last_id DESC LIMIT ?",
                parameters,
            ).fetchall()
        return JournalPage(rows[:limit], rows[limit - 1]["last_id"] if len(rows) > limit else None)

    def endings(self, query: Query, limit: int = MOST_ENDINGS) -> list[sqlite3.Row]:
        """Returns how the newest attempts ended (ENDINGS), the oldest of them first."""
        where, values = _conditions("attempts", query)
        with self._reading() as db:
            rows = db.execute(
                f"SELECT {ENDINGS} FROM attempts WHERE {where} ORDER BY id DESC LIMIT ?", (*values, limit)
            ).fetchall()
        return rows[::-1]

    def recordings(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage:
        """Returns a page of the runs that recorded real traffic, with ids below `before`, the newest first. Of the
        filters only `run` counts.

        Columns: `id`, `began_at`, `ended_at` (milliseconds since 1970; null: under way, or killed), `about` (JSON
        text), and the numbers of its `webhooks`, of those `undelivered`, and of its `calls`.
        """
        parts, values = ["namespace = ? AND id >= ?"], [query.namespace, query.since]
        for condition, value in (("id = ?", query.run), ("id < ?", before)):
            if value is not None:
                parts.append(condition)
                values.append(value)
        asked = recordings_query("?").format(where=" AND ".join(parts))
        with self._reading() as db:
            rows = db.execute(asked, (RECORDING, *values, limit + 1)).fetchall()
        return JournalPage(rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None)

    def _page(self, table: str, query: Query, before: int | None, limit: int) -> JournalPage:
        where, values = _conditions(table, query)
        below = "" if before is None else "AND id < ?"
        parameters = (*values, *(() if before is None else (before,)), limit + 1)
        with self._reading() as db:
            chosen = f"SELECT * FROM {table} WHERE {where} {below} ORDER BY id DESC LIMIT ?"
            rows = db.execute(f"{with_visitor(table, chosen)} ORDER BY id DESC", parameters).fetchall()
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


def new_rows(rows: Sequence[Row], after: int, head: int | None, limit: int, newest: bool) -> NewRows:
    """Returns what `newer` has found up to the id `head`."""
    if len(rows) < limit or newest:
        return NewRows(rows, max(after, head or 0), rows[0]["id"] if len(rows) == limit else None)
    return NewRows(rows, rows[-1]["id"])


def recordings_query(place: str, schema: str = "") -> str:
    """Returns the query of runs that recorded real traffic, with room for more conditions. `place` stands for a value;
    the first is RECORDING, the last the number of rows."""
    counted = f"SELECT count(*) FROM {schema}{{}} WHERE run = listed.id"
    return (
        f"SELECT listed.*, ({counted.format('attempts')}) AS webhooks, "
        f"({counted.format('attempts')} AND {NOT_DELIVERED}) AS undelivered, ({counted.format('calls')}) AS calls "
        f"FROM (SELECT id, began_at, ended_at, about FROM {schema}runs WHERE command = {place} AND {{where}} "
        f"ORDER BY id DESC LIMIT {place}) AS listed ORDER BY id DESC"
    )


# Lets both databases use their index of the attempts that were not delivered.
NOT_DELIVERED = f"verdict <> '{DELIVERED}'"
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


def with_visitor(table: str, chosen: str, schema: str = "") -> str:
    """Returns the query of rows of attempts or calls that adds `visitor` and `opening` of their conversation."""
    if table == "attempts":
        same = "told.run = row.run AND told.vendor = row.vendor AND told.conversation = row.conversation"
        return (
            f"SELECT row.*, told.visitor, told.opening FROM ({chosen}) AS row "
            f"LEFT JOIN {schema}conversations AS told ON {same}"
        )
    about = (
        f"(SELECT {{}} FROM {schema}conversations AS told WHERE told.conversation = row.session "
        "ORDER BY last_id DESC LIMIT 1)"
    )
    return (
        f"SELECT row.*, {about.format('visitor')} AS visitor, {about.format('opening')} AS opening "
        f"FROM ({chosen}) AS row"
    )


def _conversation_conditions(query: Query) -> tuple[str, list[Any]]:
    """Returns the WHERE clause of a list of conversations, and its values."""
    # The plus keeps SQLite from reading all conversations of the namespace and sorting them.
    parts: list[str] = [f"+{_OF_NAMESPACE}"]
    values: list[Any] = [query.namespace, query.since]
    for name in ("run", "vendor", "conversation"):
        value = getattr(query, name)
        if value is not None:
            parts.append(f"{name} = ?")
            values.append(value)
    if query.text or query.event is not None or query.verdict is not None:
        found, more = _conditions("attempts", query)
        theirs = f"SELECT run, vendor, conversation FROM attempts WHERE {found}"
        told = ""
        if query.text:
            told = " OR visitor LIKE ? ESCAPE '\\' OR opening LIKE ? ESCAPE '\\'"
            more += [pattern(query.text)] * 2
        parts.append(f"((run, vendor, conversation) IN ({theirs}){told})")
        values += more
    return " AND ".join(parts), values


def _conditions(table: str, query: Query) -> tuple[str, list[Any]]:
    """Returns the WHERE clause of a query, and its values."""
    parts: list[str] = [_OF_NAMESPACE]
    values: list[Any] = [query.namespace, query.since]
    for name in EXACT[table]:
        value = getattr(query, name)
        if value is not None:
            # A conversation has few rows, a run may have all: the plus keeps SQLite from reading the run's.
            few = name == "run" and query.conversation is not None
            parts.append(f"{'+' if few else ''}{name} = ?")
            values.append(value)
    if table == "attempts" and query.verdict not in (None, DELIVERED):
        parts.append(NOT_DELIVERED)
    if table == "calls" and query.conversation is not None:
        parts.append("session = ?")
        values.append(query.conversation)
    if query.text:
        parts.append("(" + " OR ".join(f"{name} LIKE ? ESCAPE '\\'" for name in _SEARCHED[table]) + ")")
        values += [pattern(query.text)] * len(_SEARCHED[table])
    return " AND ".join(parts), values
