"""PostgreSQL as the common memory of several servers: the connection, and what happens when it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from vendorsim.core.errors import InputError, StateUnreachableError
from vendorsim.journal import postgres_schema as schema

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

SCHEMES = ("postgresql", "postgres")
# Connections of one server. Calls hold one for some hundred microseconds; a database allows 100 in all by default.
MOST_CONNECTIONS = 10
# Milliseconds after which the database gives a statement up.
_LONGEST_STATEMENT = 10_000
# So many calls may wait; more are refused at once, so that some threads are left for what needs no database.
_MOST_WAITING = 30
_UNREADABLE = "this URL can't be read; write signs such as @ : / ? # % in its parts as %40 %3A %2F %3F %23 %25"


class Database:
    """A database by its URL. A context manager. Thread-safe.

    `patience` is the number of seconds that a call waits for a connection, so also the time that callers wait while the
    database is away.
    """

    def __init__(self, url: str, patience: float = 5.0) -> None:
        """Connects, and makes the tables on first use. Raises InputError and StateUnreachableError."""
        self.name = masked(url)
        self._pool = _open(url, self.name, patience)

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """A connection that commits every statement by itself. Raises StateUnreachableError when the database is
        away; it is used again as soon as it is back."""
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
    """The database without its password, and without options, which may hold one, too. Raises InputError."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in SCHEMES:
        raise InputError("the state is kept in memory, or in PostgreSQL: write postgresql://USER@HOST/DATABASE")
    if url.count("@") > 1 or (parts.netloc.count("@") < url.count("@")):
        # With several '@' it is ambiguous where the password ends, so the whole URL is hidden.
        raise InputError(f"{parts.scheme}://…: {_UNREADABLE}")
    user, at, host = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}"


def _open(url: str, name: str, patience: float) -> ConnectionPool[Any]:
    try:
        import psycopg
        from psycopg_pool import ConnectionPool
    except ImportError:
        raise StateUnreachableError(
            f"{name}: PostgreSQL needs the extra 'postgres': pip install 'vendorsim[postgres]'"
        ) from None
    try:
        given = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # psycopg's message quotes the faulty part, perhaps the password.
        raise InputError(f"{name}: {_UNREADABLE}") from None
    options: dict[str, Any] = {
        "autocommit": True,
        "connect_timeout": given.get("connect_timeout") or max(2, round(patience)),
        "application_name": given.get("application_name") or "vendorsim",
    }
    try:
        # The pool connects in the background, where nobody learns of the reason for a failure.
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
        # Then it is tried again by whoever needs a connection next: that is sooner than by ever longer pauses.
        reconnect_timeout=patience,
        configure=_configure,
        # One that the database has closed meanwhile is noticed before it is used.
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
