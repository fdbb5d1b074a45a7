"""Session overrides of several servers. An answer is taken under the lock of its row."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from vendorsim.server.shared.model import MOST_SESSIONS
from vendorsim.vendorkit.session_overrides import SessionOverride

if TYPE_CHECKING:
    from psycopg import Connection

_COLUMNS = "ended, crm_supported, answers, end_user"
_SELECT = f"SELECT {_COLUMNS} FROM vendorsim.sessions WHERE namespace = %s AND session = %s"
_USE_UP = "UPDATE vendorsim.sessions SET answers = answers[2:] WHERE namespace = %s AND session = %s"
# Deletes all but the newest sessions.
_FORGET = """
DELETE FROM vendorsim.sessions WHERE namespace = %s AND number <= (
    SELECT number FROM vendorsim.sessions WHERE namespace = %s ORDER BY number DESC OFFSET %s LIMIT 1
)
"""
_FORCE = """
INSERT INTO vendorsim.forced (namespace, answers) VALUES (%s, %s)
ON CONFLICT (namespace) DO UPDATE SET answers = excluded.answers, set_at = now()
"""


class OverridesInPostgres:
    """The `SessionOverrides` of a namespace. Beyond `most_sessions`, the oldest is forgotten."""

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[Connection[Any]]],
        namespace: str,
        most_sessions: int = MOST_SESSIONS,
    ) -> None:
        self._connect = connect
        self._namespace = namespace
        self._most_sessions = most_sessions

    def set(self, session_id: str, **changes: Any) -> None:
        """Writes the changed columns only, since two servers may change one session at the same time."""
        columns = {_COLUMN.get(name, name): _VALUES.get(name, bool)(value) for name, value in changes.items()}
        names = "".join(f", {name}" for name in columns)
        placeholders = ", %s" * len(columns)
        update = "".join(f", {name} = excluded.{name}" for name in columns)
        with self._connect() as db:
            row = db.execute(
                f"INSERT INTO vendorsim.sessions AS sessions (namespace, session{names}) VALUES (%s, %s{placeholders}) "
                f"ON CONFLICT (namespace, session) DO UPDATE SET set_at = now(){update} RETURNING xmax = 0",
                (self._namespace, _key(session_id), *columns.values()),
            ).fetchone()
            if row == (True,):
                db.execute(_FORGET, (self._namespace, self._namespace, self._most_sessions))

    def get(self, session_id: str) -> SessionOverride | None:
        with self._connect() as db:
            return _override(db.execute(_SELECT, (self._namespace, _key(session_id))).fetchone())

    def take(self, session_id: str) -> SessionOverride | None:
        key = (self._namespace, _key(session_id))
        with self._connect() as db:
            found = _override(db.execute(_SELECT, key).fetchone())
            if found is None or not found.answers:
                return found
            with db.transaction():
                found = _override(db.execute(f"{_SELECT} FOR UPDATE", key).fetchone())
                db.execute(_USE_UP, key)
            return found

    def names(self) -> list[str]:
        with self._connect() as db:
            rows = db.execute(
                "SELECT session FROM vendorsim.sessions WHERE namespace = %s ORDER BY number DESC", (self._namespace,)
            ).fetchall()
        return [bytes(session).decode("utf-8", "surrogatepass") for (session,) in rows]

    def force(self, answers: Sequence[str]) -> None:
        with self._connect() as db:
            db.execute(_FORCE, (self._namespace, list(answers)))

    def forced(self) -> tuple[str, ...]:
        with self._connect() as db:
            return self._forced(db)

    def take_forced(self) -> str | None:
        with self._connect() as db:
            if not self._forced(db):
                return None
            with db.transaction():
                answers = self._forced(db, " FOR UPDATE")
                db.execute("UPDATE vendorsim.forced SET answers = answers[2:] WHERE namespace = %s", (self._namespace,))
            return answers[0] if answers else None

    def clear(self) -> None:
        with self._connect() as db, db.transaction():
            db.execute("DELETE FROM vendorsim.sessions WHERE namespace = %s", (self._namespace,))
            db.execute("DELETE FROM vendorsim.forced WHERE namespace = %s", (self._namespace,))

    def _forced(self, db: Connection[Any], lock: str = "") -> tuple[str, ...]:
        query = f"SELECT answers FROM vendorsim.forced WHERE namespace = %s{lock}"
        row = db.execute(query.encode(), (self._namespace,)).fetchone()
        return () if row is None else tuple(row[0])


def _json(value: Mapping[str, str] | None) -> str | None:
    return None if value is None else json.dumps(dict(value))


# Column names of fields of `SessionOverride` that differ, and conversions of fields that are not booleans.
_COLUMN = {"identity": "end_user"}
_VALUES: Mapping[str, Callable[[Any], Any]] = {"answers": list, "identity": _json}


def _key(session_id: str) -> bytes:
    return session_id.encode("utf-8", "surrogatepass")


def _override(row: tuple[Any, ...] | None) -> SessionOverride | None:
    if row is None:
        return None
    ended, crm_supported, answers, identity = row
    return SessionOverride(ended, crm_supported, tuple(answers), None if identity is None else json.loads(identity))
