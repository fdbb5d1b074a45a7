"""A whole server: namespaces, each with the vendors' APIs, the control API and the page, over one journal."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from flask import Flask

from vendorsim.delivery.background_loop import BackgroundLoop
from vendorsim.http.messages import FastPath
from vendorsim.journal.journals import JournalFile, Journals
from vendorsim.journal.postgres_journal import PostgresJournal
from vendorsim.journal.store import Book, Journal, Recorder
from vendorsim.server.app import create_app
from vendorsim.server.control.blueprint import control_api
from vendorsim.server.control.settings import Settings, Shared
from vendorsim.server.control.workbench import Workbench
from vendorsim.server.fast_path import fast_path
from vendorsim.server.namespaces import Namespaces
from vendorsim.server.page import page
from vendorsim.server.shared.in_memory import InMemory
from vendorsim.server.shared.model import SharedState


class Bench:
    """A namespace that answers requests."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.app: Flask
        bench.renew = self._renew
        self._renew()

    def _renew(self) -> None:
        """A new app: what the vendors' APIs remember themselves begins anew, too."""
        bench = self.bench
        self.app = create_app(bench.state, control_api(bench), page(bench))

    def busy(self) -> bool:
        """Whether a run is under way."""
        return bool(self.bench.runs.running())

    def close(self) -> None:
        """Ends the namespace."""
        self.bench.close()


class Hub:
    """What `vendorsim serve` runs. A context manager; `app` is the WSGI app, `fast_path` answers before it."""

    def __init__(
        self, settings: Settings, journal: Path | PostgresJournal | None, state: SharedState | None = None
    ) -> None:
        """`journal` is where all is kept; None keeps it in a file that goes with the server. `state` is what other
        servers share; without one it is in memory."""
        self._folder = None
        if journal is None:
            self._folder = tempfile.TemporaryDirectory(prefix="vendorsim-")
            journal = Path(self._folder.name, "journal.sqlite")
        kept: Book = Journal(journal) if isinstance(journal, Path) else journal
        journals: Journals = JournalFile(journal) if isinstance(journal, Path) else journal
        self._common = None if isinstance(journal, Path) else journal
        self._own = kept.begin("hub", {})
        self._shared = Shared(journals, Recorder(kept, self._own, None), BackgroundLoop(), state or InMemory())
        self.app = Namespaces(lambda name: Bench(Workbench(name, settings, self._shared, self._names)))
        # With a shared state every answer may wait for the database, and the event loop must not.
        self.fast_path: FastPath = lambda request: None
        if state is None:
            self.fast_path = fast_path(self.app.default.bench.state, lambda: self._shared.recorder.backlog)

    def require_targets(self, vendors: Iterable[str]) -> None:
        """Makes the configured targets of these vendors ready. Raises InputError for one that can't be sent to."""
        for vendor in vendors:
            self.app.default.bench.state.stage(vendor)

    def _names(self) -> list[str]:
        return self.app.names()

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *error: object) -> None:
        self.app.close()
        self._shared.background_loop.close()
        if self._common is not None:
            self._common.hurry()
        self._shared.recorder.close()
        if self._folder is not None:
            self._folder.cleanup()
