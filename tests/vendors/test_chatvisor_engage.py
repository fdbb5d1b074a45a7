"""Chatvisor, profile `engage`: status changes and new subscribers, beside what the documented profile sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from command_line import Vendorsim
from hypothesis import given, settings
from hypothesis import strategies as st
from vendorsim.core.event import Event
from vendorsim.runs import library, timeline
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.verb_events import verb_events

VENDOR = registry.get("chatvisor")
CONTRACT = contracts.contract("chatvisor", "engage")

HEAD = """
scenario: A story
vendors: [chatvisor]
starts: 2026-01-05T09:00:00.250Z
conversation: {id: 71}
cast:
  visitor: {name: Dana Kessler, email: dana@example.com}
  agents: {ana: {email: ana@example.com}}
steps:
"""

NEW, CHANGE, MESSAGE, SUBSCRIBER = "new_conversation", "status_change", "new_message", "new_subscriber"


def play(*steps: str, profile: str = "engage") -> list[Event]:
    """The events of a scenario with these steps, each one a line of YAML."""
    scenario = library.load_text(HEAD + "".join(f"  - {step}\n" for step in steps), "story.yaml")
    run = timeline.Run(scenario, VENDOR, VENDOR.profile(profile), scenario.seed, scenario.starts or 0)
    return list(timeline.events(run, 1))


def told(*steps: str) -> list[str]:
    """The events in short: a status change says which status it tells."""
    return [
        json.loads(event.body)["status"] if event.name == CHANGE else event.name for event in play("say: Hi", *steps)
    ][2:]


def test_the_first_message_makes_a_customer_who_has_not_changed() -> None:
    assert [event.name for event in play("say: Hi")] == [NEW, MESSAGE]


# What comes after the first message, by what follows it.
CHANGES = [
    ([], []),
    (["say: There"], [MESSAGE]),
    (["say: {by: ana, text: Yes?}"], ["UNRESOLVED"]),
    (["say: {by: ana, text: Yes?}", "say: {by: ana, text: Well?}"], ["UNRESOLVED"]),
    (["say: {by: ana, text: Yes?}", "say: So"], ["UNRESOLVED", "UNREAD", MESSAGE]),
    (["join: ana"], ["UNRESOLVED"]),
    (["read: ana"], ["UNRESOLVED"]),
    (["read"], []),
    (["assign: ana"], []),
    (["note: Well", "label: [vip]", "rate: 5", "typing: ana"], []),
    (["snooze"], ["UNRESOLVED"]),
    (["pend"], ["UNRESOLVED"]),
    (["snooze", "reopen"], ["UNRESOLVED"]),
    (["snooze", "say: There"], ["UNRESOLVED", "UNREAD", MESSAGE]),
    (["close: visitor"], ["DONE"]),
    (["close: visitor", "close: ana"], ["DONE"]),
    (["miss"], ["DONE"]),
    (["miss", "join: ana"], ["DONE"]),
    (["close: ana", "say: Again"], ["DONE", NEW, "UNREAD", MESSAGE]),
    (["close: ana", "offline_message: Again"], ["DONE", NEW, "UNREAD", MESSAGE]),
    (["close: ana", "reopen"], ["DONE", NEW, "UNREAD"]),
    (["close: ana", "reopen", "say: So"], ["DONE", NEW, "UNREAD", MESSAGE]),
    (["close: ana", "pend"], ["DONE", "UNRESOLVED"]),
    (["contact: {created: {name: Ada}}"], [SUBSCRIBER]),
    (["contact: {updated: {name: Ada}}"], []),
]


@pytest.mark.parametrize(("steps", "expected"), CHANGES, ids=[" ".join(steps) or "nothing" for steps, _ in CHANGES])
def test_what_changes_the_status(steps: list[str], expected: list[str]) -> None:
    assert told(*steps) == expected


@pytest.mark.parametrize("step", ["start", "say: {by: ana, text: Yes?}", "join: ana", "close: ana", "miss"])
def test_before_the_customer_writes_there_is_no_status(step: str) -> None:
    assert [event.name for event in play(step, "offline_message: Hi")] == [NEW, MESSAGE]


BY_STAFF = (
    "join: ana",
    "leave: ana",
    "read: ana",
    "note: Well",
    "assign: ana",
    "snooze",
    "pend",
    "reopen",
    "close: ana",
)
BY_CUSTOMER = ("say: Hi", "read", "offline_message: Hi", "close: visitor", "miss")
STEPS = st.sampled_from(["say: {by: ana, text: Yes?}", *BY_STAFF, *BY_CUSTOMER])


@given(st.lists(STEPS, min_size=1, max_size=12))
@settings(max_examples=60)
def test_whatever_happens_the_status_that_was_told_last_is_another_one(steps: list[str]) -> None:
    status = None
    for event in play(*steps, "contact: {created: {name: Ada}}"):
        body = json.loads(event.body)
        assert CONTRACT.violations(event.name, body) == []
        if event.name == NEW:
            assert body["status"] == "UNREAD"
            assert status in (None, "DONE")
        if event.name == CHANGE:
            assert status is not None
            assert body["status"] != status
        if event.name == CHANGE or (event.name == NEW and status is None):
            status = body["status"]


@given(st.lists(STEPS, max_size=12))
@settings(max_examples=40)
def test_the_documented_profile_sends_the_same_without_the_new_webhooks(steps: list[str]) -> None:
    both = [(event.name, event.body) for event in play("say: Hi", *steps)]
    documented = [(event.name, event.body) for event in play("say: Hi", *steps, profile="documented")]
    assert documented == [one for one in both if one[0] in (NEW, MESSAGE)]


def test_the_default_profile_is_the_documented_one() -> None:
    assert VENDOR.default_profile.name == "documented"
    assert VENDOR.default_profile.event_names() == (NEW, MESSAGE)


def test_the_table_of_verbs_is_what_the_verbs_cause() -> None:
    caused: dict[str, set[str]] = {}
    for steps, _ in CHANGES:
        story = HEAD + "  - say: Hi\n" + "".join(f"  - {step}\n" for step in steps)
        scenario = library.load_text(story, "story.yaml")
        for event in timeline.events(timeline.Run(scenario, VENDOR, VENDOR.profile("engage"), 0, 0), 1):
            caused.setdefault(scenario.steps[event.step].verb.name, set()).add(event.name)
    assert caused == {verb: set(events) for verb, events in verb_events(VENDOR.profile("engage")).items()}


def test_the_bodies_to_the_letter() -> None:
    page = "start: {page: {url: 'https://www.example.com/help', title: Help}}"
    steps = (page, "say: Hi", "label: [vip]", "assign: ana", "close: ana", "contact: {created: {phone: null}}")
    _, _, change, subscriber = (json.loads(event.body) for event in play(*steps))
    assert change == {
        "customerId": "71",
        "status": "DONE",
        "lastMessage": {"test": "Hi"},
        "url": "https://www.example.com/help",
    }
    assert subscriber == {
        "id": "71",
        "externalId": None,
        "email": "dana@example.com",
        "firstname": "Dana",
        "lastname": "Kessler",
        "labels": ["vip"],
        "status": "DONE",
        "assignedUser": "ana@example.com",
        "assignedTeam": None,
    }


def test_one_subscribes_without_having_written() -> None:
    (event,) = play("contact: {created: {name: null, email: ada@example.com}}")
    body = json.loads(event.body)
    assert (event.name, body["status"], body["firstname"], body["lastname"]) == (SUBSCRIBER, None, None, None)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("Dana Kessler", "Dana", "Kessler"), ("Ana Maria Novak", "Ana Maria", "Novak"), ("Cher", "Cher", None)],
)
def test_a_name_in_two_parts(name: str, first: str, last: str | None) -> None:
    (event,) = play(f"contact: {{created: {{name: {name}}}}}")
    body = json.loads(event.body)
    assert (body["firstname"], body["lastname"]) == (first, last)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # A status change to UNREAD has the very same body as a new conversation.
        ({"customerId": "1", "status": "UNREAD", "lastMessage": {"test": "Hi"}, "url": ""}, NEW),
        ({"customerId": "1", "status": "UNRESOLVED", "lastMessage": {"test": "Hi"}, "url": ""}, CHANGE),
        ({"customerId": "1", "status": "DONE"}, CHANGE),
        ({"customerId": "1", "text": "Hi"}, MESSAGE),
        ({"id": "1", "email": "ada@example.com"}, SUBSCRIBER),
        ({"id": "1"}, None),
        ({"customerId": "1"}, None),
        ([], None),
    ],
)
def test_a_captured_body_is_told_by_its_shape(body: Any, expected: str | None) -> None:
    assert VENDOR.profile("engage").identify(body) == expected


@pytest.mark.parametrize(
    ("number", "change", "pointer"),
    [
        (2, {"status": "OPEN"}, "/status"),
        (2, {"lastMessage": None}, "/lastMessage"),
        (3, {"id": 71}, "/id"),
        (3, {"labels": "vip"}, "/labels"),
        (3, {"status": "OPEN"}, "/status"),
    ],
)
def test_what_breaks_the_contract(number: int, change: dict[str, Any], pointer: str) -> None:
    event = play("say: Hi", "close: visitor", "contact: {created: {name: Ada}}")[number]
    found = CONTRACT.violations(event.name, json.loads(event.body) | change)
    assert [violation.pointer for violation in found] == [pointer]


def test_a_target_gets_the_webhooks_that_it_is_set_up_for(vendorsim: Vendorsim) -> None:
    lines = vendorsim("generate", "returning-customer", "--vendor", "chatvisor", "--profile", "engage").lines
    assert [line["event"] for line in lines[:4]] == [NEW, MESSAGE, CHANGE, CHANGE]
    assert {line["profile"] for line in lines} == {"engage"}
