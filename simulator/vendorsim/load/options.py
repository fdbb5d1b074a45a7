"""The options of `vendorsim load`, which workers receive as text, and the load that is prepared from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import asdict, replace

from vendorsim.core.errors import InputError
from vendorsim.core.version import __version__
from vendorsim.delivery.planning import PreparedRun, prepare_planned
from vendorsim.http.endpoint import header
from vendorsim.http.transport_options import TransportOptions, TransportSettings
from vendorsim.load import traffic
from vendorsim.load.mixing import Entry, Mix, mix
from vendorsim.runs import config
from vendorsim.runs.config import Config
from vendorsim.runs.planning import RunRequest, in_configured_account
from vendorsim.vendorkit.policy_overrides import read_assignments
from vendorsim.vendorkit.target import Target


class LoadOptions(Struct, frozen=True):
    """The options of the command, as the user wrote them, and the path of the traffic file.

    Workers receive them as text. `drain` is in milliseconds.
    """

    file: str
    to: str | None = None
    headers: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    secret_env: tuple[str, ...] = ()
    transport: TransportOptions = TransportOptions()
    config_file: str | None = None
    count: int | None = None
    seed: int | None = None
    start: int | None = None
    most_open: int = 1_000
    drain: int = 60_000
    account: int | None = None
    inbox: int | None = None
    locale: str | None = None
    vary: bool = True

    def text(self) -> str:
        """Returns the options as one line of JSON, for an environment variable."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def read(cls, text: str) -> LoadOptions:
        """Reads options from their text. Raises InputError."""
        try:
            values: dict[str, Any] = orjson.loads(text)
            # JSON has no tuples.
            values |= {key: tuple(each) for key, each in values.items() if isinstance(each, list)}
            values["transport"] = TransportOptions(**values["transport"])
            found = cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(f"this is not what 'vendorsim load' hands its workers: {error}") from None
        return found

    def mix(self, starts: int, configured: Config | None = None) -> Mix:
        """Loads the traffic and its scenarios, and the configuration if it is not given. Raises InputError.

        `starts` (milliseconds since 1970) is used where neither options, traffic nor scenario name a start.
        """
        found = traffic.load(self.file)
        if self.count is not None:
            found = replace(found, conversations=self.count, duration=None)
        if self.seed is not None:
            found = replace(found, seed=self.seed)
        if self.start is not None:
            found = replace(found, starts=self.start)
        loaded = config.load(self.config_file) if configured is None else configured

        def complete(request: RunRequest) -> RunRequest:
            to = None if self.to is None else Target(self.to, secret_env=self.secret_env)
            named = replace(request, to=to, account=self.account, inbox=self.inbox, locale=self.locale, vary=self.vary)
            return in_configured_account(named, loaded)

        return mix(found, starts, complete)


class PreparedLoad(Struct, frozen=True):
    """Everything needed to send a load. `runs` has one run for each entry of the mix; `drain` is in seconds."""

    mix: Mix
    runs: tuple[PreparedRun, ...]
    most_open: int
    drain: float
    transport: TransportSettings = TransportSettings()

    @property
    def targets(self) -> list[str]:
        """The URLs of all targets, as reports show them."""
        return list(dict.fromkeys(one.endpoint.shown for run in self.runs for one in run.destinations.all()))

    def fingerprint(self) -> str:
        """Returns a hash of all that determines the bytes of conversations: scenarios, versions, seeds and times."""
        digest = sha256()
        for part in _fingerprint_parts(self.mix):
            digest.update(repr(part).encode() + b"\n")
        return digest.hexdigest()


def prepare_load(options: LoadOptions, starts: int) -> PreparedLoad:
    """Loads traffic, scenarios, configuration and files of certificates. Raises InputError.

    `starts` (milliseconds since 1970) is used where neither options, traffic nor scenario name a start.
    """
    loaded = config.load(options.config_file)
    found = options.mix(starts, loaded)
    headers = dict(header(text) for text in options.headers)
    policy = read_assignments(options.policies)
    runs = []
    for entry in found.entries:
        request = replace(entry.planned.request, headers=headers, policy=policy)
        runs.append(prepare_planned(replace(entry.planned, request=request), loaded))
    return PreparedLoad(found, tuple(runs), options.most_open, options.drain / 1000, options.transport.load())


def _fingerprint_parts(mix: Mix) -> Iterator[object]:
    yield __version__, version("Faker")
    yield mix.seed, mix.count, mix.traffic.arrivals, mix.traffic.speed, mix.traffic.spacing
    for entry in mix.entries:
        yield _entry_parts(entry)


def _entry_parts(entry: Entry) -> Sequence[object]:
    run = entry.run
    scenario = replace(run.scenario, file="")
    quirks = [(quirk.name, rate) for quirk, rate in run.quirks]
    faults = [(choice.label, choice.rate) for choice in entry.planned.faults]
    return (
        run.vendor.name,
        run.profile.name,
        run.seed,
        run.starts,
        run.vary,
        entry.part.weight,
        scenario,
        quirks,
        faults,
    )
