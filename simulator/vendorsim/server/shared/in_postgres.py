"""The state of several servers, in PostgreSQL."""

from __future__ import annotations

from vendorsim.core.errors import StateUnreachableError
from vendorsim.journal.postgres import Database
from vendorsim.server.shared.model import MOST_SESSIONS
from vendorsim.server.shared.postgres_duplicates import PostgresDuplicates
from vendorsim.server.shared.postgres_sessions import OverridesInPostgres


class InPostgres:
    """The state of all servers that use this database (`model.SharedState`)."""

    def __init__(self, database: Database, *, most_sessions: int = MOST_SESSIONS) -> None:
        self._database = database
        self._most_sessions = most_sessions

    def duplicates(self, namespace: str, interval: int) -> PostgresDuplicates:
        return PostgresDuplicates(self._database.connection, namespace, interval)

    def overrides(self, namespace: str) -> OverridesInPostgres:
        return OverridesInPostgres(self._database.connection, namespace, self._most_sessions)

    def failure(self) -> str | None:
        try:
            with self._database.connection() as connection:
                connection.execute("SELECT 1")
        except StateUnreachableError as error:
            return str(error)
        return None
