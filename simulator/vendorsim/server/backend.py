"""The backend of a server, as vendors' APIs see it (`vendorsim.vendorkit.backend`): configuration, active
conversations and subscribers to API calls.

The server handles requests in its own threads. Everything here is safe to use from any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING

from vendorsim.core import clock
from vendorsim.delivery.active_faults import ActiveFaults
from vendorsim.delivery.background_loop import BackgroundLoop
from vendorsim.delivery.destinations import Destinations
from vendorsim.delivery.ledger import Ledger
from vendorsim.delivery.run_backend import Opener
from vendorsim.runs.config import Config
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.scenario.calls import Sink
from vendorsim.server.forced_answers import ForcedAnswers
from vendorsim.server.shared.in_memory import OverridesInMemory
from vendorsim.server.sinks import Sinks
from vendorsim.server.stages import ServerStage
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendorkit.conversation_registry import ConversationRegistry
from vendorsim.vendorkit.limits import DuplicateRule, Duplicates, RateLimit
from vendorsim.vendorkit.session_overrides import SessionOverrides

if TYPE_CHECKING:
    from vendorsim.delivery.background_runs import BackgroundRuns
    from vendorsim.delivery.planning import Policies
    from vendorsim.delivery.records import Over, Record
    from vendorsim.runs.timeline import Run


SLOW_SECONDS = 10.0


class ServerBackend:
    """One server's configuration and memory.

    `profiles` maps vendors to the profiles that the server plays outside of runs; `config` holds the targets.
    Conversations outside of runs are generated from `seed`, delivered in `background_loop` (pass one that several
    backends share) and recorded by `record`.

    Without a `token`, the server accepts any well-formed credentials. With `strict`, it knows only the sessions that
    it plays. `duplicate_interval` is in milliseconds; 0 switches the duplicate rule off. `rate_limit` is in requests
    per second; None means no limit. `sleep` delays slow responses by `slow_seconds`. `now` returns monotonic seconds.

    `ledger` has the newest calls of all APIs and sinks. `sinks` are those it begins with.

    `duplicates` and `overrides` hold what several servers share; by default both are in memory.
    """

    def __init__(
        self,
        token: str | None = None,
        strict: bool = False,
        duplicate_interval: int = 60_000,
        rate_limit: float | None = None,
        *,
        profiles: Mapping[str, str] | None = None,
        config: Config | None = None,
        record: Callable[[Record | Over], None] = lambda record: None,
        background_loop: BackgroundLoop | None = None,
        sinks: Iterable[Sink] = (),
        duplicates: Duplicates | None = None,
        overrides: SessionOverrides | None = None,
        seed: int = 0,
        slow_seconds: float = SLOW_SECONDS,
        now: Callable[[], float] = clock.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        # Set while the vendors' APIs have an outage that no run plays.
        self.away = False
        self.token = token
        self.strict = strict
        self.duplicate_interval = duplicate_interval
        self.slow_seconds = slow_seconds
        self.sleep = sleep
        self.overrides: SessionOverrides = OverridesInMemory() if overrides is None else overrides
        self.conversations = ConversationRegistry()
        self.ledger = Ledger()
        self.sinks = Sinks(sinks)
        self.config = config or Config()
        self._profiles = dict(profiles or {})
        self._record = record
        self._stages: dict[str, ServerStage] = {}
        # The destinations of a vendor's last run, after its end, until the vendor's next stage takes them over.
        self._left_destinations: dict[str, Destinations] = {}
        self._background_runs: BackgroundRuns | None = None
        self.active_faults = ActiveFaults()
        self.forced_answers = ForcedAnswers(self.tell)
        self.seed = seed
        self.background_loop = background_loop or BackgroundLoop()
        self._own_background_loop = background_loop is None
        self.duplicates: Duplicates = DuplicateRule(duplicate_interval, now) if duplicates is None else duplicates
        self.rate_limit = None if rate_limit is None else RateLimit(rate_limit, now)
        # `_lock`: short sections, since the delivering event loop takes it, too. `_stage_lock`: creates one stage at a
        # time, and may wait for the event loop.
        self._lock = Lock()
        self._stage_lock = Lock()
        self._subscribers: tuple[Callable[[ApiCall], None], ...] = ()
        self._outages: tuple[Callable[[], bool], ...] = ()

    def subscribe(self, callback: Callable[[ApiCall], None]) -> Callable[[], None]:
        """Calls `callback` for every API call, in the request's thread, before the response is sent.

        Returns a function that ends the subscription.
        """

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(known for known in self._subscribers if known is not callback)

        with self._lock:
            self._subscribers = (*self._subscribers, callback)
        return unsubscribe

    @property
    def has_subscribers(self) -> bool:
        """Whether `tell` calls functions, which may take a while."""
        return bool(self._subscribers)

    def play(self, policies: Policies, destinations: Destinations, opener: Opener) -> None:
        """Starts playing a vendor by a run: its API then works on the conversations and destinations of the run."""
        vendor = policies.vendor
        with self._lock:
            self._stages[vendor.name] = ServerStage(
                vendor, policies.profile, destinations, policies, opener, self._register
            )

    def leave(self, run: Run, opener: Opener) -> None:
        """Removes an ended run: forgets its conversations, and plays its vendor outside of runs again. The vendor keeps
        the destinations of the run if its profile stays the same."""
        vendor = run.vendor.name

        def belongs(handle: ConversationHandle) -> bool:
            return isinstance(handle, LiveHandle) and handle.run is run

        self.conversations.forget(vendor, belongs)
        with self._lock:
            stage = self._stages.get(vendor)
            if stage is not None and stage.opener is opener:
                del self._stages[vendor]
                if stage.profile.name == run.vendor.profile(self._profiles.get(vendor)).name:
                    self._left_destinations[vendor] = stage.destinations

    def stage(self, vendor: str) -> ServerStage:
        """Returns how this server plays a vendor: by its run, or else outside of runs, by the wall clock."""
        with self._stage_lock:
            with self._lock:
                found = self._stages.get(vendor)
            if found is None:
                created = self._stage_without_run(vendor)
                with self._lock:
                    found = self._stages.setdefault(vendor, created)
            return found

    def _stage_without_run(self, name: str) -> ServerStage:
        # Imported here: only servers that deliver need the event loop and its imports.
        from vendorsim.delivery.background_runs import BackgroundRuns
        from vendorsim.delivery.planning import Policies, find_destinations

        vendor = registry.get(name)
        profile = vendor.profile(self._profiles.get(name))
        policies = Policies(vendor, profile, self.config)
        destinations = self._left_destinations.pop(name, None)
        if destinations is None:
            destinations = Destinations(find_destinations(policies, needed=False))
        if self._background_runs is None:
            self._background_runs = BackgroundRuns(self.background_loop, self._record, self.active_faults, self.seed)
        ids = self.config.account_and_inbox(name)
        player = self._background_runs.player(vendor, profile, destinations, *ids)
        self.watch_outages(player.api_is_away)
        return ServerStage(vendor, profile, destinations, policies, player, self._register)

    def _register(self, handle: LiveHandle) -> None:
        """Makes a conversation that no scenario tells known to its vendor's API and to the identification API."""
        self.conversations.add(handle)
        self.conversations.add_session(handle)

    def reset(self, seed: int) -> None:
        """Forgets sessions, conversations, destinations, faults and accepted requests. New conversations are generated
        from `seed`."""
        with self._lock:
            background_runs, self._background_runs = self._background_runs, None
            self._stages.clear()
            self._outages = ()
            self._left_destinations.clear()
        if background_runs is not None:
            background_runs.close()
        self.seed = seed
        self.overrides.clear()
        self.conversations.clear()
        self.ledger.clear()
        self.sinks.reset()
        self.duplicates.clear()
        self.active_faults.set((), None)

    def watch_outages(self, is_away: Callable[[], bool]) -> Callable[[], None]:
        """Lets the vendors' APIs be away while `is_away` says so; it is called in any thread. Returns a function that
        ends that."""

        def forget() -> None:
            with self._lock:
                self._outages = tuple(known for known in self._outages if known != is_away)

        with self._lock:
            self._outages = (*self._outages, is_away)
        return forget

    def is_away(self) -> bool:
        """Whether the vendors' APIs are away, by `away` or since a run is in such an outage."""
        for is_away in self._outages:
            if is_away():
                return True
        return self.away

    def close(self) -> None:
        """Stops the conversations outside of runs, and the event loop if this backend created it."""
        with self._lock:
            background_runs, self._background_runs = self._background_runs, None
            self._stages.clear()
        if background_runs is not None:
            background_runs.close()
        if self._own_background_loop:
            self.background_loop.close()

    def calls(self) -> list[ApiCall]:
        """The newest calls so far, oldest first."""
        return self.ledger.calls()

    def tell(self, call: ApiCall) -> None:
        """Keeps a call in the ledger, and passes it to every subscriber."""
        call.forced = call.forced or self.forced_answers.under_way()
        self.ledger.add(call)
        for callback in self._subscribers:
            callback(call)
