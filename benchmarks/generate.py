"""How fast events are generated, validated and encoded, compared with plain `json.dumps` of the same bodies."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import dataclass
from time import process_time
from typing import Any

from results import Effort, Goal, Part, Series, Table
from vendorsim.runs.planning import RunRequest, plan
from vendorsim.runs.timeline import Run, events

# Vendor, profile and scenario. CCAI sends events only with its profile `webhooks`.
CASES = (
    ("userlike", None, "returning-customer"),
    ("smartsupp", None, "returning-customer"),
    ("messagehub", None, "returning-customer"),
    ("chatvisor", None, "returning-customer"),
    ("ccai", "webhooks", "forwarded-chat"),
)
CONVERSATIONS = 1_000
START = 1_767_607_200_000
GOAL = 20_000
WALL = "one Python thread: the conversation's steps, the body, its validation and encoding, no single peak"


@dataclass
class Case:
    """The run and the bodies measured for one vendor."""

    vendor: str
    run: Run
    bodies: list[Any]
    count: int

    def generate(self) -> None:
        for event in events(self.run, self.count):
            event.line()

    def dump(self) -> None:
        for body in self.bodies:
            json.dumps(body).encode()


def case(vendor: str, profile: str | None, scenario: str, count: int = CONVERSATIONS) -> Case:
    """Returns a warmed-up case: validators are compiled and people are generated."""
    run = plan(RunRequest(scenario, vendor, profile, start=START)).run
    return Case(vendor, run, [json.loads(event.body) for event in events(run, count)], count)


def seconds(work: Callable[[], None]) -> float:
    """Returns the processor seconds of a call."""
    began = process_time()
    work()
    return process_time() - began


def measure(effort: Effort) -> Part:
    cases = [
        case(vendor, profile, scenario, 200 if effort.quick else CONVERSATIONS) for vendor, profile, scenario in CASES
    ]
    generated = {each.vendor: Series(each.vendor, _about(each), base=f"dumps, {each.vendor}") for each in cases}
    dumped = {each.vendor: Series(f"dumps, {each.vendor}", "`json.dumps` of the same bodies") for each in cases}
    # Exclude the bodies from garbage collection: they belong to the benchmark, not to the run.
    gc.freeze()
    for _ in range(effort.rounds):
        for each in cases:
            count = len(each.bodies)
            dumped[each.vendor].values.append(count / seconds(each.dump))
            generated[each.vendor].values.append(count / seconds(each.generate))
    pairs = [series for each in cases for series in (generated[each.vendor], dumped[each.vendor])]
    table = Table("generated, validated, encoded", "events/s of one core", pairs)
    goals = [
        Goal(f"generating, {vendor}: ≥ {GOAL:,} validated events/s on one core", GOAL, "/s", series.median, wall=WALL)
        for vendor, series in generated.items()
    ]
    note = f"{cases[0].count:,} conversations a round, people made up and validators compiled beforehand."
    return Part("generate", "Generating", [table], goals, notes=[note])


def _about(each: Case) -> str:
    count = len(each.bodies)
    size = sum(len(json.dumps(body)) for body in each.bodies) // count
    return f"{each.run.scenario.title}: {count / each.count:.0f} events a conversation, {size:,} bytes each"


if __name__ == "__main__":
    from run import alone

    alone("generate")
