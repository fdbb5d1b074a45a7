"""Reads states from PostgreSQL, in read-only transactions."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from vendorsim.core import database_urls
from vendorsim.core.errors import InputError, MissingExtraError
from vendorsim.probes.model import ProbeError
from vendorsim.probes.query import ProbeQuery
from vendorsim.probes.rows import state_of

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Error

# Connections of one probe. PostgreSQL allows 100 in all by default, and the integration needs some.
AT_ONCE = 4
# Seconds for which the database may take to cancel a query.
_LONGEST_CANCEL = 2.0


class PostgresProbe:
    """Keeps its connections until it is closed. Each read is a transaction of its own, which is rolled back."""

    def __init__(self, url: str, query: ProbeQuery, timeout: float) -> None:
        """Raises InputError for a URL that can't be read, and MissingExtraError without the driver."""
        self._name = database_urls.masked(url)
        try:
            import psycopg
        except ImportError:
            raise MissingExtraError(f"{self._name}: PostgreSQL", "psycopg", "postgres") from None
        try:
            psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            # psycopg's message quotes the faulty part, perhaps the password.
            raise InputError(f"{self._name}: {database_urls.UNREADABLE_URL}") from None
        self._url = url
        self._query = query
        self._timeout = timeout
        self._free = asyncio.Semaphore(AT_ONCE)
        self._idle: list[AsyncConnection[Any]] = []

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        import psycopg

        values = {"conversation_id": conversation_id, "identifier": identifier}
        used: list[AsyncConnection[Any]] = []
        async with self._free:
            reading = asyncio.ensure_future(self._rows(values, used))
            # Looks at the error: asyncio would report it if this read is cancelled.
            reading.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            try:
                await asyncio.wait({reading}, timeout=self._timeout)
                in_time = reading.done()
            finally:
                if not reading.done():
                    await _stop(reading, used)
            if not in_time:
                raise ProbeError(f"{self._name}: the database did not answer within {self._timeout:g} s")
            try:
                columns, rows = reading.result()
            except psycopg.Error as error:
                raise ProbeError(self._reason(error)) from None
            except UnicodeEncodeError as error:
                raise ProbeError(f"{self._name}: {error}") from None
        query = self._query
        if columns is None:
            raise ProbeError(f"{query.place(query.start)}: the query returns no rows; write a SELECT")
        try:
            return state_of(columns, rows)
        except ValueError as error:
            raise ProbeError(f"{query.place(query.start)}: {error}") from None

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _rows(
        self, values: dict[str, str | None], used: list[AsyncConnection[Any]]
    ) -> tuple[list[str] | None, list[tuple[Any, ...]]]:
        """Returns the columns, None if the statement has none, and the rows. Adds the connection to `used`."""
        text, names = self._query.numbered()
        connection = self._idle.pop() if self._idle else await self._connect()
        used.append(connection)
        usable = False
        try:
            cursor = await connection.execute(text.encode(), [values[name] for name in names])
            columns = None if cursor.description is None else [column.name for column in cursor.description]
            rows = [] if columns is None else await cursor.fetchall()
            await connection.rollback()
            usable = True
            return columns, rows
        finally:
            if usable:
                self._idle.append(connection)
            else:
                await connection.close()

    async def _connect(self) -> AsyncConnection[Any]:
        from psycopg import AsyncConnection, AsyncRawCursor

        connection = await AsyncConnection.connect(
            self._url,
            cursor_factory=AsyncRawCursor,
            # Poolers between us and the database may not know prepared statements.
            prepare_threshold=None,
            application_name="vendorsim",
        )
        # PostgreSQL's own read-only mode: psycopg begins each transaction with READ ONLY.
        await connection.set_read_only(True)
        return connection

    def _reason(self, error: Error) -> str:
        from psycopg import errors

        query = self._query
        text = error.diag.message_primary or (str(error).strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, errors.ReadOnlySqlTransaction):
            return f"{query.place(query.start)}: the query writes, and a probe may only read ({text})"
        position = error.diag.statement_position
        if position is not None:
            return f"{query.place(query.original(int(position) - 1))}: {text}"
        if error.sqlstate is not None and not error.sqlstate.startswith(("08", "28", "3D", "53", "57")):
            return f"{query.place(query.start)}: {text}"
        return f"{self._name}: the database can't be read: {text}"


async def _stop(reading: asyncio.Future[Any], used: list[AsyncConnection[Any]]) -> None:
    """Ends a read: asks the database to cancel the query. A cancelled task would make psycopg warn about it."""
    from psycopg import Error

    for connection in used:
        with suppress(Error):
            await connection.cancel_safe(timeout=_LONGEST_CANCEL)
    if used:
        await asyncio.wait({reading}, timeout=_LONGEST_CANCEL)
    reading.cancel()
    await asyncio.wait({reading})
