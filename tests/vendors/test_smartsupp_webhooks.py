"""Smartsupp, profile `webhooks`: which steps send what, in which order; the bodies; signature and redelivery."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from command_line import Vendorsim
from helpdesk import Store
from helpdesk.body import Body
from helpdesk.vendors import VENDORS
from hypothesis import given
from hypothesis import strategies as st
from receiver import Receiver, status
from stories import vendors_of
from vendorsim.checks import forms
from vendorsim.core.event import Event
from vendorsim.runs import library, timeline
from vendorsim.scenario import Scenario
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.verb_events import verb_events
from vendorsim.vendors.smartsupp.bodies import ids

VENDOR = registry.get("smartsupp")
PROFILE = VENDOR.profile("webhooks")
HEAD = """
scenario: A story
vendors: [smartsupp]
starts: 2026-01-05T09:00:00.250Z
account: {id: 208, name: Acme}
cast:
  visitor: {name: Dana Kessler, email: EMAIL, phone: "+15550142", custom: {plan: {label: Plan, value: pro}}}
  agents:
    ana: {id: 17, name: Ana Novak, email: ana@example.com}
    ben: {id: 18}
steps:
"""
OPENED, CLOSED, CLOSED_BY_CONTACT = "conversation.opened", "conversation.closed", "conversation.closed_by_contact"
HEARD, SAID, BOT = "conversation.contact_replied", "conversation.agent_replied", "conversation.bot_replied"
DELIVERED, UNDELIVERED = "conversation.message_delivered", "conversation.message_delivery_failed"
ASSIGNED, UNASSIGNED = "conversation.agent_assigned", "conversation.agent_unassigned"
JOINED, LEFT, RATED = "conversation.agent_joined", "conversation.agent_left", "conversation.rated"
BEGIN = [OPENED, HEARD]
HI = {"text": "Hi", "created_at": "2026-01-05T09:00:00.250Z"}


def story_of(*steps: str, email: str = "dana@example.com") -> Scenario:
    """A scenario with these steps, each one a line of YAML."""
    text = HEAD.replace("EMAIL", email) + "".join(f"  - {step}\n" for step in steps)
    return library.load_text(text, "story.yaml")


def events_of(scenario: Scenario, count: int = 1) -> list[Event]:
    run = timeline.Run(scenario, VENDOR, PROFILE, scenario.seed, scenario.starts or 0)
    return list(timeline.events(run, count))


def play(*steps: str, email: str = "dana@example.com", count: int = 1) -> list[Event]:
    return events_of(story_of(*steps, email=email), count)


def bodies(*steps: str, email: str = "dana@example.com") -> list[Any]:
    return [json.loads(event.body) for event in play(*steps, email=email)]


STORIES = [
    pytest.param(["start"], [OPENED], id="start"),
    pytest.param(["say: Hi"], BEGIN, id="first-message"),
    pytest.param(["say: Hi", "say: {by: ana, text: Yes}"], [*BEGIN, SAID, DELIVERED], id="answer"),
    pytest.param(["offline_message: Hi"], BEGIN, id="offline-message"),
    pytest.param(["say: Hi", "join: ana", "leave: ana"], [*BEGIN, JOINED, LEFT], id="join-and-leave"),
    pytest.param(["say: Hi", "assign: ana"], [*BEGIN, ASSIGNED], id="assign"),
    pytest.param(["say: Hi", "assign: ana", "assign: ben"], [*BEGIN, ASSIGNED, UNASSIGNED, ASSIGNED], id="pass-on"),
    pytest.param(["say: Hi", "assign: ana", "assign: null"], [*BEGIN, ASSIGNED, UNASSIGNED], id="take-away"),
    pytest.param(["say: Hi", "assign: {team: Sales}"], BEGIN, id="a-team-is-no-agent"),
    pytest.param(["assign: ana", "rate: 5", "leave: ana", "say: Hi"], BEGIN, id="before-the-start"),
    pytest.param(["say: Hi", "close: ana"], [*BEGIN, CLOSED], id="closed-by-an-agent"),
    pytest.param(["say: Hi", "close: timeout"], [*BEGIN, CLOSED], id="closed-by-time"),
    pytest.param(["say: Hi", "close: visitor"], [*BEGIN, CLOSED_BY_CONTACT], id="closed-by-the-visitor"),
    pytest.param(["say: Hi", "miss"], [*BEGIN, CLOSED_BY_CONTACT, "visitor.disconnected"], id="missed"),
    pytest.param(["say: Hi", "close: ana", "close: ana"], [*BEGIN, CLOSED], id="close-once"),
    pytest.param(["say: Hi", "close: ana", "say: Wait"], [*BEGIN, CLOSED, *BEGIN], id="opened-by-writing"),
    pytest.param(["say: Hi", "close: ana", "reopen"], [*BEGIN, CLOSED, OPENED], id="opened-by-an-agent"),
    pytest.param(["say: Hi", "pend"], BEGIN, id="pending-is-no-event"),
    pytest.param(["say: Hi", "snooze", "reopen"], [*BEGIN, OPENED], id="woken"),
    pytest.param(["say: Hi", "rate: 5"], [*BEGIN, RATED], id="rate"),
    pytest.param(["say: Hi", "trigger: Well?"], [*BEGIN, "visitor.triggered", BOT], id="trigger"),
    pytest.param(["trigger: Hi!", "say: Hi"], ["visitor.triggered", OPENED, BOT, HEARD], id="trigger-first"),
    pytest.param(["trigger: Hi!"], ["visitor.triggered"], id="trigger-that-nobody-answers"),
    pytest.param(["open_widget", "typing"], ["visitor.connected", "visitor.typing"], id="visitor"),
    pytest.param(["say: Hi", "typing: ana"], BEGIN, id="agents-type-in-silence"),
    pytest.param(["navigate: {url: 'https://www.example.com/a'}"], ["visitor.updated"], id="page"),
    pytest.param(["contact: {created: {name: Dan}}"], ["contact.created"], id="contact"),
    pytest.param(
        ["say: Hi", "contact: {created: {name: Dan}}"],
        [*BEGIN, "contact.created", "contact.acquired"],
        id="contact-won-in-a-chat",
    ),
    pytest.param(["contact: {updated: {name: Dan}}"], ["contact.updated"], id="contact-changed"),
    pytest.param(
        [
            "say: Hi",
            "note: {by: ana, text: Well}",
            "edit: {message: 1, text: Ho}",
            "delete: 1",
            "label: [vip]",
            "attributes: {a: 1}",
            "read: ana",
            "survey: good",
            "feedback: Nice",
            "goal: bought",
            "operator: {who: ana, goes: online}",
        ],
        BEGIN,
        id="no-event",
    ),
]


@pytest.mark.parametrize(("steps", "names"), STORIES)
def test_the_order_of_events(steps: list[str], names: list[str]) -> None:
    assert [event.name for event in play(*steps)] == names


def test_a_verb_causes_what_it_is_said_to_cause() -> None:
    """Any verb that begins a conversation brings along an automatic message that waited for it."""
    begins = ["start", "say: Hi", "note: {by: ana, text: Hi}", "join: ana", "close: ana", "miss", "offline_message: Hi"]
    stories = [story.values[0] for story in STORIES] + [["trigger: Hello", begin] for begin in begins]
    stories.append(["offline_message: Hi", "say: {by: ana, text: Yes}"])
    caused: dict[str, set[str]] = {}
    for steps in stories:
        scenario = story_of(*steps, email="null")
        for event in events_of(scenario):
            caused.setdefault(type(scenario.steps[event.step].verb).name, set()).add(event.name)
    assert caused == {verb: set(names) for verb, names in verb_events(PROFILE).items()}


def test_the_envelope() -> None:
    opened, heard = bodies("say: Hi")
    assert list(opened) == ["type", "event", "timestamp", "account_id", "app_id", "data"]
    assert opened["type"] == "event_callback"
    assert opened["event"] == OPENED
    assert (opened["timestamp"], heard["timestamp"]) == ("2026-01-05T09:00:00.250Z", "2026-01-05T09:00:00.251Z")
    assert opened["account_id"] == "208"
    assert re.fullmatch("ap[0-9A-Za-z]{7}", opened["app_id"])


@pytest.mark.parametrize("name", [name for name in library.built_in() if "smartsupp" in vendors_of(name)])
def test_the_envelopes_time_tells_the_order_of_every_two_events(name: str) -> None:
    events = events_of(library.load(name))
    assert PROFILE.order_key is not None
    keys = [PROFILE.order_key(event.name, json.loads(event.body)) for event in events]
    assert all(before < after for before, after in pairwise(keys))


def test_all_events_of_a_conversation_name_it_alike() -> None:
    events = play("say: Hi", "join: ana", "say: {by: ana, text: Yes}", "close: ana", count=2)
    named = {
        (event.index, event.conversation, named)
        for event in events
        for named in re.findall(r'"co[0-9A-Za-z]{11}"', event.body.decode())
    }
    assert {(index, f'"{conversation}"') for index, conversation, _ in named} == {(i, named) for i, _, named in named}
    assert len(named) == 2


@given(numbers=st.sets(st.integers(1, 2**63), min_size=2, max_size=50))
def test_no_two_numbers_share_an_id(numbers: set[int]) -> None:
    made = {ids.conversation_id(number) for number in numbers}
    assert len(made) == len(numbers)
    assert all(re.fullmatch("co[0-9A-Za-z]{11}", one) for one in made)


@pytest.mark.parametrize(
    ("step", "extras"),
    [
        ("close: ana", {"close_type": "agent_close", "agent_id": "17"}),
        ("close: timeout", {"close_type": "timeout_close", "agent_id": None}),
        ("close: visitor", {}),
        ("rate: {score: 4, comment: Fine}", {"rating_value": 4, "rating_text": "Fine"}),
        ("rate: 2", {"rating_value": 2, "rating_text": None}),
        ("assign: ana", {"assigned": "17", "assigned_by": "17"}),
    ],
)
def test_what_stands_beside_the_conversation(step: str, extras: dict[str, Any]) -> None:
    *_, last = bodies("say: Hi", step)
    data = last["data"]
    assert {key: value for key, value in data.items() if key != "conversation"} == extras
    assert data["conversation"]["id"].startswith("co")


def test_a_quirk_sends_the_rating_under_its_other_name() -> None:
    *_, last = bodies("say: Hi", "{rate: {score: 4, comment: Fine}, fault: {quirk: rating-value-as-rating}}")
    assert (last["data"]["rating"], last["data"]["rating_text"]) == (4, "Fine")
    assert "rating_value" not in last["data"]
    update = VENDORS["smartsupp"](Body(last))
    assert update is not None
    assert 4 in [fact.value for fact in update.facts if fact.name == "rating"]


@pytest.mark.parametrize("name", ["rating", "rating_value"])
def test_of_the_two_names_of_a_rating_one_is_required(name: str) -> None:
    *_, body = bodies("say: Hi", "rate: 4")
    contract = contracts.contract("smartsupp", "webhooks")
    body["data"][name] = body["data"].pop("rating_value")
    assert contract.is_valid(RATED, body)
    required = [field.path for field in forms.fields(body, contract.node(RATED)) if field.required]
    assert ("data", name) in required
    del body["data"][name]
    assert not contract.is_valid(RATED, body)


@pytest.mark.parametrize("step", ["join: ana", "leave: ana"])
def test_who_comes_and_goes_is_told_by_ids_alone(step: str) -> None:
    opened, _, told = bodies("say: Hi", step)
    assert told["data"] == {"conversation_id": opened["data"]["conversation"]["id"], "agent_id": "17"}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], {"status": "open", "unread": True, "is_served": False, "finished_at": None, "assigned_ids": []}),
        (["join: ana", "rate: 3"], {"unread": False, "is_served": True, "agent_ids": ["17"]}),
        (["say: {by: ana, text: Yes}", "say: So"], {"unread": True, "is_served": True}),
        (["say: So", "read: ana", "rate: 3"], {"unread": False, "is_served": False}),
        (["assign: ben"], {"assigned_ids": ["18"]}),
        (["label: [vip]", "attributes: {a: 1}", "rate: 3"], {"tags": ["vip"], "variables": {"plan": "pro", "a": 1}}),
        (["rate: {score: 4, comment: Fine}"], {"rating_value": 4, "rating_text": "Fine"}),
        (["pend", "rate: 3"], {"status": "pending"}),
        (["close: ana"], {"status": "closed", "finished_at": "2026-01-05T09:00:00.250Z"}),
        (["note: {by: ana, text: Secret}", "rate: 3"], {"last_message": HI}),
    ],
)
def test_the_conversation_says_how_it_is_at_that_moment(steps: list[str], expected: dict[str, Any]) -> None:
    *_, last = bodies("say: Hi", *steps)
    conversation = last["data"]["conversation"]
    assert {key: conversation[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("before", "email", "name", "delivery"),
    [
        pytest.param(["say: Hi"], "dana@example.com", DELIVERED, (None, "delivered"), id="in-the-chat"),
        pytest.param(["offline_message: Hi"], "dana@example.com", DELIVERED, ("email", "delivered"), id="by-e-mail"),
        pytest.param(["offline_message: Hi"], "null", UNDELIVERED, (None, "failed"), id="no-address"),
        pytest.param(["say: Hi", "close: visitor"], "null", UNDELIVERED, (None, "failed"), id="gone"),
        pytest.param(["offline_message: Hi", "say: Back"], "null", DELIVERED, (None, "delivered"), id="back-again"),
    ],
)
def test_what_becomes_of_an_answer(before: list[str], email: str, name: str, delivery: tuple[Any, str]) -> None:
    *_, said, outcome = bodies(*before, "say: {by: ana, text: Yes}", email=email)
    assert (said["event"], outcome["event"]) == (SAID, name)
    assert said["data"]["message"]["delivery_status"] is None
    message = outcome["data"]["message"]
    assert (message["delivery_to"], message["delivery_status"]) == delivery
    assert (message["delivered_at"] is not None) == (name == DELIVERED)
    assert message["id"] == said["data"]["message"]["id"]


def test_how_long_the_visitor_waited() -> None:
    told = bodies(
        "say: Hi",
        "{say: There?, after: 5s}",
        "{say: {by: ana, text: Yes}, after: 6516ms}",
        "{say: {by: ana, text: Sorry}, after: 1s}",
        "{say: OK, after: 1s}",
        "{say: {by: ana, text: Fine}, after: 3s}",
    )
    answers = [body["data"]["message"] for body in told if body["event"] == SAID]
    keys = ("is_reply", "is_first_reply", "response_time")
    assert [tuple(message[key] for key in keys) for message in answers] == [
        (True, True, 11),
        (False, False, None),
        (True, False, 3),
    ]


@pytest.mark.parametrize(
    ("step", "content", "files"),
    [
        ("say: Hi", {"type": "text", "text": "Hi"}, []),
        ("say: {attachments: [a.png]}", {"type": "upload", "text": None}, ["a.png"]),
        ("say: {text: See, attachments: [a.png, b.pdf]}", {"type": "text", "text": "See"}, ["a.png", "b.pdf"]),
    ],
)
def test_the_content_of_a_message(step: str, content: dict[str, Any], files: list[str]) -> None:
    message = bodies(step)[-1]["data"]["message"]
    assert message["content"] == content
    assert [file["file_name"] for file in message["attachments"]] == files


def test_a_visitor_without_an_address_is_no_contact_until_one_is_made() -> None:
    opened, *_, created, acquired, closed = bodies(
        "say: Hi", "contact: {created: {email: dan@example.com}}", "close: ana", email="null"
    )
    assert opened["data"]["conversation"]["contact_id"] is None
    contact = created["data"]["contact"]
    assert contact == acquired["data"]["contact"]
    assert (contact["email"], contact["properties"]) == ("dan@example.com", {"plan": "pro"})
    assert closed["data"]["conversation"]["contact_id"] == contact["id"]


def test_each_profile_knows_its_own_bodies() -> None:
    (event, *_) = bodies("say: Hi")
    story = library.load("missed-chat")
    (hook,) = timeline.events(timeline.Run(story, VENDOR, VENDOR.default_profile, 0, 0), 1)
    documented = VENDOR.default_profile
    assert (PROFILE.identify(event), documented.identify(event)) == (OPENED, None)
    assert (PROFILE.identify(json.loads(hook.body)), documented.identify(json.loads(hook.body))) == (None, "post_hook")
    assert PROFILE.identify(event | {"event": "conversation.exploded"}) is None
    assert PROFILE.identify([event]) is None


def test_what_is_said_of_an_event_beyond_what_is_known_is_told_as_assumed() -> None:
    """The page names events with a few words, the live receiver hardly more."""
    known = {event.name for event in PROFILE.events if "assumed" not in event.source}
    people = {f"conversation.agent_{what}" for what in ("assigned", "unassigned", "joined", "left", "replied")}
    assert known == people | {"conversation.rated", "contact.created", "contact.updated"}


# On the wire.

SECRET = "an app's secret: ključ"


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """As RFC 2104 writes it down."""
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()


@pytest.fixture
def deliver(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Receiver], list[Any]]:
    """Plays a short story at an integration; gives the attempts."""
    monkeypatch.setenv("APP_SECRET", SECRET)
    story = tmp_path / "story.yaml"
    story.write_text("scenario: Hi\nvendors: [smartsupp]\nsteps: [say: Grüße 👋]\n", encoding="utf-8")

    def played(target: Receiver) -> list[Any]:
        place = ("--vendor", "smartsupp", "--profile", "webhooks", "--to", target.url(), "--secret-env", "APP_SECRET")
        return [line for line in vendorsim("play", story, *place, "--json").lines if line["type"] == "attempt"]

    return played


@pytest.mark.parametrize("code", [200, 204, 299])
def test_every_delivery_is_signed_over_its_raw_body_and_any_2xx_takes_it(
    deliver: Callable[[Receiver], list[Any]], code: int
) -> None:
    with Receiver(status(code)) as target:
        attempts = deliver(target)
    assert [attempt["verdict"] for attempt in attempts] == ["delivered", "delivered"]
    assert ["Grüße 👋".encode() in body for body in target.bodies] == [False, True]
    for request in target.requests:
        assert request.header("X-Smartsupp-Hmac") == hmac_sha256(SECRET.encode(), request.body).hex()
        assert request.header("Content-Type") == "application/json"


def test_anything_else_is_delivered_again_as_it_was(deliver: Callable[[Receiver], list[Any]]) -> None:
    with Receiver(status(403), status(302), status(500), status(200)) as target:
        attempts = deliver(target)
    assert [attempt["status"] for attempt in attempts].count(200) == 2
    assert sorted(attempt["status"] for attempt in attempts) == [200, 200, 302, 403, 500]
    sent = {(request.header("X-Smartsupp-Hmac"), request.body) for request in target.requests}
    assert len(sent) == 2, "the same body and the same signature each time"


def test_what_the_policy_is_known_from(vendorsim: Vendorsim) -> None:
    _, webhooks = vendorsim("vendors", "smartsupp", "--json").json["profiles"][:2]
    stated = {key: webhooks["policy"][key]["provenance"] for key in ("accepted", "retries", "signing", "read_timeout")}
    assert stated == {
        "accepted": "documented",
        "retries": "assumed",
        "signing": "documented",
        "read_timeout": "assumed",
    }
    assert webhooks["policy"]["signing"]["value"] == "smartsupp"


# The helpdesk, as the model of an integration.


def ticket(folder: Path, name: str, told: list[Any]) -> Any:
    store = Store(folder / f"{name}.sqlite")
    for body in told:
        update = VENDORS["smartsupp"](Body(body))
        if update is not None:
            store.apply("smartsupp", update)
    (found,) = store.tickets(10)
    store.close()
    return found


@pytest.mark.parametrize(
    "name",
    ["reopened-chat", "forwarded-chat", "labels-and-attributes", "angry-rating-with-survey", "proactive-trigger"],
)
def test_the_helpdesks_ticket_is_the_same_in_any_order_and_with_duplicates(tmp_path: Path, name: str) -> None:
    told = [json.loads(event.body) for event in events_of(library.load(name))]
    expected = ticket(tmp_path, "plain", told)
    assert expected["status"] == "closed"
    assert len(expected["messages"]) >= 2
    random = Random(name)
    for number in range(5):
        mixed = random.choices(told, k=3) + random.sample(told, len(told))
        assert ticket(tmp_path, f"mixed-{number}", mixed) == expected
