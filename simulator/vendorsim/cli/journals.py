"""How commands come by a journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vendorsim.delivery.records import Record
    from vendorsim.journal.store import Book, Journal, Recorder


def open_journal(file: str | None, without: bool, *, must_exist: bool = False) -> Journal | None:
    """The journal of that file, or the project's; None when the user wants none. Raises InputError."""
    from vendorsim.journal.store import Journal, default_path

    if without:
        return None
    return Journal(Path(file) if file is not None else default_path(), must_exist=must_exist)


def start_recorder(
    journal: Book | None, command: str, about: Mapping[str, Any], report: Callable[[Record], None] | None
) -> Recorder:
    """A recorder for a new run of that command."""
    from vendorsim.journal.store import Recorder

    run = journal.begin(command, about) if journal is not None else 0
    return Recorder(journal, run, report)
