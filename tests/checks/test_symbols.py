"""Generated ids get names, states are compared, and stories are put out of order: the pure core of the state checks."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorsim.checks.conversation_factory import MOST, ConversationFactory
from vendorsim.checks.differences import differences, pattern, without
from vendorsim.checks.orders import all_twice, at_once, backwards, later, shuffled, swapped, swaps, tells_order
from vendorsim.checks.stories import Stories
from vendorsim.checks.symbols import symbolic, symbols
from vendorsim.core.errors import InputError
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.vendor import Vendor

STARTS = 1_767_607_200_000
VENDORS = ("userlike", "smartsupp", "messagehub", "chatvisor")


def conversation_factory(vendor: Vendor, seed: int = 0) -> ConversationFactory:
    return ConversationFactory(Stories(vendor, vendor.default_profile, seed, STARTS), lambda event: True)


@pytest.mark.parametrize(
    ("mine", "other", "names"),
    [
        ({"id": 4711}, {"id": 4712}, {"4711": "<0/id>"}),
        ({"id": "aB3"}, {"id": "xY9"}, {"aB3": "<0/id>"}),
        ({"from": "visitor:aB3"}, {"from": "visitor:xY9"}, {"aB3": "<0/from>"}),
        ({"a": {"b/c": [1, 20]}}, {"a": {"b/c": [1, 21]}}, {"20": "<0/a/b~1c/1>"}),
        ({"id": 7, "mail": "v-7@example.com"}, {"id": 8, "mail": "v-8@example.com"}, {"7": "<0/id>"}),
        ({"key": "12-34"}, {"key": "56-78"}, {"12": "<0/key>", "34": "<0/key#1>"}),
        ({"key": "12-34"}, {"key": "56"}, {"12-34": "<0/key>"}),
        ({"7": {"text": "Hello"}}, {"8": {"text": "Hello"}}, {"7": "<0/key>"}),
        ({"text": "Hello", "on": True, "none": None}, {"text": "Hello", "on": True, "none": None}, {}),
        ({"id": 7, "assignee": {"id": 3}}, {"id": 8}, {"7": "<0/id>"}),
        ({"id": 7}, {"assignee": {"id": 3}, "id": 8}, {"7": "<0/id>"}),
        ({"seen": [7, 9]}, {"seen": [8]}, {"7": "<0/seen/0>"}),
    ],
)
def test_what_differs_in_the_bodies_of_two_conversations_is_a_generated_id(
    mine: Any, other: Any, names: dict[str, str]
) -> None:
    assert symbols([mine], [other]) == names


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (4711, "<id>"),
        ("4711", "<id>"),
        ({"4711": {"url": "/chats/4711?x=T4711"}}, {"<id>": {"url": "/chats/<id>?x=T<id>"}}),
        (["47110", 47110, "14711", 4711.5, True, None], ["47110", 47110, "14711", 4711.5, True, None]),
        ("visitor:aB3 aB34 xaB3", "visitor:<token> aB34 xaB3"),
        ("4711-2", "<longer>"),
    ],
)
def test_ids_are_replaced_wherever_they_stand_but_not_inside_others(state: Any, expected: Any) -> None:
    assert symbolic(state, {"4711": "<id>", "aB3": "<token>", "4711-2": "<longer>"}) == expected


IDS = st.lists(st.integers(10_000, 10**9).map(str), min_size=3, max_size=3, unique=True)
PLACES = st.sampled_from(["{0}", "{1}", "ticket {2} of {0}", "/c/{1}/", "words", "{0}-{0}", "x{2}"])
STATES = st.recursive(
    PLACES | st.booleans() | st.none() | st.integers(0, 99),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLACES, inner, max_size=3),
    max_leaves=12,
)


def filled(template: Any, ids: list[str]) -> Any:
    if isinstance(template, dict):
        return {key.format(*ids): filled(value, ids) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(item, ids) for item in template]
    if template == "{0}":
        return int(ids[0])
    return template.format(*ids) if isinstance(template, str) else template


@given(STATES, IDS, IDS)
def test_states_that_differ_in_ids_only_become_equal(template: Any, mine: list[str], others: list[str]) -> None:
    names = {text: f"<{number}>" for number, text in enumerate(mine)}
    other_names = {text: f"<{number}>" for number, text in enumerate(others)}
    first, second = symbolic(filled(template, mine), names), symbolic(filled(template, others), other_names)
    assert first == second
    assert not list(differences(first, second))
    assert symbolic(first, names) == first


@given(STATES, STATES)
def test_two_states_differ_exactly_when_a_difference_is_told(one: Any, other: Any) -> None:
    same = orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
    assert bool(list(differences(one, other))) is not same


@pytest.mark.parametrize(
    ("expected", "found", "sent"),
    [
        ({"status": "closed"}, {"status": "open"}, '/status is "open" instead of "closed"'),
        ({"m": [1, 2]}, {"m": [1, 2, 2, 1]}, "/m has 4 items instead of 2"),
        ({"m": [1, 2]}, {"m": [2, 1]}, "/m has its items in another order"),
        ({"m": [{"a": 1}, 2]}, {"m": [{"a": 3}, 2]}, "/m/0/a is 3 instead of 1"),
        ({"a": 1}, {}, "/a is missing"),
        ({}, {"a": 1}, "/a is there, as 1"),
        (1, True, " is true instead of 1"),
    ],
)
def test_a_difference_is_told_where_it_is(expected: Any, found: Any, sent: str) -> None:
    (difference,) = differences(expected, found)
    assert f"{difference.pointer} {difference.what}" == sent


def test_long_values_are_shown_in_part() -> None:
    (difference,) = differences("", "x" * 10_000)
    assert len(difference.found) < 250


LONG = "The same beginning of a long text, which is no news. " * 3


@pytest.mark.parametrize(
    ("expected", "found", "shown"),
    [
        ([1, 2], [1, 2, 2, 1], ("2 items", "4 items, with 1, 2")),
        ([1, 2, 3], [2], ("3 items, with 1, 3", "1 item")),
        ([{"a": 1}], [{"b": 1}, {"a": 1}], ("1 item", '2 items, with {"b":1}')),
        (["a", "b", "a"], ["b", "a", "a"], ("items 1, 2, 3", "items 2, 1, 3")),
        (f"{LONG}open", f"{LONG}closed", ('"…, which is no news. open"', '"…, which is no news. closed"')),
        ("open", "closed", ('"open"', '"closed"')),
    ],
)
def test_only_what_differs_is_shown(expected: Any, found: Any, shown: tuple[str, str]) -> None:
    (difference,) = differences(expected, found)
    assert (difference.expected, difference.found) == shown


def test_the_same_place_of_all_items_is_one_pattern() -> None:
    state = {"messages": [{"at": 1}, {"at": 2}], "by": {"<0/id>": 1}}
    other = {"messages": [{"at": 3}, {"at": 4}], "by": {"<0/id>": 2}}
    assert {difference.pattern for difference in differences(state, other)} == {"/messages/*/at", "/by/*"}


@pytest.mark.parametrize(
    ("pointers", "left"),
    [
        (["/a"], {"m": [{"at": 1, "x": 2}, {"at": 3}], "b/c": 4}),
        (["/m/*/at"], {"a": 1, "m": [{"x": 2}, {}], "b/c": 4}),
        (["/m/1"], {"a": 1, "m": [{"at": 1, "x": 2}, None], "b/c": 4}),
        (["/b~1c", "/m"], {"a": 1}),
        (["/*"], {}),
        (["/nowhere/at/all"], {"a": 1, "m": [{"at": 1, "x": 2}, {"at": 3}], "b/c": 4}),
    ],
)
def test_what_is_ignored_is_left_out(pointers: list[str], left: Any) -> None:
    state = {"a": 1, "m": [{"at": 1, "x": 2}, {"at": 3}], "b/c": 4}
    assert without(state, map(pattern, pointers)) == left


def test_a_pointer_starts_with_a_slash() -> None:
    with pytest.raises(InputError, match="'updated_at' is not a JSON pointer; write it like /updated_at"):
        pattern("updated_at")


def test_repetitions() -> None:
    assert later(3, [0, 2]) == (0, 1, 2, 2, 0)
    assert all_twice(3, [0, 2]) == (0, 1, 2, 0, 2)
    assert at_once(3, [0, 2]) == (0, 0, 1, 2, 2)


def test_only_what_is_told_to_be_older_may_be_overtaken() -> None:
    keys = [None, 1, 2, 2, 3, None]
    assert swaps(keys) == [1, 3]
    assert swapped(6, 3) == (0, 1, 2, 4, 3, 5)
    assert backwards(keys) == (0, 4, 2, 3, 1, 5)


@given(st.lists(st.none() | st.integers(0, 5), max_size=9), st.integers())
def test_no_delivery_is_overtaken_by_one_that_does_not_tell_it_is_newer(keys: list[int | None], seed: int) -> None:
    for order in (backwards(keys), shuffled(keys, Random(seed))):
        assert sorted(order) == list(range(len(keys)))
        places = {number: place for place, number in enumerate(order)}
        for number in range(len(keys)):
            for before in range(number):
                assert places[before] < places[number] or tells_order(keys[before], keys[number])


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("seed", [0, 1, 77])
def test_a_story_is_told_again_alike_in_everything_but_the_ids(name: str, seed: int) -> None:
    factory = conversation_factory(registry.get(name), seed)
    stories = list(factory.choose_stories().values())
    assert 3 <= len(stories) <= MOST
    for story in stories:
        one, other = factory.create(story), factory.create(story)
        names, other_names = symbols(one.bodies, other.bodies), symbols(other.bodies, one.bodies)
        assert symbolic(list(one.bodies), names) == symbolic(list(other.bodies), other_names)
        assert one.conversation_id != other.conversation_id
        assert one.conversation_id in names
        assert names.keys().isdisjoint(other_names)
        assert all(len(text) >= 6 for text in names), names
        assert all(int(found) < 2**31 for text in names for found in re.findall(r"^\d+$", text))


@pytest.mark.parametrize("name", VENDORS)
def test_the_stories_hold_all_events_of_the_vendor(name: str) -> None:
    vendor = registry.get(name)
    factory = conversation_factory(vendor)
    sent = {event.name for story in factory.choose_stories().values() for event in factory.create(story).events}
    assert sent == set(vendor.default_profile.event_names())


@pytest.mark.parametrize("name", ["userlike", "messagehub", "chatvisor"])
def test_times_in_bodies_never_contradict_the_order_of_the_events(name: str) -> None:
    factory = conversation_factory(registry.get(name))
    for story in factory.choose_stories().values():
        keys = [key for key in factory.create(story).keys if key is not None]
        assert keys == sorted(keys)
        assert len(set(keys)) > 1
