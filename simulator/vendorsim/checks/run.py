"""Prepares a run of checks from the user's request and the configuration, and runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from math import inf
from threading import Lock

from msgspec import Struct, field
from msgspec.structs import replace

from vendorsim.checks import engine
from vendorsim.checks.baseline import Baseline, read_baseline
from vendorsim.checks.context import CheckSettings
from vendorsim.checks.conversation_factory import MOST_CAPTURED
from vendorsim.checks.coverage import Coverage
from vendorsim.checks.differences import pattern
from vendorsim.checks.engine import CheckEvent, CheckFinished, CheckStarted
from vendorsim.checks.floor import Floor
from vendorsim.checks.makers import require_schemathesis
from vendorsim.checks.model import ERROR, FAILED, FAMILIES, NOT_JUDGED, Check, Result, Unmet, Verdict
from vendorsim.checks.probes import States
from vendorsim.checks.registry import all_checks
from vendorsim.checks.required import refuse_unknown_families, selected_families, unmet_families, unmet_options
from vendorsim.checks.selection import Selection
from vendorsim.checks.sender import RequestSender
from vendorsim.checks.stories import SLOT, Stories
from vendorsim.checks.timings import Meter
from vendorsim.checks.waiting import Waiting
from vendorsim.core.clock import monotonic, wall_clock, wall_clock_second
from vendorsim.core.errors import InputError, unknown
from vendorsim.delivery.destinations import Destination
from vendorsim.delivery.planning import Policies, find_destinations
from vendorsim.http.loop import interruptible, loop_factory
from vendorsim.http.transport import Transport
from vendorsim.http.transport_options import TransportSettings
from vendorsim.journal.exchanges import read
from vendorsim.probes.model import NamedSource, ProbeTools, StateProbe
from vendorsim.probes.reading import open_probes, require_names
from vendorsim.runs.captured import CapturedStory
from vendorsim.runs.config import Config, ConfigLine, Skip
from vendorsim.runs.planning import require_ids, require_locale
from vendorsim.runs.replaying import replay
from vendorsim.server.backend import ServerBackend
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.policy_overrides import PolicyChanges
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.target import Target
from vendorsim.vendorkit.vendor import Vendor


class CheckRequest(Struct, frozen=True):
    """The options of a run of checks.

    `to` replaces the vendor's first configured target. `only` and `skip` select checks and events. `require` are
    families of which a check must be judged. `probe` reads the integration's state: one probe, or several with names;
    `probe_ignore` are JSON pointers of values to ignore in it. `account` and `inbox` are the ids of the
    vendor's account and inbox in what is sent; None: those of the target, or made-up ones. `locale` is that of all
    made-up people and texts; None: en_US, and others by turns. `pace` is the most requests a
    second, `budget` the time of the run in seconds. With `timings`, reports say where the time went. With
    `asks`, a probe, a secret, a server or fuzzing ask for the families that need them. `baseline` is an earlier report
    or the path of its file; with `fails_on_new`, the run fails only because of errors that it lacks. `command`
    is the command line that repeats the run. `capture` are files of captured traffic,
    whose conversations are told again by the checks of the integration's state, in the place of the vendor's scenarios.
    """

    vendor: str
    profile: str | None = None
    to: Target | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    policy: PolicyChanges = field(default_factory=dict)
    seed: int = 0
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    probe: tuple[NamedSource, ...] = ()
    probe_ignore: tuple[str, ...] = ()
    account: int | None = None
    inbox: int | None = None
    locale: str | None = None
    fuzz: bool = False
    max_examples: int = 100
    pace: float | None = None
    budget: float | None = None
    timings: bool = False
    asks: bool = True
    baseline: str | Baseline | None = None
    fails_on_new: bool = False
    command: tuple[str, ...] = ()
    waiting: Waiting = Waiting()
    capture: tuple[str, ...] = ()


class Interruption:
    """Ends a run of checks from any thread, as Ctrl-C does: the verdict says what was judged until then."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked = False
        self._stop: Callable[[], object] | None = None

    def __call__(self) -> None:
        """Ends the run, now or as soon as it starts."""
        with self._lock:
            self._asked = True
            if self._stop is not None:
                self._stop()

    @contextmanager
    def passed_to(self, stop: Callable[[], None]) -> Iterator[None]:
        """Calls `stop` in the running event loop when the run is to end, inside the `with` block."""
        loop = asyncio.get_running_loop()
        with self._lock:
            self._stop = partial(loop.call_soon_threadsafe, stop)
            if self._asked:
                stop()
        try:
            yield
        finally:
            with self._lock:
                self._stop = None


class _Beginnings:
    """Times at which runs begin, each in a slot of its own: an integration may remember the ids of the run before,
    which may have taken less than a slot. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = 0

    def next(self) -> int:
        """Returns milliseconds since 1970."""
        with self._lock:
            self._last = max(wall_clock(), self._last + SLOT)
            return self._last


_BEGINNINGS = _Beginnings()


class CheckRun(Struct, frozen=True):
    """A prepared run of checks, with its own event loop."""

    request: CheckRequest
    config: Config
    vendor: Vendor
    profile: Profile
    destination: Destination
    selection: Selection
    baseline: Baseline | None = None
    captured: tuple[CapturedStory, ...] = ()

    @property
    def account(self) -> int | None:
        """The id of the account in what is sent; None: made up."""
        return self.destination.target.account if self.request.account is None else self.request.account

    @property
    def inbox(self) -> int | None:
        """The id of the inbox in what is sent; None: made up."""
        return self.destination.target.inbox if self.request.inbox is None else self.request.inbox

    @property
    def checks(self) -> tuple[Check, ...]:
        """The selected checks, skipped ones included, in the order in which reports list them."""
        return tuple(check for check in all_checks() if self.selection.takes_check(check))

    @property
    def expired(self) -> list[Skip]:
        """The configured skips that have expired. Their checks run again."""
        return [skip for skip in self.config.skipped if skip.expired()]

    @property
    def configured_at(self) -> ConfigLine | None:
        """The line of vendorsim.yaml that names the target; None if the request does."""
        return self.config.first_target_line(self.vendor.name) if self.request.to is None else None

    def run_to_end(
        self,
        report: Callable[[CheckEvent], None],
        transport: TransportSettings | None = None,
        state: ServerBackend | None = None,
        server: str | None = None,
        endings: Callable[[], Sequence[str]] | None = None,
        interruption: Interruption | None = None,
    ) -> Verdict:
        """Runs the checks, passes every event to `report`, and returns the verdict.

        `state` is the backend of the server that the integration calls; without one, `calls_api` is not judged. At the
        URL `server` the files of bodies are served. `endings` returns how the integration's program has ended each
        time that it ended by itself. Ctrl-C ends the run in the main thread, `interruption` in any.
        """
        running = self._run(
            report, transport or TransportSettings(), state, server, endings, interruption or Interruption()
        )
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(running)

    async def _run(
        self,
        report: Callable[[CheckEvent], None],
        transport_settings: TransportSettings,
        state: ServerBackend | None,
        server: str | None,
        endings: Callable[[], Sequence[str]] | None,
        interruption: Interruption,
    ) -> Verdict:
        budget = self.request.budget
        meter = Meter("preparation")
        ends = inf if budget is None else monotonic() + budget
        transport = transport_settings.open()
        probe = self._open_probe(transport, state)
        settings = replace(self._settings(transport, state, probe, server, meter), ends=ends, endings=endings)
        unsubscribe = state.subscribe(settings.coverage.called) if state is not None else None
        seen: list[CheckEvent] = []
        stopped = asyncio.Event()

        async def judge() -> None:
            async for event in engine.run(settings, self._skipped()):
                if isinstance(event, Verdict):
                    event = self._timed(self._compared(self._completed(event, state)), meter)
                seen.append(event)
                report(event)

        try:
            with interruptible(stopped.set), interruption.passed_to(stopped.set):
                judging = asyncio.ensure_future(judge())
                stopping = asyncio.ensure_future(stopped.wait())
                await asyncio.wait({judging, stopping}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                if not judging.done():
                    judging.cancel()
                    await asyncio.wait({judging})
                else:
                    judging.result()
        finally:
            if unsubscribe is not None:
                unsubscribe()
            if probe is not None:
                await probe.close()
            await settings.makers.close()
            transport.abort()
        last = seen[-1] if seen else None
        if not isinstance(last, Verdict):
            last = self._timed(self._compared(engine.verdict(settings, self._judged(seen), interrupted=True)), meter)
            report(last)
        return last

    def _open_probe(self, transport: Transport, state: ServerBackend | None) -> StateProbe | None:
        calls = None if state is None else state.ledger.state
        tools = ProbeTools(transport, self.destination.headers, self.request.waiting.probe, calls)
        return open_probes(self.request.probe or self.destination.target.probe, tools)

    def _settings(
        self,
        transport: Transport,
        state: ServerBackend | None,
        probe: StateProbe | None,
        server: str | None,
        meter: Meter,
    ) -> CheckSettings:
        request, target = self.request, self.destination.target
        # Answers are known by a short name and by their whole message; count the short names.
        short = tuple(name for name in registry.identification().answers if " " not in name)
        contract = contracts.contract(self.vendor.name, self.profile.name)
        sender = RequestSender(
            transport,
            self.destination.endpoint,
            self.destination.policy.connect_timeout.value / 1000,
            self.destination.policy.read_timeout.value / 1000,
            meter,
            request.pace,
        )
        return CheckSettings(
            vendor=self.vendor,
            profile=self.profile,
            policy=self.destination.policy,
            contract=contract,
            destination=self.destination,
            sender=sender,
            stories=Stories(
                self.vendor,
                self.profile,
                request.seed,
                wall_clock_second(),
                _BEGINNINGS.next(),
                account=self.account,
                inbox=self.inbox,
                locale=request.locale,
                server=server,
                captured=self.captured,
            ),
            selection=self.selection,
            seed=request.seed,
            coverage=Coverage(contract, self.profile, short if state is not None else ()),
            command=request.command,
            floor=Floor(lambda: sender.at_once),
            meter=meter,
            waiting=request.waiting,
            probe=None if probe is None else States(probe, meter),
            probe_ignore=(*request.probe_ignore, *target.probe_ignore),
            state=state,
            fuzz=request.fuzz,
            max_examples=request.max_examples,
            budget=request.budget,
            severities=self.config.severities,
            account=self.account,
            inbox=self.inbox,
        )

    def _skipped(self) -> Mapping[str, str]:
        """Returns the ids of the checks that the command line or the configuration skips, with the reasons."""
        configured = {
            skip.check: f"{skip.reason} (until {skip.until})" for skip in self.config.skipped if not skip.expired()
        }
        skipped = {}
        for check in all_checks():
            reason = configured.get(check.id) or configured.get(check.family)
            if self.selection.skips_check(check):
                reason = "--skip"
            if reason is not None:
                skipped[check.id] = reason
        return skipped

    def _completed(self, verdict: Verdict, state: ServerBackend | None) -> Verdict:
        """Adds what the user asked for and the run did not judge. A run without a target has a reason of its own."""
        if verdict.unreachable is not None:
            return verdict
        results, skipped = verdict.results, self._skipped()
        configured = [family for family in self.config.required if family in selected_families(results, skipped)]
        unmet = (
            *unmet_options(self._options(state), results, skipped),
            *unmet_families(self.request.require, results, "--require"),
            *unmet_families(configured, results, "checks.require"),
        )
        if self.request.budget is not None and not unmet and not any(result.judged for result in results):
            unmet = (Unmet("--budget", FAMILIES, "the time was over before anything was judged"),)
        return replace(verdict, unmet=unmet)

    def _options(self, state: ServerBackend | None) -> Iterator[str]:
        """Yields the given options that ask for families."""
        request = self.request
        if not request.asks:
            return
        if request.probe:
            yield "--probe"
        if request.to is not None and request.to.secret_env:
            yield "--secret-env"
        if state is not None:
            yield "--serve"
        if request.waiting.recover is not None:
            yield "--recover-within"
        if request.fuzz:
            yield "--fuzz"

    def _compared(self, verdict: Verdict) -> Verdict:
        """Compares the verdict with the baseline, if there is one."""
        return verdict if self.baseline is None else self.compared(verdict, self.baseline)

    def _timed(self, verdict: Verdict, meter: Meter) -> Verdict:
        """Adds the phases of the run, if they are asked for."""
        return replace(verdict, timings=meter.phases()) if self.request.timings else verdict

    def compared(self, verdict: Verdict, baseline: Baseline) -> Verdict:
        """Returns the verdict of this run, compared with an earlier report."""
        against = baseline.compare(
            verdict.results,
            lambda result, event: (
                self.selection.takes_event(result.check, event) and not self.selection.names_cases(result.check)
            ),
        )
        return replace(verdict, against=against, fails_on_new=self.request.fails_on_new)

    def _judged(self, seen: Sequence[CheckEvent]) -> list[Result]:
        """Returns the results of an interrupted run, with the findings of the checks that were interrupted."""
        results = [event.result for event in seen if isinstance(event, CheckStarted)]
        begun = {result.check.id for result in results}
        finished = {event.result.check.id for event in seen if isinstance(event, CheckFinished)}
        cut_short = [result for result in results if result.check.id not in finished]
        unjudged = [
            Result(check) for check in all_checks() if self.selection.takes_check(check) and check.id not in begun
        ]
        for result in (*cut_short, *unjudged):
            failed = any(finding.severity == ERROR for finding in result.findings)
            result.status, result.reason = FAILED if failed else NOT_JUDGED, "interrupted"
        return results + unjudged


def prepare_checks(request: CheckRequest, config: Config) -> CheckRun:
    """Prepares a run of checks. Raises InputError, and MissingExtraError for `fuzz` without Schemathesis."""
    if request.fuzz:
        require_schemathesis()
    vendor = registry.get(request.vendor)
    profile = vendor.profile(request.profile)
    policies = Policies(vendor, profile, config, request.policy)
    destination = find_destinations(policies, request.to, request.headers)[0]
    require_names(request.probe)
    for text in request.probe_ignore:
        pattern(text)
    selection = Selection(request.only, request.skip, all_checks(), profile.event_names())
    refuse_unknown_families(request.require, "--require")
    _refuse_unknown(config)
    if request.fails_on_new and request.baseline is None:
        raise InputError("--fail-on new compares with an earlier report: name it with --baseline FILE")
    baseline = request.baseline
    if isinstance(baseline, str):
        baseline = read_baseline(baseline, vendor.name)
    captured = _captured(request.capture, vendor, profile) if request.capture else ()
    run = CheckRun(request, config, vendor, profile, destination, selection, baseline, captured)
    require_ids(profile, vendor.name, run.account, run.inbox)
    require_locale(request.locale)
    return run


def _captured(files: Sequence[str], vendor: Vendor, profile: Profile) -> tuple[CapturedStory, ...]:
    """The conversations of captures. Raises InputError if none can be told again."""
    stories = tuple(replay(read(files), vendor, profile, signs=True).stories.values())
    usable = tuple(story for story in stories if all(event.document is not None for event in story.events))
    if not any(len(story.events) <= MOST_CAPTURED for story in usable):
        raise InputError(
            f"{', '.join(files)}: no conversation can be told again: that takes JSON, and at most {MOST_CAPTURED} "
            f"webhooks ({len(stories)} conversations were found)"
        )
    return usable


def _refuse_unknown(config: Config) -> None:
    """Raises InputError for an unknown check in the configuration."""
    ids = [check.id for check in all_checks()]
    skipped = [(skip.check, [*FAMILIES, *ids]) for skip in config.skipped]
    for name, known in (*skipped, *((name, ids) for name in config.severities)):
        if name not in known:
            raise InputError(f"{config.file}: {unknown('check', name, known)}")
    refuse_unknown_families(config.required, f"{config.file}: checks.require")
