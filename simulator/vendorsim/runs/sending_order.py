"""The order in which a vendor has sent what a capture holds.

A vendor that has several deliveries under way at once is overtaken by itself: the events of one step arrive in any
order, and so do those of steps that follow each other quickly.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from msgspec.structs import replace

from vendorsim.captures import times
from vendorsim.captures.sequence import CapturedEvent
from vendorsim.runs import library
from vendorsim.runs.timeline import Run
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.profile import Profile

# Milliseconds between the newest times in the bodies of one step. Bodies may show seconds only.
_OF_ONE_STEP = 20


def as_sent(events: Sequence[CapturedEvent], vendor: str, profile: Profile) -> list[CapturedEvent]:
    """The events of one conversation in the order in which the vendor has sent them, as far as their bodies tell.

    Only the events of a vendor that has several under way at once move: to the newest time in the body, and those of
    one step to the order in which the profile sends them. Their own times stay, in the new order.
    """
    if profile.policy.in_flight.value <= 1:
        return list(events)
    newest = _dated(events)
    dated = sorted(zip(newest, events, strict=True), key=lambda pair: pair[0])
    orders = _orders(vendor, profile.name)
    ordered = [event for step in _steps(dated) for event in _in_order(step, orders)]
    return [replace(event, at=at) for event, at in zip(ordered, sorted(event.at for event in events), strict=True)]


def _dated(events: Sequence[CapturedEvent]) -> list[int]:
    """The newest time in each body; that of the event before, or else of the one after, where there is none."""
    found = [times.newest(event.document) for event in events]
    last = next((at for at in found if at is not None), 0)
    return [last := last if at is None else at for at in found]


def _steps(dated: Iterable[tuple[int, CapturedEvent]]) -> Iterator[list[CapturedEvent]]:
    step: list[CapturedEvent] = []
    last = 0
    for at, event in dated:
        if step and at - last > _OF_ONE_STEP:
            yield step
            step = []
        step.append(event)
        last = at
    if step:
        yield step


def _in_order(step: list[CapturedEvent], orders: _Orders) -> list[CapturedEvent]:
    """The events of one step in the order in which the profile mostly sends them. Of other events that come together,
    those move that the profile never sends in the order in which they arrived."""
    names = frozenset(event.event for event in step)
    if len(names) < len(step):
        return step
    if names in orders.usual:
        return sorted(step, key=lambda event: orders.usual[names].index(event.event))
    ordered: list[CapturedEvent] = []
    for event in step:
        place = len(ordered)
        while place and (event.event, ordered[place - 1].event) in orders.always:
            place -= 1
        ordered.insert(place, event)
    return ordered


class _Orders(NamedTuple):
    """The orders in which a profile sends events. `usual`: of events that one step sends together, the most frequent
    one. `always`: pairs of events of one step that come in this order, never in the other."""

    usual: Mapping[frozenset[str], tuple[str, ...]]
    always: frozenset[tuple[str, str]]


@lru_cache(maxsize=16)
def _orders(vendor: str, profile: str) -> _Orders:
    """Found by playing the scenarios that have names."""
    found: dict[frozenset[str], Counter[tuple[str, ...]]] = defaultdict(Counter)
    kind = registry.get(vendor)
    for _, _, scenario in library.load_all(vendor):
        run = Run(scenario, kind, kind.profile(profile), scenario.seed, scenario.starts or 0)
        live = run.conversation(0)
        for scheduled in run.schedule(0):
            names = tuple(event.name for event in live.advance(scheduled))
            found[frozenset(names)][names] += 1
    pairs = {pair for orders in found.values() for names in orders for pair in combinations(names, 2)}
    return _Orders(
        {together: orders.most_common(1)[0][0] for together, orders in found.items()},
        frozenset(pair for pair in pairs if pair[::-1] not in pairs),
    )
