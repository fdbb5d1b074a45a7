"""Which conversation is whose: a function of the traffic and its number, whoever sends it."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vendorsim.delivery.play_options import Share
from vendorsim.load import traffic
from vendorsim.load.mixing import Mix, mix
from vendorsim.runs.timeline import iter_events

MIXED = """\
traffic: Mixed
scenarios:
  - {scenario: missed-chat, vendor: messagehub, weight: 3}
  - {scenario: returning-customer, vendor: messagehub}
arrivals: {process: poisson, rate: 50/s}
"""


def made(text: str) -> Mix:
    return mix(traffic.parse(text, "t.yaml"), 1_767_603_600_000)


@pytest.fixture(scope="module")
def mixed() -> Mix:
    return made(MIXED + "conversations: 400\n")


@settings(max_examples=30)
@given(st.integers(1, 60), st.sampled_from(["conversations: 100", "duration: 2s", "conversations: 90\nduration: 2s"]))
def test_shares_are_the_whole_and_nothing_twice(workers: int, limit: str) -> None:
    whole = Mix(traffic.parse(MIXED + limit, "t.yaml"), (), 0, 7)
    everything = list(whole.planned())
    shares = [list(whole.planned(Share(number, workers))) for number in range(workers)]
    assert sorted(planned for share in shares for planned in share) == everything
    assert all(planned[0] % workers == number for number, share in enumerate(shares) for planned in share)
    assert whole.count == len(everything)


def test_a_duration_ends_the_arrivals() -> None:
    whole = Mix(traffic.parse(MIXED + "duration: 20s", "t.yaml"), (), 0, 7)
    assert whole.count == pytest.approx(1_000, rel=0.15)
    assert max(planned.at for planned in whole.planned()) < 20


def test_weights_are_shares(mixed: Mix) -> None:
    chosen = Counter(mixed.choose(index) for index in range(20_000))
    assert chosen[0] == pytest.approx(15_000, rel=0.03)
    assert set(chosen) == {0, 1}


def test_the_seed_chooses(mixed: Mix) -> None:
    other = made(MIXED + "conversations: 400\nseed: 8\n")
    assert [mixed.choose(index) for index in range(100)] != [other.choose(index) for index in range(100)]


def test_ids_are_unique_over_all_scenarios_of_a_vendor(mixed: Mix) -> None:
    conversations: Counter[object] = Counter()
    messages: Counter[object] = Counter()
    for index in range(mixed.count):
        entry = mixed.entries[mixed.choose(index)]
        conversations.update({event.conversation for event in iter_events(entry.run.conversation(index))})
        bodies = [orjson.loads(event.body) for event in iter_events(entry.run.conversation(index))]
        messages.update({body["id"] for body in bodies if body["event"] == "message_created"})
    assert len(conversations) == mixed.count
    assert max(conversations.values()) == max(messages.values()) == 1
