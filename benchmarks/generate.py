"""How fast events are generated and validated, beside plain `json.dumps` of the same bodies. Asserts nothing.

    python benchmarks/generate.py

The rounds of all vendors are interleaved, so that whatever else the machine does meets them alike. Medians are
printed; the ratio (of each round, then the median) is what can be compared between machines.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any

from simulator.runs import prepare
from simulator.timeline import Run, events

SCENARIO = "returning-customer"
VENDORS = ("userlike", "smartsupp", "messagehub", "chatvisor")
CONVERSATIONS = 1_000
ROUNDS = 5
START = 1_767_607_200_000


@dataclass
class Case:
    """One vendor: what is measured, and the seconds of each round."""

    vendor: str
    run: Run
    bodies: list[Any]
    generating: list[float] = field(default_factory=list)
    dumping: list[float] = field(default_factory=list)

    def generate(self) -> None:
        for event in events(self.run, CONVERSATIONS):
            event.line()

    def dump(self) -> None:
        for body in self.bodies:
            json.dumps(body).encode()

    def row(self) -> str:
        count = len(self.bodies)
        mean = sum(len(json.dumps(body)) for body in self.bodies) // count
        ratio = median(mine / plain for mine, plain in zip(self.generating, self.dumping, strict=True))
        ours, plain = count / median(self.generating), count / median(self.dumping)
        return f"{self.vendor:<12}{count / CONVERSATIONS:>10.0f}{mean:>12,}{ours:>14,.0f}{plain:>14,.0f}{ratio:>10.2f}"


def case(vendor: str) -> Case:
    """A vendor, warmed up: its validators are compiled and its people made up."""
    run = prepare(SCENARIO, vendor, start=START)
    return Case(vendor, run, [json.loads(event.body) for event in events(run, CONVERSATIONS)])


def seconds(work: Callable[[], None]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def main() -> None:
    cases = [case(vendor) for vendor in VENDORS]
    for _ in range(ROUNDS):
        for each in cases:
            each.dumping.append(seconds(each.dump))
            each.generating.append(seconds(each.generate))
    print(f"scenario {SCENARIO}, {CONVERSATIONS:,} conversations, medians of {ROUNDS} interleaved rounds")
    print("generate: made up, told, validated and encoded; dumps: json.dumps of the same bodies")
    print(f"{'vendor':<12}{'ev./chat':>10}{'bytes/ev.':>12}{'generate/s':>14}{'dumps/s':>14}{'x dumps':>10}")
    for each in cases:
        print(each.row())


if __name__ == "__main__":
    main()
