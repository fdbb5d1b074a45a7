"""Where a server's journal stands: in a file of its own, or with those of other servers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from vendorsim.journal.pages import JournalPages, Pages
from vendorsim.journal.store import Journal


class Journals(Protocol):
    """What the namespaces of a server ask of its journal, beside the writing. Any thread."""

    @property
    def pages(self) -> Pages:
        """Reads it page by page."""
        ...

    def begin(self, command: str, about: Mapping[str, Any], namespace: str = "") -> int:
        """A new run; its number."""
        ...

    def end(self, run: int) -> None:
        """The run is over."""
        ...

    def hide(self, namespace: str) -> None:
        """What is of a namespace so far is shown no more."""
        ...


class JournalFile:
    """A journal in a file; each call has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def pages(self) -> JournalPages:
        return JournalPages(self._path)

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
        """Nothing: who reads the file says since which run (`Query.since`)."""
