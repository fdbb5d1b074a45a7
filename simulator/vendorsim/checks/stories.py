"""The sample events of the checks, from the shortest scenarios that reach each event of a vendor.

Everything is a pure function of the seed and the time. Every sample comes from a new conversation, with new ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from vendorsim.conversation import files
from vendorsim.conversation.casting import Opening
from vendorsim.conversation.people import PEOPLE
from vendorsim.core.errors import PackError
from vendorsim.core.event import Event
from vendorsim.core.seeding import derive
from vendorsim.runs import library
from vendorsim.runs.captured import CapturedStory, captured_run
from vendorsim.runs.replaying import freshened
from vendorsim.runs.timeline import LiveConversation, Run, iter_events
from vendorsim.scenario.model import AccountCast, AgentCast, Cast, Scenario
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

# Milliseconds. Runs that start in different slots use different ids.
SLOT = 250
LOCALES = ("en_US", "de_DE", "ja_JP", "ar_AA", "cs_CZ")


class Sample(Struct, frozen=True):
    """One event, the earlier events of its conversation (`lead`), its body as a document, and the visitor's identifier,
    if there is one."""

    event: Event
    lead: tuple[Event, ...]
    document: dict[str, Any]
    identifier: str | None = None

    def earlier(self, number: int) -> Sample:
        """Returns the event of this number in the lead as a sample of the same conversation."""
        event = self.lead[number]
        return Sample(event, self.lead[:number], orjson.loads(event.body), self.identifier)


class _Way(Struct, frozen=True):
    """A scenario that leads to an event, and the names of the events `before` it."""

    scenario: Scenario
    before: tuple[str, ...]


def _stories(vendor: Vendor) -> tuple[Scenario, ...]:
    """Returns the named scenarios of a vendor."""
    return _named_scenarios(vendor.name, registry.names())


@cache
def _named_scenarios(vendor: str, vendors: Sequence[str]) -> tuple[Scenario, ...]:
    """Returns the named scenarios of a vendor. `vendors` are all known ones: each package brings its own scenarios."""
    return tuple(scenario for _, _, scenario in library.load_all(vendor))


class Stories:
    """The stories of one vendor and profile, played for one target.

    `starts` is the start time of the stories, `began` that of the run of checks (milliseconds since 1970, UTC). `slot`
    selects the run's range of ids, since an integration may remember earlier runs. `account` and `inbox` are the ids of
    the account and the inbox of all stories (None: each has its own). `server` is the URL at which files are served.
    `captured` are conversations of a capture: the checks of the integration's state tell them again, and they lead to
    the events that no scenario reaches. Raises PackError if the profile has events and no story reaches any of them.
    """

    def __init__(
        self,
        vendor: Vendor,
        profile: Profile,
        seed: int,
        starts: int,
        began: int | None = None,
        *,
        account: int | None = None,
        inbox: int | None = None,
        locale: str | None = None,
        server: str | None = None,
        captured: Sequence[CapturedStory] = (),
    ) -> None:
        self.vendor = vendor
        self.profile = profile
        self.seed = seed
        self.starts = starts
        self.slot = (starts if began is None else began) // SLOT
        # Runs that start in the same second use different ids, and the same people.
        self._taken = self.slot % (1_000 // SLOT) * 32 * PEOPLE
        self._account = _one_account(seed, account, inbox)
        self.locale = locale
        self.captured = tuple(captured)
        self._files = None if server is None else server + (vendor.files or files.PATH)
        self._shortest: dict[str, _Way] = {}
        self._runs: dict[tuple[str, str], Run] = {}
        # The last event of each name of every story: their bodies hold the most.
        self.last_events: list[Event] = []
        for scenario in self.scenarios():
            events = self.play(scenario)
            self._add_shortest(scenario, [event.name for event in events])
            self.last_events += {event.name: event for event in events}.values()
        by_scenarios = frozenset(self._shortest)
        for story in self.captured:
            self._add_shortest(story, [event.event for event in story.events], by_scenarios)
        if profile.events and not self._shortest:
            raise PackError(
                f"{registry.origin(vendor.name).package}: nothing can be judged, since no scenario leads to an event "
                f"of the profile {profile.name}; add one to the scenarios of the package"
            )

    def _add_shortest(self, scenario: Scenario, names: Sequence[str], but: Collection[str] = ()) -> None:
        """Adds the ways to the events of a scenario, where they are shorter than the known ones. The events in `but`
        keep theirs."""
        for position, name in enumerate(names):
            known = self._shortest.get(name)
            if name not in but and (known is None or position < len(known.before)):
                self._shortest[name] = _Way(scenario, tuple(names[:position]))

    def play(self, scenario: Scenario, index: int | None = None) -> list[Event]:
        """Returns the events of a conversation. `index` defaults to the next unused one."""
        index = self.take() if index is None else index
        return list(iter_events(self._conversation(self.run(scenario), index)))

    def _conversation(self, run: Run, index: int) -> LiveConversation:
        if run.casting.anonymous or "identifier" in run.scenario.cast.visitor:
            return run.conversation(index)
        # A probe may ask by the identifier, so each conversation has its own.
        opening = Opening({"identifier": f"customer-{index}", "known": False})
        return run.opened(index, run.starts, opening)

    def retold(self, story: CapturedStory, index: int, age: int = 0) -> LiveConversation:
        """Returns a captured conversation with ids and people of its own, `age` milliseconds before the others."""
        seed = derive(self.seed, story.title, self.slot, index)
        told = freshened(story, self.profile, seed, self.starts - age)
        return captured_run(story.title, self.vendor, self.profile, {story.title: told}).conversation(0)

    def run(self, scenario: Scenario, age: int = 0) -> Run:
        """Returns the run of a story, which starts `age` milliseconds before the others."""
        return Run(scenario, self.vendor, self.profile, self.seed, self.starts - age, 0, files=self._files)

    def take(self) -> int:
        """Returns the next unused index of a conversation."""
        self._taken += 1
        return self._taken

    def events(self) -> tuple[str, ...]:
        """Returns the events that a story reaches, in the vendor's order."""
        return tuple(name for name in self.profile.event_names() if name in self._shortest)

    def unreached(self) -> tuple[str, ...]:
        """Returns the events that no story reaches. They can't be judged."""
        return tuple(name for name in self.profile.event_names() if name not in self._shortest)

    @property
    def locales(self) -> tuple[str, ...]:
        """The locales of samples: the chosen one, or several."""
        return LOCALES if self.locale is None else (self.locale,)

    def names_before(self, name: str) -> tuple[str, ...]:
        """Returns the names of the events before a sample of this name."""
        return self._shortest[name].before

    def sample(self, name: str, locale: str | None = None) -> Sample:
        """Returns an event of that name from a new conversation, with generated names and texts of the locale; default:
        the first one of `locales`."""
        way = self._shortest[name]
        live = self._told(way.scenario, locale or self.locales[0])
        *lead, event = islice(iter_events(live), len(way.before) + 1)
        return Sample(event, tuple(lead), orjson.loads(event.body), live.state.visitor.identifier)

    def _told(self, scenario: Scenario, locale: str) -> LiveConversation:
        """The next conversation of a scenario in a locale; a captured one keeps its own."""
        if isinstance(scenario, CapturedStory):
            return self.retold(scenario, self.take())
        run = self._runs.get((scenario.title, locale))
        if run is None:
            run = self._runs[scenario.title, locale] = self.run(replace(scenario, locale=locale))
        return self._conversation(run, self.take())

    def scenarios(self) -> Iterator[Scenario]:
        """Returns the stories of the vendor, without the ids that they pin, in the chosen account and locale."""
        for scenario in map(_unpinned, _stories(self.vendor)):
            account, locale = self._account or scenario.account, self.locale or scenario.locale
            yield replace(scenario, account=account, locale=locale)


def _one_account(seed: int, account: int | None, inbox: int | None) -> AccountCast | None:
    """Returns the account of all stories, or None if neither its id nor its inbox is chosen. An inbox belongs to one
    account, which is made up then. It has one name: no conversation may show a name that only another one had."""
    if account is None and inbox is None:
        return None
    number = 1 + derive(seed, "account") % 9_000 if account is None else account
    return AccountCast(number, f"Account {number}", inbox)


def _unpinned(scenario: Scenario) -> Scenario:
    """Returns the story with generated people and ids in place of pinned ones, so that it can be played repeatedly."""
    unpinned_keys = {"identifier", "custom"}
    visitor = {
        key: value
        for key, value in scenario.cast.visitor.items()
        if key in unpinned_keys or (value is None and key != "id")
    }
    agents = {key: AgentCast(group=cast.group) for key, cast in scenario.cast.agents.items()}
    return replace(scenario, conversation_id=None, cast=Cast(visitor, agents))
