"""A whole server: namespaces, each with the vendors' APIs, the control API and the page, over one journal."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flask import Flask

from simulator.delivery.backstage import Backstage
from simulator.journal import Journal, Recorder
from simulator.server.app import create_app
from simulator.server.control.blueprint import control_api
from simulator.server.control.settings import Settings, Shared
from simulator.server.control.workbench import Workbench
from simulator.server.namespaces import Namespaces
from simulator.server.page import page


class Bench:
    """A namespace that answers requests."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.app: Flask = create_app(bench.state, control_api(bench), page(bench))

    def busy(self) -> bool:
        """Whether a run is under way."""
        return bool(self.bench.runs.running())

    def close(self) -> None:
        """Ends the namespace."""
        self.bench.close()


class Hub:
    """What `vendorsim serve` runs. A context manager; `app` is the WSGI app."""

    def __init__(self, settings: Settings, journal: Path | None) -> None:
        """`journal` is the file in which all is kept; None keeps it in a file that goes with the server."""
        self._folder = tempfile.TemporaryDirectory(prefix="vendorsim-") if journal is None else None
        path = journal if self._folder is None else Path(self._folder.name, "journal.sqlite")
        assert path is not None
        kept = Journal(path)
        self._own = kept.begin("hub", {})
        self._shared = Shared(path, Recorder(kept, self._own, None), Backstage())
        self.app = Namespaces(lambda name: Bench(Workbench(name, settings, self._shared, self._names)))

    def _names(self) -> list[str]:
        return self.app.names()

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *error: object) -> None:
        self.app.close()
        self._shared.backstage.close()
        self._shared.recorder.close()
        if self._folder is not None:
            self._folder.cleanup()
