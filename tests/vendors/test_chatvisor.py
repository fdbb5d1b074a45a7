"""Chatvisor, profile `documented`: which steps send what, in which order, and the bodies to the letter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from vendorsim.core.event import Event
from vendorsim.runs import library, timeline
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.verb_events import verb_events

VENDOR = registry.get("chatvisor")
PROFILE = VENDOR.profile("documented")
CONTRACT = contracts.contract("chatvisor", "documented")
EXAMPLES = sorted((CONTRACT.folder / "examples").glob("*.json"))

HEAD = """
scenario: A story
vendors: [chatvisor]
starts: 2026-01-05T09:00:00.250Z
conversation: {id: 71}
cast:
  agents: {ana: {}}
steps:
"""

CONVERSATION, MESSAGE = "new_conversation", "new_message"
FIRST = [CONVERSATION, MESSAGE]


def play(*steps: str) -> list[Event]:
    """The events of a scenario with these steps, each one a line of YAML."""
    scenario = library.load_text(HEAD + "".join(f"  - {step}\n" for step in steps), "story.yaml")
    run = timeline.Run(scenario, VENDOR, PROFILE, scenario.seed, scenario.starts or 0)
    return list(timeline.events(run, 1))


def bodies(*steps: str) -> list[Any]:
    return [json.loads(event.body) for event in play(*steps)]


STORIES = [
    pytest.param(["say: Hi"], FIRST, id="first-message"),
    pytest.param(["start", "say: Hi"], FIRST, id="the-customer-is-created-by-writing"),
    pytest.param(["say: Hi", "say: There"], [*FIRST, MESSAGE], id="more"),
    pytest.param(["say: Hi", "say: {by: ana, text: Yes?}", "say: So"], [*FIRST, MESSAGE], id="agents-are-silent"),
    pytest.param(["say: {by: ana, text: Yes?}", "trigger: Hello", "say: Hi"], FIRST, id="an-agent-writes-first"),
    pytest.param(["offline_message: Hi"], FIRST, id="offline-message"),
    pytest.param(["say: Hi", "close: visitor"], FIRST, id="close-is-silent"),
    pytest.param(["say: Hi", "miss"], FIRST, id="miss-is-silent"),
    pytest.param(["say: Hi", "note: Well", "assign: ana", "rate: 5", "goal: Buy"], FIRST, id="silent-verbs"),
    pytest.param(["say: Hi", "snooze", "say: There"], [*FIRST, MESSAGE], id="snoozed-is-not-done"),
    pytest.param(["say: Hi", "close: visitor", "say: Again"], [*FIRST, *FIRST], id="done-then-unread"),
    pytest.param(["say: Hi", "miss", "say: A", "say: B"], [*FIRST, *FIRST, MESSAGE], id="announced-once"),
    pytest.param(["say: Hi", "close: ana", "reopen"], [*FIRST, CONVERSATION], id="reopened"),
    pytest.param(
        ["say: Hi", "close: ana", "reopen", "say: A"], [*FIRST, CONVERSATION, MESSAGE], id="reopened-then-more"
    ),
    pytest.param(["start", "close: ana", "reopen", "say: Hi"], FIRST, id="nobody-to-announce-yet"),
    pytest.param(["say: Hi", "close: ana", "pend"], FIRST, id="done-then-unresolved"),
]


@pytest.mark.parametrize(("steps", "expected"), STORIES)
def test_the_events_of_a_story_in_order(steps: list[str], expected: list[str]) -> None:
    assert [event.name for event in play(*steps)] == expected


@pytest.mark.parametrize(("steps", "expected"), STORIES)
def test_every_body_is_identified_by_its_shape(steps: list[str], expected: list[str]) -> None:
    for event in play(*steps):
        body = json.loads(event.body)
        assert PROFILE.identify(body) == event.name


def test_every_documented_event_is_reached() -> None:
    assert {CONVERSATION, MESSAGE} == set(PROFILE.event_names()) == set(CONTRACT.events)


def test_the_table_of_verbs_is_what_the_verbs_cause() -> None:
    caused: dict[str, set[str]] = {}
    for story in STORIES:
        scenario = library.load_text(HEAD + "".join(f"  - {step}\n" for step in story.values[0]), "story.yaml")
        for event in timeline.events(timeline.Run(scenario, VENDOR, PROFILE, 0, 0), 1):
            caused.setdefault(scenario.steps[event.step].verb.name, set()).add(event.name)
    assert caused == {verb: set(events) for verb, events in verb_events(PROFILE).items()}


def test_how_it_is_delivered() -> None:
    event = play("say: Hi")[0]
    assert (event.method, event.conversation) == ("POST", "71")
    assert event.headers == {"Content-Type": "application/json"}
    assert PROFILE.policy.accepted.value == set(range(200, 300))
    assert PROFILE.policy.accepted.provenance == "assumed"


def test_the_bodies_to_the_letter() -> None:
    page = "start: {page: {url: 'https://www.example.com/help', title: Help}}"
    conversation, message = bodies(page, "say: Hi")
    assert conversation == {
        "customerId": "71",
        "status": "UNREAD",
        "lastMessage": {"test": "Hi"},
        "url": "https://www.example.com/help",
    }
    assert message.pop("id").isdigit()
    assert message == {"customerId": "71", "text": "Hi", "createdAt": "2026-01-05T09:00:00.250Z"}


def test_a_conversation_that_is_new_again_tells_the_message_that_made_it_so() -> None:
    found = bodies("say: Hi", "say: {by: ana, text: Bye}", "close: ana", "say: Again")
    assert [body["lastMessage"]["test"] for body in found if "lastMessage" in body] == ["Hi", "Again"]


def test_a_conversation_that_the_staff_reopens_tells_the_last_public_message() -> None:
    found = bodies("say: Hi", "say: {by: ana, text: Bye}", "note: Odd", "close: ana", "reopen")
    assert found[-1]["lastMessage"] == {"test": "Bye"}


def test_a_message_with_a_file_only_tells_its_address() -> None:
    found = bodies("say: {attachments: [{name: a.pdf, url: 'https://files.example.com/a.pdf'}]}")
    assert found[0]["lastMessage"] == {"test": "https://files.example.com/a.pdf"}
    assert found[1]["text"] == "https://files.example.com/a.pdf"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"customerId": "1", "lastMessage": {"test": "Hi"}}, CONVERSATION),
        ({"customerId": "1", "status": "DONE"}, CONVERSATION),
        ({"customerId": "1", "text": "Hi"}, MESSAGE),
        ({"customerId": "1"}, None),
        ({"text": "Hi"}, None),
        ("Hi", None),
    ],
)
def test_a_captured_body_is_told_by_its_shape(body: Any, expected: str | None) -> None:
    assert PROFILE.identify(body) == expected


@pytest.mark.parametrize(
    ("number", "change", "pointer"),
    [
        (0, {"status": "OPEN"}, "/status"),
        (0, {"customerId": 71}, "/customerId"),
        (0, {"lastMessage": {"text": "Hi"}}, "/lastMessage"),
        (1, {"createdAt": "2026-01-05 09:00:00"}, "/createdAt"),
        (1, {"text": None}, "/text"),
    ],
)
def test_what_breaks_the_contract(number: int, change: dict[str, Any], pointer: str) -> None:
    event = play("say: Hi")[number]
    found = CONTRACT.violations(event.name, json.loads(event.body) | change)
    assert [violation.pointer for violation in found] == [pointer]


def test_the_slip_in_the_vendors_page_is_named_in_the_contract() -> None:
    last_message = CONTRACT.node(CONVERSATION).schema["properties"]["lastMessage"]
    assert "probably a slip" in last_message["properties"]["test"]["description"]
