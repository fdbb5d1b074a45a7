"""The events that each verb may cause, found by running the reactions: the kept ones, and no others."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from vendorsim.core.provenance import DOCUMENTED
from vendorsim.scenario.verbs import VERBS
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.documents import silent_verbs
from vendorsim.vendorkit.policy import Policy
from vendorsim.vendorkit.profile import Draft, EventKind, Profile
from vendorsim.vendorkit.verb_events import QUIET, TURNING, caused_by, verb_events

KEPT = json.loads((Path(__file__).parent / "verb_events.json").read_bytes())
WALKS, STEPS_PER_WALK = 40, 15


def profile_of(name: str) -> Profile:
    vendor, _, profile = name.partition(" ")
    return registry.get(vendor).profile(profile)


def test_every_listed_profile_is_kept() -> None:
    listed = {f"{name} {profile}" for name in registry.names() for profile in registry.get(name).profiles}
    assert listed <= KEPT.keys()


@pytest.mark.parametrize("name", KEPT)
def test_the_events_of_each_verb_are_the_kept_ones(name: str) -> None:
    found = verb_events(profile_of(name))
    assert {verb: sorted(events) for verb, events in found.items()} == KEPT[name]


@pytest.mark.parametrize("name", KEPT)
def test_verbs_and_events_have_a_fixed_order(name: str) -> None:
    profile = profile_of(name)
    found = verb_events(profile)
    assert list(found) == [verb for verb in VERBS if verb in found]
    assert all(list(events) == [e for e in profile.event_names() if e in events] for events in found.values())
    assert set(silent_verbs(profile)) == VERBS.keys() - found.keys()


@pytest.mark.parametrize("name", KEPT)
def test_no_walk_through_a_conversation_finds_another_event(name: str) -> None:
    """The list of situations is complete: random conversations cause no other events."""
    profile, numbers = profile_of(name), random.Random(name)
    expected = verb_events(profile)
    for _ in range(WALKS):
        steps = numbers.choices(TURNING + QUIET, k=STEPS_PER_WALK)
        for verb, events in caused_by(steps, profile):
            assert set(events) <= set(expected.get(verb, ())), steps


def test_the_steps_are_of_all_verbs_that_change_a_conversation() -> None:
    """The others wait for a call, make one or answer one, send what they spell out, or do nothing (`wait`)."""
    about_calls = {"authenticate", "emit", "expect_call", "probe", "sink", "wait"}
    assert {type(step).name for step in TURNING + QUIET} == VERBS.keys() - about_calls


def test_a_profile_without_reactions_causes_nothing() -> None:
    event = EventKind("thing", "something happens", DOCUMENTED, "a page")
    assert verb_events(Profile(name="none", title="nothing", events=(event,), policy=Policy())) == {}


def test_an_impossible_step_is_left_out() -> None:
    from vendorsim.conversation.changes import MessageAdded
    from vendorsim.scenario.verbs import Delete, Say

    profile = Profile(
        name="one",
        title="messages",
        events=(EventKind("message", "someone writes", DOCUMENTED, "a page"),),
        policy=Policy(),
        reactions={MessageAdded: lambda change, conversation, memory: [Draft("message", {})]},
    )
    assert caused_by([Say("Hi"), Delete(5), Say("Ho")], profile) == [("say", ["message"])] * 2
