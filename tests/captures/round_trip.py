"""generate → scenario → generate: a story is made of what a scenario sends, and has to send the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from msgspec.structs import replace
from vendorsim.captures.exchange import CapturedExchange, Direction
from vendorsim.captures.sequence import sequence
from vendorsim.core.event import Event
from vendorsim.runs.derived import DerivedScenario, derived_scenario, sent_again
from vendorsim.runs.timeline import Run, iter_events
from vendorsim.scenario.model import AgentCast, Cast, Scenario
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

STARTS = 1_767_603_600_000
SEEDS = 16
IDENTITY = ("name", "email", "phone", "identifier")


class RoundTrip(NamedTuple):
    """The scenario that was made, and in what its events differ from those it was made of."""

    scenario: DerivedScenario
    differences: list[str]


def generated(scenario: Scenario, vendor: Vendor, profile: Profile, seed: int = 0) -> list[Event]:
    return list(iter_events(Run(scenario, vendor, profile, seed, STARTS).conversation(0)))


def round_trip(scenario: Scenario, vendor: Vendor, profile: Profile) -> RoundTrip | None:
    """None if the scenario sends nothing as this vendor."""
    first = generated(scenario, vendor, profile)
    if not first:
        return None
    captured = sequence(map(exchange, first), vendor, profile).events
    names = frozenset(event.name for event in first)
    made = derived_scenario(list(captured), captured[0].conversation, "x.yaml", "x.jsonl", vendor, profile, names)
    again = [event for event in sent_again(made.text, vendor, profile) if event[0] in names]
    return RoundTrip(made, list(_differences(scenario, vendor, profile, first, again)))


def exchange(event: Event) -> CapturedExchange:
    at = datetime.fromtimestamp(event.at / 1000, UTC)
    return CapturedExchange(
        event.id, Direction.WEBHOOK, event.body, at, conversation=str(event.conversation), event=event.name
    )


def _differences(
    scenario: Scenario, vendor: Vendor, profile: Profile, first: list[Event], again: list[tuple[str, int, Any]]
) -> Iterator[str]:
    if [event.name for event in first] != [name for name, _, _ in again]:
        yield f"events: {[event.name for event in first]} became {[name for name, _, _ in again]}"
        return
    # What is made up differs with the seed, also that of people whom the story gives.
    others = [
        generated(told, vendor, profile, seed)
        for told in (scenario, _of_other_people(scenario))
        for seed in range(SEEDS)
    ]
    others = [events for events in others if len(events) == len(first)]
    given = {value for value in _given(scenario) if value}
    for number, (event, (_, at, body)) in enumerate(zip(first, again, strict=True)):
        after, expected = at - again[0][1], event.at - first[0].at
        if after != expected:
            yield f"{number} {event.name}: it is sent {after} ms after the first, not {expected}"
        mine = orjson.loads(event.body)
        made_up = {path for events in others for path, _, _ in differing(mine, orjson.loads(events[number].body))}
        for path, old, new in differing(mine, body):
            if path not in made_up or (isinstance(old, str) and old in given):
                yield f"{number} {event.name}: {'/'.join(map(str, path))} is {new!r}, not {old!r}"


def differing(mine: Any, other: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, Any, Any]]:
    """The paths at which two documents differ, with both values."""
    if isinstance(mine, dict) and isinstance(other, dict):
        for key in {**mine, **other}:
            yield from differing(mine.get(key, "missing"), other.get(key, "missing"), (*path, key))
    elif isinstance(mine, list) and isinstance(other, list):
        if len(mine) != len(other):
            yield (*path, "length"), len(mine), len(other)
        for position, (one, two) in enumerate(zip(mine, other, strict=False)):
            yield from differing(one, two, (*path, position))
    elif mine != other or type(mine) is not type(other):
        yield path, mine, other


def _given(scenario: Scenario) -> Iterator[str | None]:
    for name in IDENTITY:
        yield scenario.cast.visitor.get(name)
    for agent in scenario.cast.agents.values():
        yield from (agent.name, agent.email, agent.group)


def _of_other_people(scenario: Scenario) -> Scenario:
    """The scenario with made-up people. What they have not, they still have not."""
    visitor = {
        key: value
        for key, value in scenario.cast.visitor.items()
        if key in ("identifier", "custom") or (value is None and key != "id")
    }
    agents = {key: AgentCast(group=agent.group) for key, agent in scenario.cast.agents.items()}
    return replace(scenario, conversation_id=None, cast=Cast(visitor, agents))
