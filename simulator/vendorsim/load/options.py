"""What the user asks for, as plain values that reach workers as text, and what it becomes once it is looked up."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import orjson

from vendorsim.core.errors import InputError
from vendorsim.core.version import __version__
from vendorsim.delivery import planning as setup
from vendorsim.delivery.requests import Destination
from vendorsim.http import proxies
from vendorsim.http.endpoint import Endpoint
from vendorsim.http.transport import tls_context
from vendorsim.load import traffic
from vendorsim.load.mixing import Entry, Mix, mix
from vendorsim.runs import config


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command, and the path of the traffic file. `drain` is milliseconds."""

    file: str
    to: str | None = None
    headers: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    secret_env: tuple[str, ...] = ()
    ca: str | None = None
    cert: str | None = None
    cert_key: str | None = None
    proxy: str | None = None
    config_file: str | None = None
    count: int | None = None
    seed: int | None = None
    start: int | None = None
    most_open: int = 1_000
    drain: int = 60_000

    def text(self) -> str:
        """All of it as one line, for an environment variable."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def read(cls, text: str) -> Asked:
        """The same from its text. Raises InputError."""
        try:
            values: dict[str, Any] = orjson.loads(text)
            # JSON knows no tuples.
            values |= {key: tuple(each) for key, each in values.items() if isinstance(each, list)}
            found = cls(**values)
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"this is not what 'vendorsim load' hands its workers: {error}") from None
        return found

    def mix(self, starts: int) -> Mix:
        """The traffic with its scenarios. `starts` (milliseconds since 1970) counts where nobody names a start.
        Raises InputError."""
        found = traffic.load(self.file)
        if self.count is not None:
            found = replace(found, conversations=self.count, duration=None)
        if self.seed is not None:
            found = replace(found, seed=self.seed)
        if self.start is not None:
            found = replace(found, starts=self.start)
        return mix(found, starts)


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything that sending needs. `places` are the destinations of each entry of the mix."""

    mix: Mix
    places: tuple[tuple[Destination, ...], ...]
    most_open: int
    drain: float
    tls: ssl.SSLContext | None = None
    proxy: Endpoint | None = None

    @property
    def targets(self) -> list[str]:
        """Where it all goes, as reports show it."""
        return list(dict.fromkeys(place.endpoint.shown for places in self.places for place in places))

    def fingerprint(self) -> str:
        """The same wherever the same conversations would have the same bytes: scenarios, versions, seeds and times."""
        about = sha256()
        for part in _determining(self.mix):
            about.update(repr(part).encode() + b"\n")
        return about.hexdigest()


def ready(asked: Asked, starts: int) -> Ready:
    """Looks everything up. `starts` (milliseconds since 1970) counts where nobody names a start. Raises InputError."""
    found = asked.mix(starts)
    loaded = config.load(asked.config_file)
    places = []
    for entry in found.entries:
        policies = setup.Policies(entry.run.vendor, entry.run.profile, loaded, asked.policies)
        destinations = setup.destinations(policies, asked.to, asked.headers, asked.secret_env)
        setup.refuse_impossible(entry.run, entry.faults, destinations)
        places.append(tuple(destinations))
    tls = tls_context(asked.ca, asked.cert, asked.cert_key) if asked.ca or asked.cert or asked.cert_key else None
    proxy = proxies.proxy(asked.proxy) if asked.proxy else None
    return Ready(found, tuple(places), asked.most_open, asked.drain / 1000, tls, proxy)


def _determining(mix: Mix) -> Iterator[object]:
    yield __version__, version("Faker")
    yield mix.seed, mix.count, mix.traffic.arrivals, mix.traffic.speed, mix.traffic.spacing
    for entry in mix.entries:
        yield _entry(entry)


def _entry(entry: Entry) -> Sequence[object]:
    run = entry.run
    scenario = replace(run.scenario, file="")
    quirks = [(quirk.name, rate) for quirk, rate in run.quirks]
    faults = [(choice.label, choice.rate) for choice in entry.faults]
    return run.vendor.name, run.profile.name, run.seed, run.starts, entry.part.weight, scenario, quirks, faults
