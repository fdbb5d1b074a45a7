"""Opens the journal for commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vendorsim.cli.options import JournalOptions
    from vendorsim.delivery.records import Record
    from vendorsim.journal.recorder import Recorder
    from vendorsim.journal.store import Book, Journal
    from vendorsim.vendorkit.api_call import ApiCall


def journal_path(file: str | None) -> Path:
    """Returns the path of the journal; without a `file`, that of the project."""
    from vendorsim.journal.store import default_path

    return Path(file) if file is not None else default_path()


def open_journal(options: JournalOptions) -> Journal | None:
    """Opens the journal that the options select; returns None for --no-journal. Raises InputError."""
    from vendorsim.journal.store import Journal

    return None if options.no_journal else Journal(journal_path(options.file))


@contextmanager
def closing_journal(options: JournalOptions) -> Iterator[Journal | None]:
    """The journal of `open_journal`, open for the `with` block."""
    journal = open_journal(options)
    try:
        yield journal
    finally:
        if journal is not None:
            journal.close()


def start_recorder(
    journal: Book | None,
    command: str,
    about: Mapping[str, Any],
    report: Callable[[Record], None],
    report_call: Callable[[ApiCall], None],
) -> Recorder:
    """Begins a run of that command in the journal, and returns its recorder."""
    from vendorsim.delivery.sequencer import Sequencer
    from vendorsim.journal.recorder import Recorder

    run = journal.begin(command, about) if journal is not None else 0
    return Recorder(journal, run, Sequencer(report), report_call)
