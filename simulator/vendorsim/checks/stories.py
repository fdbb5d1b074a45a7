"""Where the bodies of the checks come from: short stories that lead to each event of a vendor.

Everything is a pure function of the seed. Every conversation that is asked for is a new one, so ids are fresh.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson

from vendorsim.core.errors import PackError
from vendorsim.core.event import Event
from vendorsim.runs import library
from vendorsim.runs.timeline import Run, iter_events
from vendorsim.scenario.model import AgentCast, Cast, Scenario
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

# Milliseconds in which no two runs begin.
SLOT = 250
LOCALES = ("en_US", "de_DE", "ja_JP", "ar_AA", "cs_CZ")


@dataclass(frozen=True, slots=True)
class Sample:
    """One event, with those of its conversation that come before it (`lead`), and its body as a document."""

    event: Event
    lead: tuple[Event, ...]
    document: dict[str, Any]


def _stories(vendor: Vendor) -> tuple[Scenario, ...]:
    """The named scenarios that count for a vendor."""
    return tuple(scenario for scenario in _named(registry.names()) if vendor.name in scenario.vendors)


@cache
def _named(vendors: Sequence[str]) -> tuple[Scenario, ...]:
    """All named scenarios; which those are, and for which vendors they count, depends on the vendors that are known."""
    return tuple(scenario for _, _, scenario in library.load_all())


class Stories:
    """The stories of one vendor and profile, played for one target.

    `starts` is when they begin, `began` when the run of checks did (milliseconds since 1970). `slot` numbers the runs:
    an integration may remember what earlier runs have told, so each takes ids from a range of its own. Raises PackError
    where the profile has events and no story reaches any of them.
    """

    def __init__(self, vendor: Vendor, profile: Profile, seed: int, starts: int, began: int | None = None) -> None:
        self.vendor = vendor
        self.profile = profile
        self.seed = seed
        self.starts = starts
        self.slot = (starts if began is None else began) // SLOT
        self._taken = 0
        self._shortest: dict[str, tuple[Scenario, int]] = {}
        for scenario in _stories(vendor):
            self._note(_unpinned(scenario))
        if profile.events and not self._shortest:
            raise PackError(
                f"{registry.origin(vendor.name).package}: nothing can be judged, since no scenario leads to an event "
                f"of the profile {profile.name}; add one to the scenarios of the package"
            )

    def _note(self, scenario: Scenario) -> None:
        for position, event in enumerate(self.play(scenario)):
            known = self._shortest.get(event.name)
            if known is None or position < known[1]:
                self._shortest[event.name] = (scenario, position)

    def play(self, scenario: Scenario, index: int | None = None) -> list[Event]:
        """The events of one new conversation; `index` takes a particular one instead."""
        if index is None:
            index = self.take()
        run = Run(scenario, self.vendor, self.profile, self.seed, self.starts, 0)
        return list(iter_events(run.conversation(index)))

    def take(self) -> int:
        """The index of a conversation that nobody has had."""
        self._taken += 1
        return self._taken

    def events(self) -> tuple[str, ...]:
        """The events that some story reaches, in the vendor's order."""
        return tuple(name for name in self.profile.event_names() if name in self._shortest)

    def unreached(self) -> tuple[str, ...]:
        """The events of the profile that no story reaches: they can't be judged."""
        return tuple(name for name in self.profile.event_names() if name not in self._shortest)

    def sample(self, name: str, locale: str = "en_US") -> Sample:
        """A fresh conversation up to an event of that name; its people and made-up texts are of the locale."""
        scenario, position = self._shortest[name]
        events = self.play(replace(scenario, locale=locale))
        event = events[position]
        return Sample(event, tuple(events[:position]), orjson.loads(event.body))

    def scenarios(self) -> Iterator[Scenario]:
        """Every story of the vendor, without pinned ids."""
        return map(_unpinned, _stories(self.vendor))


def _unpinned(scenario: Scenario) -> Scenario:
    """The story with made-up people and ids, so that it can be told again and again."""
    kept = {"identifier", "custom"}
    visitor = {
        key: value for key, value in scenario.cast.visitor.items() if key in kept or (value is None and key != "id")
    }
    agents = {key: AgentCast(group=cast.group) for key, cast in scenario.cast.agents.items()}
    return replace(scenario, conversation_id=None, cast=Cast(visitor, agents))
