"""Compiling is a pure function: the same scenario, vendor, profile, seed and start give the same bytes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from command_line import Vendorsim
from golden import hold
from hypothesis import given, settings
from hypothesis import strategies as st
from vendorsim.runs import library, timeline
from vendorsim.vendorkit import registry

GOLDEN = Path(__file__).parent / "golden"
STORY = GOLDEN / "story.yaml"
MADE_UP = """\
scenario: Everything is made up
vendors: [userlike, smartsupp, messagehub, chatvisor]
locale: ja_JP
cast: {agents: {ana: {}, bob: {}}}
steps:
  - open_widget
  - say
  - {join: ana, after: 3s}
  - {say: {by: ana}, after: 4s}
  - {assign: bob, after: 1s}
  - {say: {by: bob, attachments: [a.pdf]}, after: 4s}
  - {note: {by: bob}, after: 4s}
  - close
"""
VENDORS = ("userlike", "smartsupp", "messagehub", "chatvisor")
START = 1_767_603_600_000


@cache
def run(vendor: str, seed: int = 0) -> timeline.Run:
    known = registry.get(vendor)
    return timeline.Run(library.load_text(MADE_UP, "made-up.yaml"), known, known.default_profile, seed, START)


def conversation(of: timeline.Run, index: int) -> list[bytes]:
    live = of.conversation(index)
    return [event.line() for scheduled in of.schedule(index) for event in live.advance(scheduled)]


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_bytes_of_the_golden_story(vendorsim: Vendorsim, vendor: str) -> None:
    done = vendorsim("generate", STORY, "--vendor", vendor, "--count", 2, "--spacing", "1m")
    assert done.code == 0, done.err
    hold(GOLDEN / f"{vendor}.jsonl", done.out.encode(), "test_timeline.py")


@pytest.mark.parametrize("vendor", VENDORS)
@given(order=st.permutations(range(6)))
@settings(max_examples=10)
def test_a_conversation_does_not_depend_on_the_others_nor_on_their_order(vendor: str, order: list[int]) -> None:
    expected = [conversation(run(vendor), index) for index in range(6)]
    found = {index: conversation(run(vendor), index) for index in order}
    assert [found[index] for index in range(6)] == expected


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_conversation_is_the_same_alone_and_in_runs_of_any_size(vendor: str) -> None:
    many = [event.line() for event in timeline.events(run(vendor), 50)]
    few = [event.line() for event in timeline.events(run(vendor), 1)]
    assert many[: len(few)] == few
    assert many == [line for index in range(50) for line in conversation(run(vendor), index)]


@pytest.mark.parametrize("vendor", VENDORS)
def test_conversations_may_be_driven_at_the_same_time(vendor: str) -> None:
    """One step of each in turn, as concurrent playing does."""
    of = run(vendor)
    lives = [of.conversation(index) for index in range(5)]
    found: list[list[bytes]] = [[] for _ in lives]
    for step in zip(*(of.schedule(index) for index in range(5)), strict=True):
        for index, scheduled in enumerate(step):
            found[index] += [event.line() for event in lives[index].advance(scheduled)]
    assert found == [conversation(of, index) for index in range(5)]


@pytest.mark.parametrize("vendor", VENDORS)
def test_another_seed_and_another_conversation_give_other_bytes(vendor: str) -> None:
    lines = [conversation(run(vendor, seed), index) for seed in (0, 1) for index in (0, 1)]
    assert len({b"".join(some) for some in lines}) == 4


def test_a_timeline_is_lazy() -> None:
    assert len(list(islice(timeline.events(run("smartsupp"), 10**12), 3))) == 3


def test_conversation_k_starts_k_spacings_later(vendorsim: Vendorsim) -> None:
    done = vendorsim("generate", STORY, "--vendor", "smartsupp", "--count", 3, "--spacing", "90s", "--no-vary")
    begins = [line["body"]["beginAt"] for line in done.lines[::2]]
    assert [begin - begins[0] for begin in begins] == [0, 90_000, 180_000]


def test_no_conversation_starts_after_2100(vendorsim: Vendorsim) -> None:
    done = vendorsim("generate", STORY, "--vendor", "smartsupp", "--count", 1000, "--spacing", "3650d")
    assert (done.code, done.out) == (2, "")
    assert "the last of 1000 conversations would start after 2100" in done.err


ENVIRONMENTS = [
    {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "4242", "TZ": "Asia/Kolkata", "LC_ALL": "C.UTF-8", "LANG": "ja_JP.UTF-8", "PYTHONOPTIMIZE": "1"},
]


def test_a_fresh_process_gives_the_same_bytes_whatever_its_environment(tmp_path: Path) -> None:
    (tmp_path / "made-up.yaml").write_text(MADE_UP, encoding="utf-8")
    program = (
        "import sys\n"
        "from vendorsim.cli.main import run\n"
        f"for vendor in {VENDORS}:\n"
        "    code = run(['generate', 'made-up.yaml', '--vendor', vendor, '--count', '3',"
        " '--start', '2026-01-05T09:00:00Z'])\n"
        "    code and sys.exit(code)\n"
    )
    digests = []
    for environment in ENVIRONMENTS:
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, env=os.environ | environment, capture_output=True, check=True
        )
        digests.append(hashlib.sha256(done.stdout).hexdigest())
    runs = [replace(run(vendor), vary=True) for vendor in VENDORS]
    here = b"".join(event.line() + b"\n" for of in runs for event in timeline.events(of, 3))
    assert digests == [hashlib.sha256(here).hexdigest()] * 2
