"""A complete server: namespaces, each with the vendors' APIs, the control API and the page, over one journal."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vendorsim.delivery.background_loop import BackgroundLoop
from vendorsim.http.messages import FastPath
from vendorsim.journal.journals import JournalFile, Journals
from vendorsim.journal.postgres_journal import PostgresJournal
from vendorsim.journal.recorder import Recorder
from vendorsim.journal.store import Book, Journal
from vendorsim.server.backend import ServerBackend
from vendorsim.server.control.paths import is_workbench
from vendorsim.server.control.settings import Settings, Shared
from vendorsim.server.control.workbench import Workbench
from vendorsim.server.deferred_app import DeferredApp
from vendorsim.server.fast_path import fast_path
from vendorsim.server.namespaces import DEFAULT, Namespaces
from vendorsim.server.shared.in_memory import InMemory
from vendorsim.server.shared.model import SharedState

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class NamespaceApp:
    """The app of one namespace (`vendorsim.server.namespaces.Space`)."""

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        self._own_app = DeferredApp(self._make)
        self._app_of_check: WSGIApplication | None = None
        workbench.renew = self._renew
        workbench.lend = self._lend

    @property
    def app(self) -> WSGIApplication:
        """Answers the requests of the namespace."""
        return self._answer

    @property
    def lent(self) -> bool:
        """Whether the vendors' APIs answer for a check."""
        return self._app_of_check is not None

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        lent = self._app_of_check
        app = self._own_app if lent is None or is_workbench(environ.get("PATH_INFO", "")) else lent
        return app(environ, start_response)

    def prepare(self) -> None:
        """Makes the app, which is otherwise made with its first request. Most of it is the import of Flask: the fast
        path answers meanwhile."""
        self._own_app.prepare()

    def _renew(self) -> None:
        """Replaces the app by a new one, with new memory of the vendors' APIs."""
        app = DeferredApp(self._make)
        app.prepare()
        self._own_app = app

    def _make(self) -> WSGIApplication:
        from vendorsim.server.app import create_app
        from vendorsim.server.control.blueprint import control_api
        from vendorsim.server.page import page

        return create_app(self.workbench.backend, control_api(self.workbench), page(self.workbench))

    def _lend(self, backend: ServerBackend | None) -> None:
        """Lets the vendors' APIs work on the backend of a check; None: on that of the namespace again."""
        from vendorsim.server.app import create_app

        self._app_of_check = None if backend is None else create_app(backend)

    def busy(self) -> bool:
        """Whether the namespace has an active run, checks an integration, or records."""
        bench = self.workbench
        return bool(bench.runs.running() or bench.checks.running() or bench.captures.recording())

    def close(self) -> None:
        """Ends the namespace."""
        self.workbench.close()


class Hub:
    """The server of `vendorsim serve`. A context manager; `app` is the WSGI app, `fast_path` answers before it."""

    def __init__(
        self, settings: Settings, journal: Path | PostgresJournal | None, state: SharedState | None = None
    ) -> None:
        """Without a `journal`, the hub writes a temporary one and deletes it when it closes. `state` is the state that
        several servers share; without one, it is in memory."""
        self._folder = None
        if journal is None:
            self._folder = tempfile.TemporaryDirectory(prefix="vendorsim-")
            journal = Path(self._folder.name, "journal.sqlite")
        store: Book = Journal(journal) if isinstance(journal, Path) else journal
        journals: Journals = JournalFile(journal, settings.search_steps) if isinstance(journal, Path) else journal
        self._postgres_journal = None if isinstance(journal, Path) else journal
        own_run = store.begin("serve", {"namespace": DEFAULT}, DEFAULT)
        self._shared = Shared(journals, Recorder(store, own_run, None), BackgroundLoop(), state or InMemory())

        def make(name: str) -> NamespaceApp:
            own = own_run if name == DEFAULT else None
            space = NamespaceApp(Workbench(name, settings, self._shared, self._names, own_run=own))
            if name != DEFAULT or state is not None:
                space.prepare()
            return space

        self.app = Namespaces(make)
        # With a shared state, every response may wait for the database; the event loop must not wait.
        self.fast_path: FastPath = lambda request: None
        if state is None:
            default = self.app.default
            answer = fast_path(default.workbench.backend, self._shared.recorder.backlog)
            self.fast_path = lambda request: None if default.lent else answer(request)

    def prepare(self) -> None:
        """Makes the app of the default namespace, which is otherwise made with its first request."""
        self.app.default.prepare()

    def require_targets(self, vendors: Iterable[str]) -> None:
        """Reads the configured targets of these vendors. Raises InputError for an invalid target."""
        for vendor in vendors:
            self.app.default.workbench.backend.stage(vendor)

    def _names(self) -> list[str]:
        return self.app.names()

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *error: object) -> None:
        self.app.close()
        self._shared.example_receiver.close()
        self._shared.background_loop.close()
        if self._postgres_journal is not None:
            self._postgres_journal.hurry()
        self._shared.recorder.close()
        if self._folder is not None:
            self._folder.cleanup()
