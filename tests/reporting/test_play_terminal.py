"""What `vendorsim play` prints for people: which deliveries a fault hit, and how many problems it does not list."""

from __future__ import annotations

import re

import pytest
from command_line import Vendorsim
from receiver import Receiver, status

STORY = ("play", "missed-chat", "--vendor", "smartsupp", "--seed", "1")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), r"event +status +ms +verdict"),
        (("--fault", "duplicate"), r"post_hook +200 +[\d.]+ +duplicate=1 +delivered"),
        (("--fault", "duplicate"), r"post_hook +200 +[\d.]+ +duplicate=1 \(copy 1\) +delivered"),
        (("--count", "3", "--fault", "duplicate"), r"post_hook +6 +200 x 6 .* duplicate x 6 +6 delivered"),
        (("--count", "3"), r"max ms +verdict"),
    ],
)
def test_shows_what_a_fault_hit(vendorsim: Vendorsim, options: tuple[str, ...], found: str) -> None:
    with Receiver() as target:
        printed = vendorsim(*STORY, "--to", target.url(), *options).out
    assert re.search(found, printed), printed


@pytest.mark.parametrize(("count", "last"), [(10, "rejected"), (11, "and 1 more problem"), (13, "and 3 more problems")])
def test_says_how_many_problems_it_leaves_out(vendorsim: Vendorsim, count: int, last: str) -> None:
    with Receiver(status(500)) as target:
        printed = vendorsim(*STORY, "--to", target.url(), "--count", count, "--policy", "retries=none").out
    problems = [line for line in printed.splitlines() if line.startswith("  ")]
    assert len(problems) == min(count, 10) + (count > 10)
    assert last in problems[-1]
