"""How commands come by a journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vendorsim.cli.options import JournalOptions
    from vendorsim.delivery.records import Record
    from vendorsim.journal.store import Book, Journal, Recorder


def journal_path(file: str | None) -> Path:
    """The path of the journal in `file`; None means the project's."""
    from vendorsim.journal.store import default_path

    return Path(file) if file is not None else default_path()


def open_journal(options: JournalOptions) -> Journal | None:
    """The journal that the options ask for; None when the user wants none. Raises InputError."""
    from vendorsim.journal.store import Journal

    return None if options.no_journal else Journal(journal_path(options.file))


def start_recorder(
    journal: Book | None, command: str, about: Mapping[str, Any], report: Callable[[Record], None] | None
) -> Recorder:
    """A recorder for a new run of that command."""
    from vendorsim.journal.store import Recorder

    run = journal.begin(command, about) if journal is not None else 0
    return Recorder(journal, run, report)
