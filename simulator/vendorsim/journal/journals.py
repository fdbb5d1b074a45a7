"""The journal of a server: a file of its own, or a database shared with other servers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from vendorsim.journal.pages import SEARCH_STEPS, JournalPages, Pages
from vendorsim.journal.store import Book, Journal


class Journals(Protocol):
    """The journal as the namespaces of a server use it, apart from writing records. Thread-safe."""

    @property
    def pages(self) -> Pages:
        """Reads the journal page by page."""
        ...

    def begin(self, command: str, about: Mapping[str, Any], namespace: str = "") -> int:
        """Adds a run and returns its number."""
        ...

    def end(self, run: int) -> None:
        """Marks a run as ended."""
        ...

    def hide(self, namespace: str) -> None:
        """Hides all records of a namespace so far."""
        ...

    def open(self) -> Book:
        """Opens the journal for one more writer, or for a reader of a whole run, which closes it."""
        ...


class JournalFile:
    """A journal in a file. Each call opens a connection of its own. `search_steps` is the limit of `JournalPages`."""

    def __init__(self, path: Path, search_steps: int = SEARCH_STEPS) -> None:
        self._path = path
        self._search_steps = search_steps

    @property
    def pages(self) -> JournalPages:
        return JournalPages(self._path, self._search_steps)

    def begin(self, command: str, about: Mapping[str, Any], namespace: str = "") -> int:
        journal = Journal(self._path)
        try:
            return journal.begin(command, about, namespace)
        finally:
            journal.close()

    def end(self, run: int) -> None:
        journal = Journal(self._path)
        try:
            journal.end(run)
        finally:
            journal.close()

    def hide(self, namespace: str) -> None:
        """Does nothing: readers of a file leave out old runs themselves (`Query.since`)."""

    def open(self) -> Journal:
        return Journal(self._path)
