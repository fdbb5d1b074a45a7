"""The connections to the PostgreSQL database that several servers share, and the handling of their loss."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from vendorsim.core import database_urls
from vendorsim.core.database_urls import POSTGRES_SCHEMES, UNREADABLE_URL
from vendorsim.core.errors import InputError, MissingExtraError, StateUnreachableError
from vendorsim.journal import postgres_schema as schema

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

# Maximum connections of one server. A call holds one for some hundred microseconds. PostgreSQL allows 100 by default.
MOST_CONNECTIONS = 10
# Milliseconds after which the database aborts a statement.
_LONGEST_STATEMENT = 10_000
# Maximum calls that wait for a connection. More fail at once, so that threads are left for calls without the database.
_MOST_WAITING = 30


class Database:
    """A pool of connections to one database. A context manager. Thread-safe.

    `name` is the URL without secrets. `patience` is the time in seconds for which a call waits for a connection, so
    also the time for which callers wait while the database is down.
    """

    def __init__(self, url: str, patience: float = 5.0) -> None:
        """Connects, and creates the tables on first use.

        Raises InputError, MissingExtraError and StateUnreachableError.
        """
        self.name = masked(url)
        self._pool = _open(url, self.name, patience)

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """Lends a connection in autocommit mode. Raises StateUnreachableError while the database is down.

        Later calls reconnect.
        """
        from psycopg import OperationalError

        try:
            with self._pool.connection() as connection:
                yield connection
        except OperationalError as error:
            raise _unreachable(self.name, error) from None

    def close(self) -> None:
        """Closes all connections."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def masked(url: str) -> str:
    """Returns the URL without the password and without options, which may contain one too. Raises InputError."""
    if database_urls.scheme(url) not in POSTGRES_SCHEMES:
        raise InputError("the state is kept in memory, or in PostgreSQL: write postgresql://USER@HOST/DATABASE")
    return database_urls.masked(url)


def _open(url: str, name: str, patience: float) -> ConnectionPool[Any]:
    try:
        import psycopg
        from psycopg_pool import ConnectionPool
    except ImportError:
        raise MissingExtraError(f"{name}: PostgreSQL", "psycopg", "postgres") from None
    try:
        parameters = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # psycopg's message quotes the faulty part, perhaps the password.
        raise InputError(f"{name}: {UNREADABLE_URL}") from None
    options: dict[str, Any] = {
        "autocommit": True,
        "connect_timeout": parameters.get("connect_timeout") or max(2, round(patience)),
        "application_name": parameters.get("application_name") or "vendorsim",
    }
    try:
        # Connect once here: the pool connects in the background and hides why it failed.
        with psycopg.connect(url, **options) as connection:
            schema.prepare(connection)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except psycopg.Error as error:
        raise _unreachable(name, error) from None
    pool = ConnectionPool(
        url,
        kwargs=options,
        min_size=1,
        max_size=MOST_CONNECTIONS,
        timeout=patience,
        max_waiting=_MOST_WAITING,
        # After that the next call reconnects. That is sooner than the pool, whose pauses between attempts grow.
        reconnect_timeout=patience,
        configure=_configure,
        # Finds connections that the database has closed, before they are used.
        check=ConnectionPool.check_connection,
        name="state",
        open=False,
    )
    pool.open()
    return pool


def _configure(connection: Connection[Any]) -> None:
    connection.execute(f"SET statement_timeout = {_LONGEST_STATEMENT}")


def _unreachable(name: str, error: Exception) -> StateUnreachableError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return StateUnreachableError(f"{name}: the database can't be used: {reason}")
