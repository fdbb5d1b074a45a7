"""Captures of generated events, and what drift says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from vendorsim.captures.drift import DriftStudy
from vendorsim.captures.drift_report import DriftReport, report
from vendorsim.captures.exchange import CapturedExchange, Direction
from vendorsim.core.event import Event
from vendorsim.core.times import moment
from vendorsim.runs import library, timeline
from vendorsim.scenario import Scenario
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.deviations import read_fail_on

START = 1_767_603_600_000
ANY = read_fail_on(["any"])


@cache
def scenario(name: str) -> Scenario:
    return library.load(name)


def told(vendor: str, profile: str, names: Iterable[str] = (), count: int = 1) -> Iterator[Event]:
    """The events of built-in scenarios, of all that the vendor plays by default."""
    known = registry.get(vendor)
    for name in names or library.built_in():
        story = scenario(name)
        if vendor in story.vendors:
            run = timeline.Run(story, known, known.profile(profile), story.seed, story.starts or START, vary=count > 1)
            yield from timeline.events(run, count)


def captured(events: Iterable[Event]) -> Iterator[CapturedExchange]:
    """Generated events as a capture that has bodies and times."""
    for number, event in enumerate(events, 1):
        yield CapturedExchange(f"told.jsonl:{number}", Direction.WEBHOOK, event.body, at=moment(event.at))


def study(vendor: str, profile: str, exchanges: Iterable[CapturedExchange]) -> DriftStudy:
    known = registry.get(vendor)
    made = DriftStudy(known, known.profile(profile))
    for exchange in exchanges:
        made.add(exchange)
    return made


def drift(vendor: str, profile: str, exchanges: Iterable[CapturedExchange]) -> DriftReport:
    return report(study(vendor, profile, exchanges), ANY)
