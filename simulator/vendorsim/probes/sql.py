"""A probe that reads rows of a database with a query from a file."""

from __future__ import annotations

import shlex
from pathlib import Path

from msgspec import Struct

from vendorsim.core.database_urls import POSTGRES_SCHEMES, scheme
from vendorsim.core.errors import InputError
from vendorsim.probes.model import ProbeTools, StateProbe, without_secrets
from vendorsim.probes.postgres import PostgresProbe
from vendorsim.probes.query import read_query
from vendorsim.probes.sqlite import SqliteProbe

PREFIX = "sql:"
_SQLITE = "sqlite:///"
_HOW = f"write '{PREFIX} {_SQLITE}FILE QUERY.sql' or '{PREFIX} postgresql://USER@HOST/DATABASE QUERY.sql'"


class SqlSource(Struct, frozen=True):
    """A database and the file of a query. `folder` is where relative paths begin; None: the working directory."""

    url: str
    file: str
    written: str
    folder: Path | None = None

    @classmethod
    def read(cls, text: str, folder: Path | None = None) -> SqlSource:
        """Reads `URL FILE`, the text after the prefix; quotes as in a shell. Raises InputError."""
        what = f"{PREFIX} {without_secrets(text.strip())}"
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise InputError(f"{what}: {error}; {_HOW}") from None
        if words and scheme(words[0]) not in (*POSTGRES_SCHEMES, "sqlite"):
            raise InputError(f"{what}: the database is a URL of SQLite or PostgreSQL; {_HOW}")
        if len(words) != 2:
            missing = (
                "the file of the query is missing" if len(words) == 1 else "expected a URL and the file of a query"
            )
            raise InputError(f"{what}: {missing}; {_HOW}")
        url, file = words
        if scheme(url) == "sqlite" and (not url.startswith(_SQLITE) or url in (_SQLITE, f"{_SQLITE}:memory:")):
            raise InputError(f"{what}: name the file of the database; {_HOW}")
        return cls(url, file, text.strip(), folder)

    @property
    def text(self) -> str:
        return f"{PREFIX} {without_secrets(self.written)}"

    def open(self, tools: ProbeTools) -> StateProbe:
        folder = self.folder or Path()
        query = read_query(folder / self.file, str(folder / self.file))
        if self.url.startswith(_SQLITE):
            return SqliteProbe(folder / self.url.removeprefix(_SQLITE), query, tools.timeout)
        return PostgresProbe(self.url, query, tools.timeout)
