"""One namespace of a server: its backend, runs, metrics and seed, and its view of the journal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock

from vendorsim.core.errors import InputError, StateUnreachableError
from vendorsim.delivery.records import Over, Record
from vendorsim.server.backend import ServerBackend
from vendorsim.server.control.checker import Checker
from vendorsim.server.control.metrics import Metrics
from vendorsim.server.control.settings import Settings, Shared
from vendorsim.server.control.started_captures import StartedCaptures
from vendorsim.server.control.started_checks import DUPLICATE_INTERVAL, StartedChecks
from vendorsim.server.control.started_runs import StartedRuns
from vendorsim.server.control.uploads import Uploads
from vendorsim.vendorkit.api_call import ApiCall


class Workbench:
    """The state behind the control API and the page of one namespace. Safe to use from any thread."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        shared: Shared,
        namespaces: Callable[[], list[str]] = list,
        own_run: int | None = None,
    ) -> None:
        """`namespaces` returns the names of all namespaces in use. `own_run` is the number of the namespace's own run
        in the journal; without one, it begins here."""
        self.name = name
        self.namespaces = namespaces
        self.settings = settings
        self.shared = shared
        self.metrics = Metrics()
        self.seed = settings.seed
        self._lock = Lock()
        # Held while a resent attempt is recorded and read back.
        self.resend_lock = Lock()
        # The journal's run for API calls, and for deliveries of conversations outside of runs.
        self.own_run = shared.begin("serve", {"namespace": name}, name) if own_run is None else own_run
        # The number of the first run that the lists show: the own run since the last reset. So a namespace hides the
        # runs of an expired one of the same name. The default namespace also shows runs of the command line.
        self.since = self.own_run if name else 0
        # Set by the hub: replaces the app of the namespace, so that vendors' APIs lose their memory.
        self.renew: Callable[[], None] = lambda: None
        # Set by the hub: lets the vendors' APIs work on the backend of a check; None: on that of the namespace.
        self.lend: Callable[[ServerBackend | None], None] = lambda backend: None
        self.backend = self._new_backend()
        make = settings.checker
        self.checker: Callable[[], Checker] | None = None if make is None else partial(make, settings.config)
        self.capturer = settings.capturer
        self.captures = StartedCaptures(shared.journal, name)
        self.uploads = Uploads()
        self.checks = StartedChecks(self._backend_of_check, lambda backend: self.lend(backend))
        self.runs = StartedRuns(self.backend, shared, self._emitter, settings.most_runs)

    def _new_backend(self) -> ServerBackend:
        settings = self.settings
        backend = ServerBackend(
            settings.token,
            settings.strict,
            settings.duplicate_interval,
            settings.rate_limit,
            profiles=settings.profiles,
            config=settings.config,
            record=self._record_delivery,
            background_loop=self.shared.background_loop,
            duplicates=self.shared.state.duplicates(self.name, settings.duplicate_interval),
            overrides=self.shared.state.overrides(self.name),
            sinks=settings.sinks,
            seed=self.seed,
        )
        backend.subscribe(self._record_call)
        return backend

    def _backend_of_check(self) -> ServerBackend:
        """Returns the backend on which the vendors' APIs work while a check needs them, as `check --serve` has it. The
        journal has its calls."""
        settings = self.settings
        backend = ServerBackend(settings.token, duplicate_interval=DUPLICATE_INTERVAL, sinks=settings.sinks)
        backend.subscribe(self._record_call)
        return backend

    def _record_call(self, call: ApiCall) -> None:
        self.metrics.called(call)
        self.shared.recorder.add_to(self.own_run, call)

    def _record_delivery(self, record: Record | Over) -> None:
        self.metrics.delivered(record)
        self.shared.recorder.add_to(self.own_run, record)

    def _emitter(self, run: int) -> Callable[[Record | Over], None]:
        def emit(record: Record | Over) -> None:
            self.metrics.delivered(record)
            self.shared.recorder.add_to(run, record)

        return emit

    def allowed_targets(self, vendor: str) -> frozenset[str]:
        """Returns the hosts, beside this machine, that a request may name as a target of the vendor."""
        return self.settings.allowed_targets | self.settings.config.target_hosts(vendor)

    def reset(self) -> None:
        """Stops all runs, checks and recordings, forgets sessions, subscriptions and faults, and hides the earlier runs
        in the journal."""
        with self._lock:
            self.captures.close()
            self.uploads.close()
            self.checks.close()
            self.runs.close()
            self.backend.reset(self.seed)
            # Deliveries still in flight belong to the hidden runs.
            self.shared.end(self.own_run)
            self.shared.journal.hide(self.name)
            self.since = self.own_run = self.shared.begin("serve", {"namespace": self.name}, self.name)
            self.renew()

    def reseed(self, seed: int) -> None:
        """Sets the default seed of new runs and conversations."""
        self.seed = seed
        self.backend.seed = seed

    def close(self) -> None:
        """Stops all runs, checks and recordings, and closes the backend."""
        self.captures.close()
        self.uploads.close()
        self.checks.close()
        self.runs.close()
        self.backend.close()
        try:
            self.shared.end(self.own_run)
        except (InputError, StateUnreachableError):
            # The journal is gone, so the end of the run can't be recorded.
            return
