"""CCAI Platform, profile `webhooks`: which steps send what, the bodies to the letter, and the signature on the wire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from helpdesk.body import BadBody, Body
from helpdesk.vendors.ccai import ccai
from receiver import Receiver, Request
from vendorsim.core.event import Event
from vendorsim.runs import library, timeline
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.verb_events import verb_events

VENDOR = registry.get("ccai")
PROFILE = VENDOR.profile("webhooks")
CONTRACT = contracts.contract("ccai", "webhooks")

HEAD = """
scenario: A story
vendors: [ccai]
starts: 2026-01-05T09:00:00.250Z
account: {id: 9}
conversation: {id: 4711}
cast:
  visitor: {id: 815, name: Dana Kessler}
  agents: {ana: {id: 17, name: Ana Novak}, ben: {id: 18}}
steps:
"""

MESSAGE, JOINED, LEFT, ENDED, DISMISSED, STARTED, ACCEPTED = PROFILE.event_names()


def story(*steps: str) -> str:
    return HEAD + "".join(f"  - {step}\n" for step in steps)


def play(*steps: str) -> list[Event]:
    """The events of a scenario with these steps, each one a line of YAML."""
    scenario = library.load_text(story(*steps), "story.yaml")
    run = timeline.Run(scenario, VENDOR, PROFILE, scenario.seed, scenario.starts or 0)
    return list(timeline.events(run, 1))


def bodies(*steps: str) -> list[Any]:
    return [json.loads(event.body) for event in play(*steps)]


SAY, ANSWER = "say: Hi", "say: {by: ana, text: Yes?}"
TEAM = "assign: {team: Support}"
BOTH = [MESSAGE, JOINED, MESSAGE]

STORIES = [
    pytest.param([SAY], [MESSAGE], id="the-end-user-writes"),
    pytest.param([SAY, "trigger: Hello"], [MESSAGE, MESSAGE], id="a-virtual-agent-writes"),
    pytest.param(["offline_message: Hi"], [MESSAGE], id="nobody-is-there"),
    pytest.param([SAY, "join: ana", "join: ana", ANSWER], BOTH, id="an-agent-joins-once"),
    pytest.param([SAY, ANSWER, "join: ana"], BOTH, id="who-writes-is-in"),
    pytest.param([SAY, "join: ana", "leave: ana", "leave: ana"], [MESSAGE, JOINED, LEFT], id="and-leaves-once"),
    pytest.param([SAY, "leave: ana"], [MESSAGE], id="who-was-not-there-can't-leave"),
    pytest.param([SAY, "join: ana", "close: ana"], [MESSAGE, JOINED, ENDED], id="an-agent-ends-it"),
    pytest.param([SAY, "close: visitor", "close: timeout"], [MESSAGE, ENDED], id="it-ends-once"),
    pytest.param([SAY, "miss"], [MESSAGE, ENDED], id="nobody-answered"),
    pytest.param([SAY, ANSWER, "snooze"], [*BOTH, DISMISSED], id="dismissed"),
    pytest.param([SAY, ANSWER, "snooze", SAY, ANSWER], [*BOTH, DISMISSED, *BOTH], id="dismissed-and-resumed"),
    pytest.param([SAY, ANSWER, "snooze", "reopen", "snooze"], [*BOTH, DISMISSED], id="not-twice-without-a-word"),
    pytest.param([SAY, "join: ana", "snooze"], [MESSAGE, JOINED], id="no-agent-has-written"),
    pytest.param([ANSWER, "snooze"], [JOINED, MESSAGE], id="the-end-user-has-not-written"),
    pytest.param([SAY, ANSWER, "close: ana", "snooze"], [*BOTH, ENDED], id="over-is-over"),
    pytest.param([SAY, ANSWER, "snooze", "close: timeout"], [*BOTH, DISMISSED, ENDED], id="dismissed-then-ended"),
    pytest.param(["trigger: Hello", SAY], [MESSAGE], id="no-chat-to-write-in-yet"),
    pytest.param([SAY, "say: {attachments: [a.png, b.pdf]}"], [MESSAGE] * 3, id="each-file-on-its-own"),
    pytest.param([SAY, "say: {text: See, attachments: [a.png]}"], [MESSAGE] * 3, id="text-and-file"),
    pytest.param(
        [SAY, "note: Odd", "read", "typing: visitor", "edit: {message: 1, text: Ho}", "delete: 1", "assign: ana"],
        [MESSAGE],
        id="what-webhooks-do-not-tell",
    ),
    pytest.param([SAY, TEAM, "join: ana"], [MESSAGE, STARTED, ACCEPTED, JOINED], id="a-person-is-to-take-it"),
    pytest.param(
        [SAY, TEAM, "assign: {team: Sales}", ANSWER], [MESSAGE, STARTED, ACCEPTED, JOINED, MESSAGE], id="once"
    ),
    pytest.param([SAY, "join: ana", TEAM], [MESSAGE, JOINED], id="an-agent-has-it-already"),
    pytest.param([SAY, TEAM, "close: visitor", ANSWER], [MESSAGE, STARTED, ENDED, JOINED, MESSAGE], id="nobody-came"),
    pytest.param(["start: {channel: call}", SAY, "join: ana", "close: ana"], [], id="a-call-is-no-chat"),
]


@pytest.mark.parametrize(("steps", "expected"), STORIES)
def test_the_events_of_a_story_in_order(steps: list[str], expected: list[str]) -> None:
    if not expected:
        # A story in which nothing is sent needs something that counts.
        steps = [*steps, "authenticate: {identifier: x}"]
    assert [event.name for event in play(*steps)] == expected


@pytest.mark.parametrize(("steps", "expected"), STORIES[:-1])
def test_every_body_names_itself(steps: list[str], expected: list[str]) -> None:
    keys = []
    for event in play(*steps):
        body = json.loads(event.body)
        assert PROFILE.identify(body) == body["event_type"] == event.name
        assert (event.conversation, body["chat_id"]) == (4711, 4711)
        assert PROFILE.order_key is not None
        keys.append(PROFILE.order_key(event.name, body))
    assert keys == sorted(keys)


def test_the_table_of_verbs_is_what_the_verbs_cause() -> None:
    caused: dict[str, set[str]] = {}
    for case in STORIES[:-1]:
        scenario = library.load_text(story(*case.values[0]), "story.yaml")
        for event in timeline.events(timeline.Run(scenario, VENDOR, PROFILE, 0, 0), 1):
            caused.setdefault(scenario.steps[event.step].verb.name, set()).add(event.name)
    assert caused == {verb: set(events) for verb, events in verb_events(PROFILE).items()}


AT = "2026-01-05T09:00:%02d.250Z"
ANA = {"id": 17, "name": "Ana Novak"}
DANA = {"id": 815, "type": "end_user", "status": "connected", "connected_at": AT % 0}


def ana(since: int, status: str = "connected") -> dict[str, Any]:
    return {"id": 17, "type": "agent", "status": status, "connected_at": AT % since, "agent": ANA}


def test_the_bodies_to_the_letter() -> None:
    found = bodies(
        SAY,
        "{join: ana, after: 5s}",
        "{say: {by: ana, text: '**Yes?**', content_type: markdown}, after: 3s}",
        "{leave: ana, after: 2s}",
        "{close: visitor, after: 1s}",
    )
    expected = [
        (MESSAGE, 0, {"sender": DANA, "message": {"type": "text", "content": "Hi"}}),
        (JOINED, 5, {"participant": ana(5)}),
        (MESSAGE, 8, {"sender": ana(5), "message": {"type": "markdown", "content": "**Yes?**"}}),
        (LEFT, 10, {"participant": ana(5, "disconnected"), "type": "agent", "agent": ANA}),
        (ENDED, 11, {}),
    ]
    envelopes = [
        {"event_type": name, "timestamp": AT % second, "chat_id": 4711, "body": body} for name, second, body in expected
    ]
    assert json.dumps(found) == json.dumps(envelopes), "the order of the keys too"


def test_who_comes_back_has_come_anew() -> None:
    after_leaving = bodies(SAY, "join: ana", "leave: ana", "{join: ana, after: 9s}")[-1]
    assert after_leaving["body"] == {"participant": ana(9)}
    after_dismissal = bodies(SAY, ANSWER, "snooze", "{say: Hello, after: 9s}", ANSWER)
    assert [body["body"].get("participant") for body in after_dismissal if body["event_type"] == JOINED] == [
        ana(0),
        ana(9),
    ]


def test_automatic_messages_are_a_virtual_agents() -> None:
    assert bodies(SAY, "{trigger: Hello, after: 4s}")[-1]["body"] == {
        "sender": {"id": 1_000_009, "type": "virtual_agent", "status": "connected", "connected_at": AT % 0},
        "message": {"type": "text", "content": "Hello"},
    }


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("photo.JPG", "photo"),
        ("clip.mp4", "video"),
        ("voice.mp3", "audio"),
        ("bill.pdf", "document"),
        ("README", "document"),
        ("{name: a, content_type: image/x-icon}", "photo"),
        ("{name: a.txt, content_type: audio/ogg}", "audio"),
        ("https://files.example.com/a.webm", "video"),
    ],
)
def test_a_file_is_told_by_its_kind_and_an_id(file: str, kind: str) -> None:
    message = bodies(f"say: {{by: ana, attachments: [{file}]}}")[-1]["body"]["message"]
    media_id = message.pop("media_id")
    assert message == {"type": kind, "content": {"media_id": media_id}}
    assert 0 < media_id <= 2**31


def test_ids_of_files_are_told_apart_and_stay() -> None:
    steps = ("say: {attachments: [a.png, a.png]}", "say: {text: So, attachments: [a.png]}")
    ids = [re.findall(rb'"media_id":(\d+)', event.body) for event in play(*steps)]
    assert ids[2] == [], "the text comes first, on its own"
    assert len({number for found in ids for number in found}) == 3
    assert [event.body for event in play(*steps)] == [event.body for event in play(*steps)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"event_type": "chat_ended"}, ENDED),
        ({"event_type": "ChatEndedEvent"}, None),
        ({"event_type": ["chat_ended"]}, None),
        ({"event": "chat_ended"}, None),
        (["chat_ended"], None),
    ],
)
def test_a_captured_body_is_told_by_its_event_type(body: Any, expected: str | None) -> None:
    assert PROFILE.identify(body) == expected


@pytest.mark.parametrize(
    ("steps", "change", "pointer"),
    [
        ([SAY], {"event_type": "chat_ended"}, "/event_type"),
        ([SAY], {"chat_id": "4711"}, "/chat_id"),
        ([SAY], {"timestamp": "2026-01-05 09:00:00"}, "/timestamp"),
        ([SAY], {"body": {}}, "/body"),
        ([SAY], {"body": {"sender": DANA, "message": {"type": "photo", "content": "a"}}}, "/body/message/content"),
        ([SAY], {"body": {"sender": DANA, "message": {"type": "text", "content": {}}}}, "/body/message/content"),
        ([SAY], {"body": {"sender": DANA | {"type": "bot"}, "message": {"type": "text", "content": "a"}}},
         "/body/sender/type"),
        ([SAY, "join: ana"], {"body": {}}, "/body"),
        ([SAY, "miss"], {"body": None}, "/body"),
    ],
)  # fmt: skip
def test_what_breaks_the_contract(steps: list[str], change: dict[str, Any], pointer: str) -> None:
    event = play(*steps)[-1]
    found = CONTRACT.violations(event.name, json.loads(event.body) | change)
    assert {violation.pointer for violation in found} == {pointer}


def test_how_it_is_delivered() -> None:
    event = play(SAY)[0]
    assert (event.method, event.headers) == ("POST", {"Content-Type": "application/json"})
    policy = PROFILE.policy
    assert (policy.signing.value, policy.signing.provenance) == ("ccai", "documented")
    assert {policy.accepted.provenance, policy.retries.provenance, policy.read_timeout.provenance} == {"assumed"}


def signed_with(request: Request, secret: str) -> str:
    """What a signature of that request must be, made by hand."""
    timestamp = request.header("X-Signature-Timestamp")
    assert timestamp is not None
    assert timestamp.isdigit()
    digest = hmac.new(secret.encode(), timestamp.encode() + request.body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    ("secrets", "form"),
    [
        (["one"], lambda sign: f"primary={sign('one')}"),
        (["one", "two"], lambda sign: f"primary={sign('one')} secondary={sign('two')}"),
        (["grüße ✓", "two"], lambda sign: f"primary={sign('grüße ✓')} secondary={sign('two')}"),
    ],
    ids=["one", "rotation", "not-ascii"],
)
def test_every_request_is_signed_with_each_secret(
    vendorsim: Vendorsim,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    secrets: list[str],
    form: Callable[[Callable[[str], str]], str],
) -> None:
    options = []
    for number, secret in enumerate(secrets):
        monkeypatch.setenv(f"SECRET_{number}", secret)
        options += ["--secret-env", f"SECRET_{number}"]
    file = tmp_path / "story.yaml"
    file.write_text(story("say: Grüße 👋", ANSWER, "close: ana"), encoding="utf-8")
    with Receiver() as target:
        asked = ("play", file, "--vendor", "ccai", "--profile", "webhooks", "--to", target.url())
        played = vendorsim(*asked, *options)
        assert played.code == 0, played.err
        assert len(target.requests) == 4
        for request in target.requests:
            assert request.header("X-Signature") == form(lambda secret, sent=request: signed_with(sent, secret))
            assert request.header("Content-Type") == "application/json"


def test_without_a_secret_it_is_not_played(vendorsim: Vendorsim, tmp_path: Path) -> None:
    file = tmp_path / "story.yaml"
    file.write_text(story(SAY), encoding="utf-8")
    played = vendorsim("play", file, "--vendor", "ccai", "--profile", "webhooks", "--to", "http://127.0.0.1:9/hook")
    assert played.code != 0
    assert "signing as ccai needs a secret" in played.err


def kept(*steps: str) -> list[Any]:
    return [ccai(Body(body)) for body in bodies(*steps)]


def test_the_example_helpdesk_understands_every_event() -> None:
    steps = (SAY, "join: ana", "say: {by: ana, attachments: [a.png]}", "trigger: Hello", "leave: ana", "close: ana")
    said, joined, photo, automatic, left, ended = kept(*steps)
    assert {update.conversation_id for update in (said, joined, photo, automatic, ended)} == {"4711"}
    assert [update.messages[0].author for update in (said, photo, automatic)] == ["visitor", "agent", "automatic"]
    assert said.messages[0].text == "Hi"
    assert re.fullmatch(r"photo \d+", photo.messages[0].text)
    assert [(fact.name, fact.value["id"]) for fact in joined.facts] == [("assignee", "17")]
    assert left is None
    assert [(fact.name, fact.value) for fact in ended.facts] == [("status", "closed")]
    dismissed = kept(SAY, ANSWER, "snooze")[-1]
    assert [(fact.name, fact.value) for fact in dismissed.facts] == [("status", "snoozed")]


@pytest.mark.parametrize("key", ["event_type", "timestamp", "chat_id", "body"])
def test_the_example_helpdesk_refuses_what_lacks_something(key: str) -> None:
    body = bodies(SAY)[0]
    del body[key]
    with pytest.raises(BadBody, match=key):
        ccai(Body(body))
