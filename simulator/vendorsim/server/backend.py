"""The backend of a server (`vendorsim.vendorkit.backend`): its configuration, the conversations that are under way,
and who listens.

The server runs in threads of its own; everything here is safe to use from any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING

from vendorsim.core import clock
from vendorsim.delivery.active_faults import ActiveFaults
from vendorsim.delivery.background_loop import BackgroundLoop
from vendorsim.delivery.destinations import Destinations
from vendorsim.delivery.run_backend import Open
from vendorsim.runs.config import Config
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.server.shared.in_memory import OverridesInMemory
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

    `profiles` says by name which profile of a vendor is played where no run does; `config` names the targets.
    `record` gets what is delivered for conversations that no run plays. `background_loop` is where it is delivered,
    given where several states share one; `seed` is what such conversations are made up from.

    Without a `token` any well-formed credentials will do. With `strict` only sessions that are being
    played are known. `duplicate_interval` is in milliseconds, 0 switches the rule off; `rate_limit` is in
    requests per second, None for no limit. `slow_seconds` is how long slow answers are held back, by `sleep`.
    `now` gives monotonic seconds.

    `duplicates` and `overrides` are what other servers share; without them all is in memory.
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
        duplicates: Duplicates | None = None,
        overrides: SessionOverrides | None = None,
        seed: int = 0,
        slow_seconds: float = SLOW_SECONDS,
        now: Callable[[], float] = clock.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.token = token
        self.strict = strict
        self.duplicate_interval = duplicate_interval
        self.slow_seconds = slow_seconds
        self.sleep = sleep
        self.overrides: SessionOverrides = OverridesInMemory() if overrides is None else overrides
        self.conversations = ConversationRegistry()
        self.config = config or Config()
        self._profiles = dict(profiles or {})
        self._record = record
        self._stages: dict[str, ServerStage] = {}
        # The targets of a run that has ended, by vendor, until the vendor is asked for again.
        self._left: dict[str, Destinations] = {}
        self._background_runs: BackgroundRuns | None = None
        self.active_faults = ActiveFaults()
        self.seed = seed
        self.background_loop = background_loop or BackgroundLoop()
        self._own_background_loop = background_loop is None
        self.duplicates: Duplicates = DuplicateRule(duplicate_interval, now) if duplicates is None else duplicates
        self.rate_limit = None if rate_limit is None else RateLimit(rate_limit, now)
        # Held for a moment only, since the loop that delivers takes it too; `_making` is held while that is waited for.
        self._lock = Lock()
        self._making = Lock()
        self._subscribers: tuple[Callable[[ApiCall], None], ...] = ()

    def subscribe(self, callback: Callable[[ApiCall], None]) -> Callable[[], None]:
        """Calls `callback` for every API call, in the request's thread, once the answer is decided.

        Returns the function that ends it.
        """

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(known for known in self._subscribers if known is not callback)

        with self._lock:
            self._subscribers = (*self._subscribers, callback)
        return unsubscribe

    def play(self, policies: Policies, destinations: Destinations, begin: Open) -> None:
        """A run plays a vendor from now on: the vendor's API speaks of its conversations and its targets."""
        vendor = policies.vendor
        with self._lock:
            self._stages[vendor.name] = ServerStage(
                vendor, policies.profile, destinations, policies, begin, self.conversations.add
            )

    def leave(self, run: Run, begin: Open) -> None:
        """A run that was played sends nothing any more: its conversations are under way no longer, and its vendor is on
        its own again, with the targets that it has."""
        vendor = run.vendor.name

        def belongs(handle: ConversationHandle) -> bool:
            return isinstance(handle, LiveHandle) and handle.run is run

        self.conversations.forget(vendor, belongs)
        with self._lock:
            stage = self._stages.get(vendor)
            if stage is not None and stage.begin == begin:
                del self._stages[vendor]
                if stage.profile.name == run.vendor.profile(self._profiles.get(vendor)).name:
                    self._left[vendor] = stage.destinations

    def stage(self, vendor: str) -> ServerStage:
        """How a vendor is played here. Where no run plays it, it is on its own, by the wall clock."""
        with self._making:
            with self._lock:
                found = self._stages.get(vendor)
            if found is None:
                alone = self._alone(vendor)
                with self._lock:
                    found = self._stages.setdefault(vendor, alone)
            return found

    def _alone(self, name: str) -> ServerStage:
        # Most servers deliver nothing: whoever does pays for the event loop and its imports.
        from vendorsim.delivery.background_runs import BackgroundRuns
        from vendorsim.delivery.planning import Policies, find_destinations

        vendor = registry.get(name)
        profile = vendor.profile(self._profiles.get(name))
        policies = Policies(vendor, profile, self.config)
        left = self._left.pop(name, None)
        destinations = left if left is not None else Destinations(find_destinations(policies, needed=False))
        if self._background_runs is None:
            self._background_runs = BackgroundRuns(self.background_loop, self._record, self.active_faults, self.seed)
        player = self._background_runs.player(vendor, profile, destinations)
        return ServerStage(vendor, profile, destinations, policies, player.open, self.conversations.add)

    def reset(self, seed: int) -> None:
        """Forgets sessions, conversations, subscriptions, faults and accepted requests; what comes is made up from that
        seed."""
        with self._lock:
            background_runs, self._background_runs = self._background_runs, None
            self._stages.clear()
            self._left.clear()
        if background_runs is not None:
            background_runs.close()
        self.seed = seed
        self.overrides.clear()
        self.conversations.clear()
        self.duplicates.clear()
        self.active_faults.set((), None)

    def close(self) -> None:
        """Ends what this server plays on its own."""
        with self._lock:
            background_runs, self._background_runs = self._background_runs, None
            self._stages.clear()
        if background_runs is not None:
            background_runs.close()
        if self._own_background_loop:
            self.background_loop.close()

    def tell(self, call: ApiCall) -> None:
        """Tells every subscriber of a call."""
        for callback in self._subscribers:
            callback(call)
