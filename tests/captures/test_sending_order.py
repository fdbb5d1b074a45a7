"""Captured webhooks that have overtaken each other, in the order in which the vendor has sent them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from captures.round_trip import exchange
from vendorsim.captures.sequence import CapturedEvent, sequence
from vendorsim.runs import library
from vendorsim.runs.sending_order import as_sent
from vendorsim.runs.timeline import Run, iter_events
from vendorsim.vendorkit import registry

VENDOR = registry.get("messagehub")
PROFILE = VENDOR.profile("observed-4.18")


@pytest.fixture
def sent() -> list[CapturedEvent]:
    """What one conversation sends, in order, but for the first event: that of a contact has no time."""
    scenario = library.load("returning-customer")
    run = Run(scenario, VENDOR, PROFILE, 7, 1_767_607_200_250)
    events = list(iter_events(run.conversation(0)))
    return list(sequence([exchange(event) for event in events], VENDOR, PROFILE).events)[1:]


def swapped(events: list[CapturedEvent], *places: int) -> list[CapturedEvent]:
    """Each of these events arrives after the next one."""
    found = list(events)
    for place in places:
        found[place], found[place + 1] = found[place + 1], found[place]
    return found


def names(events: list[CapturedEvent]) -> list[str]:
    return [event.event for event in events]


@pytest.mark.parametrize(
    "overtake",
    [
        lambda events: events,
        lambda events: swapped(events, *range(0, len(events) - 1, 2)),
        lambda events: swapped(events, *range(1, len(events) - 1, 2)),
        lambda events: [*events[3:6], *events[:3], *events[6:]],
    ],
    ids=["in order", "each with the next", "the others with the next", "three before three"],
)
def test_what_was_overtaken_comes_first_again(
    overtake: Callable[[list[CapturedEvent]], list[CapturedEvent]], sent: list[CapturedEvent]
) -> None:
    found = as_sent(overtake(sent), VENDOR.name, PROFILE)
    assert names(found) == names(sent)
    assert [event.document for event in found] == [event.document for event in sent]
    assert [event.at for event in found] == sorted(event.at for event in sent), "the times stay, in order"


def test_a_vendor_that_sends_one_after_the_other_is_taken_at_its_word() -> None:
    vendor = registry.get("userlike")
    profile = vendor.default_profile
    run = Run(library.load("returning-customer"), vendor, profile, 7, 1_767_607_200_250)
    events = [exchange(event) for event in iter_events(run.conversation(0))]
    found = swapped(list(sequence(events, vendor, profile).events), 2)
    assert as_sent(found, vendor.name, profile) == found
