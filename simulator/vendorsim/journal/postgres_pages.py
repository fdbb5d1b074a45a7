"""Reads the journal of several servers page by page (`vendorsim.journal.pages.Pages`).

The records of a namespace begin with its last reset, on whichever server. `Query.since` is a run number of one server,
so this module ignores it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vendorsim.delivery.records import DELIVERED
from vendorsim.journal.pages import (
    ENDINGS,
    EXACT,
    MOST_ENDINGS,
    NOT_DELIVERED,
    RECORDING,
    JournalPage,
    NewRows,
    Query,
    Row,
    SearchTooLong,
    new_rows,
    pattern,
    recordings_query,
    with_visitor,
)

if TYPE_CHECKING:
    from psycopg import Connection, Cursor

    from vendorsim.journal.postgres import Database

_SEARCHED = {
    "attempts": ("event", "conversation", "delivery", "target", "reason"),
    "calls": ("operation", "session", "message", "path"),
}
_BODY = {"attempts": "request_body", "calls": "body"}


class PostgresPages:
    """Reads the journal in a database. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def attempts(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage:
        """Returns a page of attempts with ids below `before`, the newest first, with `visitor` and `opening`."""
        return self._page("attempts", query, before, limit)

    def calls(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage:
        """Returns a page of calls of vendors' APIs with ids below `before`, the newest first, with `visitor` and
        `opening` of the conversation that they are about."""
        return self._page("calls", query, before, limit)

    def newer(self, table: str, query: Query, after: int, limit: int, *, newest: bool = False) -> NewRows:
        """Returns rows with ids above `after`, as `JournalPages.newer` does."""
        where, values = _conditions(table, query)
        order = "DESC" if newest else "ASC"
        chosen = f"SELECT * FROM vendorsim.{table} WHERE {where} AND id > %s AND id <= %s ORDER BY id {order} LIMIT %s"
        head = self._rows(f"SELECT max(id) AS id FROM vendorsim.{table}", ())[0]["id"]
        parameters = (*values, after, head, limit)
        rows = self._rows(f"{with_visitor(table, chosen, 'vendorsim.')} ORDER BY id", parameters)
        return new_rows(rows, after, head, limit, newest)

    def one(self, table: str, number: int, query: Query) -> Row | None:
        """Returns an attempt or call by its id; None if it is in another namespace, or from before the last reset."""
        where, values = _conditions(table, Query(query.namespace))
        chosen = f"SELECT * FROM vendorsim.{table} WHERE {where} AND id = %s"
        rows = self._rows(with_visitor(table, chosen, "vendorsim."), (*values, number))
        return rows[0] if rows else None

    def newest_of(self, run: int, delivery: str, after: int) -> Row | None:
        """Returns the newest attempt of a delivery, if its id is above `after`."""
        rows = self._rows(
            "SELECT * FROM vendorsim.attempts WHERE run = %s AND delivery = %s AND id > %s ORDER BY id DESC LIMIT 1",
            (run, storable(delivery), after),
        )
        return rows[0] if rows else None

    def conversations(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage:
        """Returns a page of conversations, those with the newest attempts first.

        Columns: those of the table, and `about`, the JSON text of their run, with its `command`.
        """
        where, values = _conversation_conditions(query)
        below = "" if before is None else "AND last_id < %s"
        rows = self._rows(
            "SELECT conversations.*, (SELECT about FROM vendorsim.runs WHERE id = run) AS about, "
            "(SELECT command FROM vendorsim.runs WHERE id = run) AS command "
            f"FROM vendorsim.conversations WHERE {where} {below} ORDER BY last_id DESC LIMIT %s",
            (*values, *(() if before is None else (before,)), limit + 1),
        )
        return JournalPage(rows[:limit], rows[limit - 1]["last_id"] if len(rows) > limit else None)

    def endings(self, query: Query, limit: int = MOST_ENDINGS) -> Sequence[Row]:
        """Returns how the newest attempts ended (ENDINGS), the oldest of them first."""
        where, values = _conditions("attempts", query)
        rows = self._rows(
            f"SELECT {ENDINGS} FROM vendorsim.attempts WHERE {where} ORDER BY id DESC LIMIT %s", (*values, limit)
        )
        return rows[::-1]

    def recordings(self, query: Query, *, before: int | None = None, limit: int = 50) -> JournalPage:
        """Returns a page of the runs that recorded real traffic, as `JournalPages.recordings` does."""
        parts, values = ["namespace = %s AND NOT hidden"], list[Any]([query.namespace])
        for condition, value in (("id = %s", query.run), ("id < %s", before)):
            if value is not None:
                parts.append(condition)
                values.append(value)
        asked = recordings_query("%s", "vendorsim.").format(where=" AND ".join(parts))
        rows = self._rows(asked, (RECORDING, *values, limit + 1))
        return JournalPage(rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None)

    def _page(self, table: str, query: Query, before: int | None, limit: int) -> JournalPage:
        where, values = _conditions(table, query)
        below = "" if before is None else "AND id < %s"
        chosen = f"SELECT * FROM vendorsim.{table} WHERE {where} {below} ORDER BY id DESC LIMIT %s"
        rows = self._rows(
            f"{with_visitor(table, chosen, 'vendorsim.')} ORDER BY id DESC",
            (*values, *(() if before is None else (before,)), limit + 1),
        )
        return JournalPage(rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None)

    def _rows(self, query: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        with self._reading() as db:
            return dictionaries(db).execute(query.encode(), values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[Connection[Any]]:
        from psycopg.errors import QueryCanceled

        with self._database.connection() as db:
            try:
                yield db
            except QueryCanceled:
                raise SearchTooLong from None


def dictionaries(db: Connection[Any], name: str = "") -> Cursor[dict[str, Any]]:
    """Returns a cursor with dictionary rows. With a name it is a server-side cursor, which fetches rows in parts."""
    from psycopg.rows import dict_row

    return db.cursor(name, row_factory=dict_row) if name else db.cursor(row_factory=dict_row)


def storable(value: Any) -> Any:
    """Makes a value acceptable to PostgreSQL: replaces NUL and surrogates in text."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return value


_OF_NAMESPACE = "run IN (SELECT id FROM vendorsim.runs WHERE namespace = %s AND NOT hidden)"


def _conversation_conditions(query: Query) -> tuple[str, list[Any]]:
    """Returns the WHERE clause of a list of conversations, and its values."""
    parts = [
        _OF_NAMESPACE,
        "last_id > coalesce((SELECT attempts FROM vendorsim.resets WHERE namespace = %s), 0)",
    ]
    values: list[Any] = [query.namespace, query.namespace]
    for name in ("run", "vendor", "conversation"):
        value = getattr(query, name)
        if value is not None:
            parts.append(f"{name} = %s")
            values.append(storable(value))
    if query.text or query.event is not None or query.verdict is not None:
        found, more = _conditions("attempts", query)
        theirs = f"SELECT run, vendor, conversation FROM vendorsim.attempts WHERE {found}"
        told = ""
        if query.text:
            told = " OR visitor ILIKE %s OR opening ILIKE %s"
            more += [pattern(storable(query.text))] * 2
        parts.append(f"((run, vendor, conversation) IN ({theirs}){told})")
        values += more
    return " AND ".join(parts), values


def _conditions(table: str, query: Query) -> tuple[str, list[Any]]:
    """Returns the WHERE clause of a query, and its values."""
    parts = [
        _OF_NAMESPACE,
        f"id > coalesce((SELECT {table} FROM vendorsim.resets WHERE namespace = %s), 0)",
    ]
    values: list[Any] = [query.namespace, query.namespace]
    for name in EXACT[table]:
        value = getattr(query, name)
        if value is not None:
            parts.append(f"{name} = %s")
            values.append(storable(value))
    if table == "attempts" and query.verdict not in (None, DELIVERED):
        parts.append(NOT_DELIVERED)
    if table == "calls" and query.conversation is not None:
        parts.append("session = %s")
        values.append(storable(query.conversation))
    if query.text:
        text = storable(query.text)
        searched = [f"{name} ILIKE %s" for name in _SEARCHED[table]]
        # Bodies may be any bytes: compare body and text in PostgreSQL's `escape` format, which is ASCII only.
        searched.append(f"encode({_BODY[table]}, 'escape') ILIKE %s")
        parts.append("(" + " OR ".join(searched) + ")")
        values += [pattern(text)] * len(_SEARCHED[table]) + [pattern(_escaped(text))]
    return " AND ".join(parts), values


def _escaped(text: str) -> str:
    """Encodes a text like PostgreSQL's `encode(…, 'escape')` encodes its bytes."""
    signs = {0x5C: "\\\\", 0: "\\000"}
    return "".join(signs.get(byte) or (chr(byte) if byte < 0x80 else f"\\{byte:03o}") for byte in text.encode())
