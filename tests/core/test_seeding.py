"""Randomness that is a pure function of the seed, and ids that are never shared."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st
from vendorsim.conversation.casting import Casting
from vendorsim.core.seeding import Numbers, derive, generator
from vendorsim.runs.library import load_text

START = 1_767_603_600_000


def test_derived_numbers_depend_on_every_part_and_on_the_order_of_parts() -> None:
    variants = [derive(0), derive(1), derive(0, "a"), derive(0, "a", 1), derive(0, "a", 2), derive(0, 1, "a")]
    assert len(set(variants)) == len(variants)
    assert all(0 <= number < 2**64 for number in variants)


def test_derived_numbers_are_the_same_for_ever() -> None:
    """Stored bytes of users hang on these."""
    assert derive(7, "scenario", 3) == 235136143783496520
    assert generator(7, "scenario", 3).getrandbits(32) == 3090625397


def test_generators_are_independent_of_each_other() -> None:
    first = generator(1, "x")
    expected = [first.random() for _ in range(3)]
    again, other = generator(1, "x"), generator(1, "y")
    found = [(again.random(), other.random())[0] for _ in range(3)]
    assert found == expected


@given(
    indexes=st.sets(st.integers(0, 2_000_000), min_size=2, max_size=6),
    stride=st.sampled_from([1, 64, 1024]),
    count=st.integers(1, 3_000),
)
def test_no_two_conversations_share_an_id_however_long_they_live(indexes: set[int], stride: int, count: int) -> None:
    ids = [[numbers.take() for _ in range(count)] for numbers in (Numbers(40_000, stride, i) for i in indexes)]
    flat = list(chain.from_iterable(ids))
    assert len(set(flat)) == len(flat)
    assert all(0 < number < 2**53 for number in flat)


@given(st.sets(st.integers(0, 10_000_000), min_size=2, max_size=8), st.integers(0, 2**63 - 1))
def test_conversations_of_a_run_differ_in_all_their_ids(indexes: set[int], seed: int) -> None:
    scenario = load_text("scenario: T\nvendors: [smartsupp]\nsteps: [say, close]\n", "t.yaml")
    casting = Casting(scenario, seed)
    cast = [casting.conversation(index, START) for index in indexes]
    for ids in (
        {conversation.id for conversation in cast},
        {conversation.visitor.id for conversation in cast},
        {conversation.visitor.token for conversation in cast},
        {conversation.message_ids.take() for conversation in cast},
    ):
        assert len(ids) == len(cast)
