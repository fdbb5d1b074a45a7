"""The order of a conversation's events, held to the orders that the profile's reactions give.

Vendors do not declare orders. The reactions are run along random walks through the steps of a story; what follows what
on them is possible. A capture that begins in the middle of a conversation, or leaves out kinds of events, is judged by
the same walks without those kinds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

from vendorsim.captures.exchange import CapturedExchange
from vendorsim.captures.places import Place, id_places
from vendorsim.captures.rehearsal import Sent, rehearsal
from vendorsim.captures.sequence import conversation_in
from vendorsim.conversation.state import StepError
from vendorsim.core.seeding import generator
from vendorsim.scenario.model import AgentCast, Cast, Scenario
from vendorsim.scenario.verbs import Verb
from vendorsim.vendorkit.policy import parallel
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.verb_events import QUIET, SITUATIONS, TURNING, caused_by

# So many conversations are followed at once; the longest silent one is forgotten first.
_MOST_CONVERSATIONS = 10_000
_WALKS, _STEPS = 800, 60
_SEED = 7
_STORY = Scenario("Walk", (), cast=Cast({}, {"ana": AgentCast(), "ben": AgentCast()}))
_STARTS, _MINUTE = 1_767_603_600_000, 60_000
# Where a vendor sends several events at once, they may arrive in any order within this time.
_AT_ONCE = timedelta(minutes=1)


class SeenPair(Struct):
    """How often one event followed another, and where first."""

    earlier: str
    later: str
    first: str
    count: int = 0


class _Followed(Struct):
    """The last event of a conversation."""

    event: str
    at: datetime | None


class SeenOrders:
    """The pairs of events that followed each other in a conversation."""

    def __init__(self, profile: Profile) -> None:
        # An overlay has the reactions of the profile that it changes.
        self._profile = profile.overlays or profile
        self._at_once = parallel(profile.policy) > 1
        self._last: OrderedDict[str, _Followed] = OrderedDict()
        self._pairs: dict[tuple[str, str], SeenPair] = {}
        self._events: set[str] = set()
        self._conversations = 0
        self._without_time = False

    def add(self, event: str, body: object, exchange: CapturedExchange) -> None:
        """Adds an event in the order of the capture."""
        places = _naming(self._profile).get(event)
        if places is None:
            return
        conversation = conversation_in(body, places) or exchange.conversation
        if conversation is None:
            return
        self._events.add(event)
        last = self._last.get(conversation)
        if last is None:
            self._conversations += 1
            if len(self._last) >= _MOST_CONVERSATIONS:
                self._last.popitem(last=False)
        else:
            self._last.move_to_end(conversation)
            self._count(last, event, exchange)
        self._last[conversation] = _Followed(event, exchange.at)

    def _count(self, last: _Followed, event: str, exchange: CapturedExchange) -> None:
        if self._at_once:
            if last.at is None or exchange.at is None:
                self._without_time = True
                return
            if exchange.at - last.at < _AT_ONCE:
                return
        pair = self._pairs.setdefault((last.event, event), SeenPair(last.event, event, exchange.place))
        pair.count += 1

    def impossible(self) -> list[SeenPair]:
        """The pairs that the profile's reactions never give, of the events that the capture has."""
        possible = _following(self._profile, frozenset(self._events), self._at_once)
        return [pair for key, pair in self._pairs.items() if key not in possible]

    def pairs(self) -> int:
        """The number of pairs that could be judged."""
        return sum(pair.count for pair in self._pairs.values())

    def not_judged(self) -> str | None:
        """Why the order could not be judged, or only in part."""
        if not _naming(self._profile):
            return "no event of this profile names its conversation"
        if not self._conversations:
            return "no captured event names a conversation"
        if self._without_time:
            return "the vendor sends several events at once, and the capture has no times"
        if not self._pairs:
            at_once = " more than a minute after another, which the vendor may send at once" if self._at_once else ""
            return f"no conversation has two events{at_once}"
        return None


def _following(profile: Profile, events: frozenset[str], at_once: bool) -> set[tuple[str, str]]:
    """The pairs of these events that can follow each other, if no other events are told. `at_once`: whatever may come
    in between."""
    found: set[tuple[str, str]] = set()
    for walk in _walks(profile):
        told = [event for event in walk if event in events]
        if at_once:
            earlier: set[str] = set()
            for event in told:
                found.update((before, event) for before in earlier)
                earlier.add(event)
        else:
            found.update(pairwise(told))
    return found


@lru_cache(maxsize=64)
def _naming(profile: Profile) -> Mapping[str, tuple[Place, ...]]:
    """Where each event names its conversation; events that name none are left out."""
    return {event: places.conversation for event, places in id_places(profile).items() if places.conversation}


@lru_cache(maxsize=64)
def _walks(profile: Profile) -> Sequence[tuple[str, ...]]:
    """The events that name their conversation, in the order of random stories."""
    return tuple(_told(profile))


def _told(profile: Profile) -> Iterator[tuple[str, ...]]:
    naming = _naming(profile)
    for number in range(_WALKS):
        chosen = generator(_SEED, "walk", number)
        situation = SITUATIONS[number % len(SITUATIONS)]
        # Most steps lead on, as the others follow each other more often.
        steps = [chosen.choice(TURNING if chosen.random() < 0.4 + number % 5 * 0.1 else QUIET) for _ in range(_STEPS)]
        for walk in _events((*situation, *steps), profile):
            yield tuple(event for event in walk if event in naming)


def _events(steps: Sequence[Verb], profile: Profile) -> Iterator[list[str]]:
    """The events of a story. Where bodies do not name their event, also what they are taken for: some events can't be
    told apart."""
    yield [event for _, events in caused_by(steps, profile) for event in events]
    if not profile.event_keys:
        story = rehearsal(profile, _STORY, _STARTS)
        sent: list[Sent] = []
        for number, step in enumerate(steps):
            with suppress(StepError):
                sent += story.step(step, _STARTS + number * _MINUTE)
        yield [profile.identify(body) or event for event, body in sent]
