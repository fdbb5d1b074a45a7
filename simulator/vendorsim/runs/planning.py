"""Turns a `RunRequest` into a run, or raises InputError."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from vendorsim.conversation import files
from vendorsim.core.clock import wall_clock_second
from vendorsim.core.errors import InputError, unknown
from vendorsim.core.times import LATEST
from vendorsim.probes.model import NamedSource
from vendorsim.runs import library
from vendorsim.runs.config import Config
from vendorsim.runs.timeline import Run
from vendorsim.scenario.faults import QUIRK, Fault
from vendorsim.scenario.locales import locale_problem
from vendorsim.scenario.model import LARGEST_ID, Scenario
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.policy_overrides import PolicyChanges
from vendorsim.vendorkit.profile import Profile, Quirk
from vendorsim.vendorkit.target import Target


class RunRequest(Struct, frozen=True):
    """What to play, and how. The command line, pytest, the control API and load each create one.

    `scenario` is a loaded scenario, a file, or the name of a scenario; `name` is its name in error messages (default:
    its file). `start` is in milliseconds since 1970, `spacing` in milliseconds. For None the scenario's value is used;
    if the scenario has no start either, `default_start` is (default: now).

    `to` replaces the vendor's configured targets. `headers` are sent with every request. `policy` overrides values of
    the vendor's policy. `probe` reads the integration's state for `probe` steps, in place of the targets' probes: one
    probe, or several with names.

    `faults` may contain quirks, too; `fault_on` names the events that the other faults apply to
    (None: all). `account` and `inbox` are the ids of the vendor's account and inbox; None: those of the configured
    targets (`in_configured_account`), of the scenario, or made-up ones. `locale` is that of made-up people and texts,
    such as de_DE; None: the scenario's. Without `vary` (here or in the scenario) conversations differ in people, ids
    and made-up texts only. `speed` is the playback speed; with None pauses take no time. With `serving` the vendor's
    API is served during the run, so a vendor that sends no events needs no target. `server` is the URL of that server,
    without the last slash, if it is known.
    """

    scenario: str | Scenario
    vendor: str
    profile: str | None = None
    seed: int | None = None
    start: int | None = None
    count: int = 1
    spacing: int = 1_000
    to: Target | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    policy: PolicyChanges = field(default_factory=dict)
    probe: tuple[NamedSource, ...] = ()
    faults: tuple[Fault, ...] = ()
    fault_on: tuple[str, ...] | None = None
    account: int | None = None
    inbox: int | None = None
    locale: str | None = None
    vary: bool = True
    speed: float | None = None
    concurrency: int = 16
    pin_clock: bool = False
    serving: bool = False
    server: str | None = None
    name: str | None = None
    default_start: int | None = None


class PlannedRun(Struct, frozen=True):
    """A run that is ready to be played, with its quirks. `faults` are the request's faults of deliveries."""

    request: RunRequest
    run: Run
    faults: tuple[Fault, ...]


def plan(request: RunRequest) -> PlannedRun:
    """The run that is requested. Raises InputError."""
    given = request.scenario
    vendor = registry.get(request.vendor)
    # As one vendor only: to import and rehearse the others takes as long as sending dozens of events.
    scenario = library.load(given, vendor.name) if isinstance(given, str) else given
    name = request.name or (given if isinstance(given, str) else given.file)
    profile = vendor.profile(request.profile)
    if vendor.name not in scenario.vendors:
        scenario = library.load(given) if isinstance(given, str) else given
        raise InputError(
            f"{name}: '{vendor.name}' is not among the scenario's vendors ({', '.join(scenario.vendors)}); "
            "play it as one of those, or add it to 'vendors'"
        )
    if request.count > 1 and (pinned := scenario.pinned_ids()):
        raise InputError(
            f"{name}: {' and '.join(pinned)} can belong to one conversation only; "
            f"leave it out, or play with --count 1 (not {request.count})"
        )
    require_ids(profile, vendor.name, request.account, request.inbox)
    require_locale(request.locale)
    if request.locale is not None:
        scenario = replace(scenario, locale=request.locale)
    run = Run(
        scenario=scenario.in_account(request.account, request.inbox),
        vendor=vendor,
        profile=profile,
        seed=scenario.seed if request.seed is None else request.seed,
        starts=_start(request, scenario),
        spacing=request.spacing,
        quirks=_quirks(request, vendor.name, profile),
        files=None if request.server is None else request.server + (vendor.files or files.PATH),
        vary=request.vary and scenario.vary,
    )
    return PlannedRun(request, run, faults_on(request, profile.event_names()))


def in_configured_account(request: RunRequest, config: Config) -> RunRequest:
    """The request with the account and inbox of the configured targets, where it names none. Raises InputError."""
    if request.to is not None:
        return request
    account, inbox = config.account_and_inbox(request.vendor, request.account, request.inbox)
    return replace(request, account=account, inbox=inbox)


def require_ids(profile: Profile, vendor: str, account: int | None, inbox: int | None) -> None:
    """Raises InputError for the id of an account or inbox that is not positive, or that the profile never sends."""
    for name, number, fields in (
        ("account", account, profile.account_fields),
        ("inbox", inbox, profile.inbox_fields),
    ):
        if number is None:
            continue
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= LARGEST_ID:
            raise InputError(f"{name}: expected a whole number from 1 to {LARGEST_ID}, found {number!r}")
        if not fields:
            raise InputError(f"{name} {number}: {vendor} ({profile.name}) sends no id of an {name}; leave it out")


def require_locale(name: str | None) -> None:
    """Raises InputError for a locale that does not exist."""
    problem = None if name is None else locale_problem(name)
    if problem is not None:
        raise InputError(problem)


def event_names(texts: Iterable[str]) -> tuple[str, ...]:
    """The names of events in texts, each of which may contain several names separated by commas."""
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def _start(request: RunRequest, scenario: Scenario) -> int:
    """The start of conversation 0, in milliseconds since 1970. Raises InputError."""
    for start in (request.start, scenario.starts, request.default_start):
        if start is not None:
            break
    else:
        start = wall_clock_second()
    if start + (request.count - 1) * request.spacing > LATEST:
        raise InputError(
            f"the last of {request.count} conversations would start after 2100; lower --count, --spacing or --start"
        )
    return start


def _quirks(request: RunRequest, vendor: str, profile: Profile) -> tuple[tuple[Quirk, float], ...]:
    """The requested quirks, each with its rate. Raises InputError."""
    found = []
    for fault in request.faults:
        if fault.name != QUIRK:
            continue
        quirk = profile.quirk(fault.argument)
        if quirk is None:
            names = [known.name for known in profile.quirks]
            what = f"quirk of {vendor} ({profile.name})"
            raise InputError(f"fault quirk: {unknown(what, fault.argument, names)}")
        found.append((quirk, fault.rate))
    return tuple(found)


def faults_on(request: RunRequest, known: Sequence[str]) -> tuple[Fault, ...]:
    """The requested faults of deliveries, limited to the events of `fault_on`, which must be `known`. Raises
    InputError."""
    faults = tuple(fault for fault in request.faults if fault.name != QUIRK)
    if request.fault_on is None:
        return faults
    for name in request.fault_on:
        if name not in known:
            raise InputError(f"--fault-on: {unknown('event', name, known)}")
    events = frozenset(request.fault_on)
    return tuple(replace(fault, events=events) for fault in faults)
