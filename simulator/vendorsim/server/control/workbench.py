"""One namespace of a server: its sessions, runs, targets and seed, and its view of the journal."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from vendorsim.core.errors import InputError, StateUnreachableError
from vendorsim.delivery.records import Over, Record
from vendorsim.http.endpoint import endpoint
from vendorsim.server.backend import ServerBackend
from vendorsim.server.control.metrics import Metrics
from vendorsim.server.control.settings import Settings, Shared
from vendorsim.server.control.started_runs import StartedRuns
from vendorsim.vendorkit.api_call import ApiCall


class Workbench:
    """What the control API and the page of one namespace speak of. Safe to use from any thread."""

    def __init__(
        self, name: str, settings: Settings, shared: Shared, namespaces: Callable[[], list[str]] = list
    ) -> None:
        """`namespaces` gives the names of all that are in use."""
        self.name = name
        self.namespaces = namespaces
        self.settings = settings
        self.shared = shared
        self.metrics = Metrics()
        self.seed = settings.seed
        self._lock = Lock()
        # Held while an attempt that was made by hand is kept and looked up again.
        self.keeping = Lock()
        # What is delivered for conversations that no run plays, and the calls, belong to a run of the server's own.
        self.own_run = shared.begin("serve", {"namespace": name}, name)
        # The run of the journal from which on runs are shown: the first one after the last reset. The default namespace
        # shows what the command line played, too; another one that had the same name has nothing to do with this one.
        self.since = self.own_run if name else 0
        # Makes what answers requests forget what it remembers itself.
        self.renew: Callable[[], None] = lambda: None
        self.state = self._new_state()
        self.runs = StartedRuns(self.state, shared, self._emitter)

    def _new_state(self) -> ServerBackend:
        settings = self.settings
        state = ServerBackend(
            settings.token,
            settings.strict,
            settings.duplicate_interval,
            settings.rate_limit,
            profiles=settings.profiles,
            config=settings.config,
            record=self._own,
            background_loop=self.shared.background_loop,
            duplicates=self.shared.state.duplicates(self.name, settings.duplicate_interval),
            overrides=self.shared.state.overrides(self.name),
            seed=self.seed,
        )
        state.subscribe(self._called)
        return state

    def _called(self, call: ApiCall) -> None:
        self.metrics.called(call)
        self.shared.recorder.add_to(self.own_run, call)

    def _own(self, record: Record | Over) -> None:
        self.metrics.delivered(record)
        self.shared.recorder.add_to(self.own_run, record)

    def _emitter(self, run: int) -> Callable[[Record | Over], None]:
        def emit(record: Record | Over) -> None:
            self.metrics.delivered(record)
            self.shared.recorder.add_to(run, record)

        return emit

    def allowed_targets(self, vendor: str) -> frozenset[str]:
        """The hosts, beside this machine, that events of a vendor may be sent to when somebody asks for it."""
        configured = self.settings.config.targets.get(vendor, ())
        return self.settings.allowed_targets | {endpoint(target.url).host for target in configured}

    def reset(self) -> None:
        """Ends all runs and forgets sessions, subscriptions and faults; what the journal holds is shown no more."""
        with self._lock:
            self.runs.close()
            self.state.reset(self.seed)
            # What is still in flight belongs to runs from before, and is not shown either.
            self.shared.end(self.own_run)
            self.shared.journal.hide(self.name)
            self.since = self.own_run = self.shared.begin("serve", {"namespace": self.name}, self.name)
            self.renew()

    def reseed(self, seed: int) -> None:
        """From now on what is made up without another seed comes from this one."""
        self.seed = seed
        self.state.seed = seed

    def close(self) -> None:
        """Ends everything of this namespace."""
        self.runs.close()
        self.state.close()
        try:
            self.shared.end(self.own_run)
        except (InputError, StateUnreachableError):
            # The journal is gone: there is nothing left to be noted in it.
            return
