"""Reads states from an SQLite file, which is opened read-only."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from vendorsim.core.clock import monotonic
from vendorsim.probes.model import ProbeError
from vendorsim.probes.query import ProbeQuery
from vendorsim.probes.rows import state_of

# Instructions of SQLite's virtual machine between two looks at the clock: some hundred microseconds.
_INSTRUCTIONS = 10_000
_NEAR = re.compile('near "(.*)"', re.DOTALL)


class SqliteProbe:
    """Opens the file anew for each read, in a thread: it may appear only while the integration runs."""

    def __init__(self, file: Path, query: ProbeQuery, timeout: float) -> None:
        self._file = file
        self._query = query
        self._timeout = timeout

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        stopped = threading.Event()
        try:
            return await asyncio.to_thread(self._read, conversation_id, identifier, stopped)
        finally:
            # Ends the query of a read that is cancelled.
            stopped.set()

    async def close(self) -> None:
        pass

    def _read(self, conversation_id: str, identifier: str | None, stopped: threading.Event) -> Any:
        if not self._file.is_file():
            raise ProbeError(f"{self._file}: there is no such database file")
        ends = monotonic() + self._timeout
        values = {"conversation_id": conversation_id, "identifier": identifier}
        query = self._query
        try:
            # `mode=ro` is SQLite's own read-only mode. It does not hold for other files, so none can be attached.
            uri = f"{self._file.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True, timeout=self._timeout)) as database:
                database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
                database.set_progress_handler(lambda: stopped.is_set() or monotonic() > ends, _INSTRUCTIONS)
                cursor = database.execute(query.text, values)
                rows = cursor.fetchall()
        except (sqlite3.Error, UnicodeEncodeError) as error:
            raise ProbeError(self._reason(error)) from None
        if cursor.description is None:
            raise ProbeError(f"{query.place(query.start)}: the query returns no rows; write a SELECT")
        try:
            return state_of([column[0] for column in cursor.description], rows)
        except ValueError as error:
            raise ProbeError(f"{query.place(query.start)}: {error}") from None

    def _reason(self, error: Exception) -> str:
        query, code = self._query, getattr(error, "sqlite_errorcode", None)
        # The lower byte is the primary code, which the others extend.
        primary = None if code is None else code & 0xFF
        if primary == sqlite3.SQLITE_READONLY:
            return f"{query.place(query.start)}: the query writes, and a probe may only read ({error})"
        if primary == sqlite3.SQLITE_INTERRUPT:
            return f"{query.place(query.start)}: the query did not end within {self._timeout:g} s"
        if primary == sqlite3.SQLITE_ERROR:
            near = _NEAR.search(str(error))
            return f"{query.near(near[1] if near else '')}: {error}"
        return f"{self._file}: the database can't be read: {error}"
