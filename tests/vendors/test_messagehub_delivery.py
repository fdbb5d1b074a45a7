"""MessageHub, profiles `observed-…`: who gets what, with which headers, and what an answer leads to."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from receiver import Connection, Receiver, Request, never, status
from vendorsim.delivery.planning import Policies
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.policy import describe

MESSAGEHUB = registry.get("messagehub")
HEAD = """
scenario: A story
vendors: [messagehub]
seed: 7
starts: 2026-01-05T09:00:00Z
cast: {visitor: {name: Dana Kessler}, agents: {ana: {name: Ana Novak}}}
steps:
"""
SIGNED = ("X-Chatwoot-Delivery", "X-Chatwoot-Timestamp", "X-Chatwoot-Signature")
SECRETS = {"webhook": "test-secret", "agent_bot": "bot secret", "api_channel": "c2VjcmV0"}
SIX = {
    "conversation_created",
    "conversation_updated",
    "conversation_status_changed",
    "message_created",
    "message_updated",
    "webwidget_triggered",
}
CONTACTS = {"contact_created", "contact_updated"}
TYPING = {"conversation_typing_on", "conversation_typing_off"}
BOT_ONLY = {"conversation_opened", "conversation_resolved"}
EVERYTHING = (
    "configure_widget: {greeting: Hi}",
    "open_widget:",
    "say: Hi",
    "typing: {by: ana}",
    "typing: {by: ana, active: false}",
    "say: {by: ana, text: Hello}",
    "edit: {message: 2, text: Hello!}",
    "contact: {updated: {email: dana@example.com}}",
    "assign: ana",
    "close: ana",
    "reopen:",
)

Play = Callable[..., Completed]


@pytest.fixture
def play(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Plays steps to targets, each a kind, its receiver and more keys of a target.

    Requests are sent one by one, so that their order can be told.
    """
    for kind, secret in SECRETS.items():
        monkeypatch.setenv(kind.upper(), secret)

    def call(
        *steps: str, targets: list[tuple[str, Receiver, str]], profile: str, more: tuple[str, ...] = ()
    ) -> Completed:
        story, config = tmp_path / "story.yaml", tmp_path / "vendorsim.yaml"
        story.write_text(HEAD + "".join(f"  - {step}\n" for step in steps), encoding="utf-8")
        lines = [
            f"    - {{url: '{to.url()}', kind: {kind}, secret_env: {kind.upper()}{keys}}}" for kind, to, keys in targets
        ]
        config.write_text("\n".join(["targets:", "  messagehub:", *lines, ""]), encoding="utf-8")
        given = ("--vendor", "messagehub", "--profile", profile, "--config", config, "--json", *IN_TURN, *more)
        return vendorsim("play", story, *given)

    return call


IN_TURN = ("--policy", "in_flight=1")


def told(target: Receiver) -> list[str]:
    return [request.json["event"] for request in target.requests]


# The policies


FOLLOWED, SEE_OTHER = "301 repeated, 302 repeated, 303 repeated, 307 repeated, 308 repeated", "303 as GET"
TABLE: list[tuple[str, str, dict[str, str]]] = [
    ("observed-2.5", "webhook", {"signing": "none", "retries": "none", "accepted": "200-207", "redirected": SEE_OTHER}),
    ("observed-2.5", "agent_bot", {"signing": "none", "retries": "none"}),
    ("observed-2.5", "api_channel", {"signing": "none", "retries": "none"}),
    ("observed-4.11.1", "webhook", {"signing": "none"}),
    ("observed-4.11.1", "agent_bot", {"signing": "none", "retries": "none", "retried": "everything"}),
    ("observed-4.11.2", "webhook", {"signing": "chatwoot", "retries": "none"}),
    ("observed-4.11.2", "agent_bot", {"signing": "none", "retries": "3s, 3s", "retried": "429 or 500"}),
    ("observed-4.11.2", "api_channel", {"signing": "chatwoot-delivery", "retries": "none"}),
    ("observed-4.12.1", "api_channel", {"signing": "chatwoot-delivery"}),
    ("observed-4.13", "webhook", {"signing": "chatwoot", "accepted": "200-207", "redirected": SEE_OTHER}),
    ("observed-4.13", "agent_bot", {"signing": "chatwoot", "retries": "3s, 3s", "retried": "429 or 500"}),
    ("observed-4.13", "api_channel", {"signing": "chatwoot", "retries": "none"}),
    ("observed-4.14", "webhook", {"signing": "chatwoot", "accepted": "200-299", "redirected": FOLLOWED}),
    ("observed-4.15", "webhook", {"retries": "none", "accepted": "200-299", "redirected": FOLLOWED}),
    ("observed-4.15", "agent_bot", {"signing": "chatwoot", "retries": "3s, 3s", "redirected": FOLLOWED}),
    ("observed-4.15", "api_channel", {"signing": "chatwoot", "retries": "none", "redirected": FOLLOWED}),
]
ALL_VERSIONS = {"connect_timeout": "5s", "read_timeout": "5s", "redirects": "10", "ordering": "none", "in_flight": "10"}


@pytest.mark.parametrize(("profile", "kind", "expected"), TABLE)
def test_policies(profile: str, kind: str, expected: dict[str, str]) -> None:
    shown = describe(Policies(MESSAGEHUB, MESSAGEHUB.profile(profile)).of(kind))
    said = {key: value["value"] for key, value in shown.items()}
    assert {key: said[key] for key in expected | ALL_VERSIONS} == expected | ALL_VERSIONS


# Who gets what


@pytest.mark.parametrize(
    ("profile", "webhook", "bot", "channel"),
    [
        (
            "observed-2.5",
            SIX,
            {"message_created", "message_updated", "webwidget_triggered"} | BOT_ONLY,
            SIX - {"webwidget_triggered"},
        ),
        (
            "observed-4.12",
            SIX | CONTACTS,
            {"message_created", "message_updated", "webwidget_triggered"} | BOT_ONLY,
            SIX - {"webwidget_triggered"} | TYPING,
        ),
        (
            "observed-4.15",
            SIX | CONTACTS,
            SIX - {"conversation_created"} | BOT_ONLY,
            SIX - {"webwidget_triggered"} | TYPING,
        ),
    ],
)
def test_each_kind_gets_its_own_events(
    play: Play, profile: str, webhook: set[str], bot: set[str], channel: set[str]
) -> None:
    with Receiver() as one, Receiver() as two, Receiver() as three:
        targets = [
            ("webhook", one, ""),
            ("agent_bot", two, ", events: [message_created]"),
            ("api_channel", three, ", events: [message_created]"),
        ]
        played = play(*EVERYTHING, targets=targets, profile=profile)
    assert played.code == 0, played.err
    assert (set(told(one)), set(told(two)), set(told(three))) == (webhook, bot, channel)


def test_an_automation_rule_calls_its_own_target_unsigned(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOMATION_RULE", "for nothing")
    with Receiver() as rule, Receiver() as webhook:
        targets = [("automation_rule", rule, ", events: [message_created]"), ("webhook", webhook, "")]
        played = play("say: Hi", targets=targets, profile="observed-4.15", more=("--fault", "quirk=automation-rule"))
    assert played.code == 0, played.err
    assert told(rule) == ["automation_event.conversation_created", "automation_event.message_created"]
    assert not {name for request in rule.requests for name in SIGNED if request.header(name)}
    assert not {event for event in told(webhook) if event.startswith("automation_event")}


@pytest.mark.parametrize("version", ["2.5", "2.14", "4.0", "4.13", "4.15"])
def test_no_kind_is_promised_an_event_that_its_version_does_not_have(version: str) -> None:
    profile = MESSAGEHUB.profile(f"observed-{version}")
    for kind in profile.target_kinds:
        assert set(kind.default or ()) <= set(profile.event_names()), kind.name


def test_typing_and_inboxes_are_for_those_who_ask(play: Play) -> None:
    asked = ["conversation_typing_on", "inbox_updated", "message_created"]
    with Receiver() as target:
        play(*EVERYTHING, targets=[("webhook", target, f", events: {asked}")], profile="observed-4.15")
    assert set(told(target)) <= set(asked)
    assert "conversation_typing_on" in told(target)


# Headers


REST_CLIENT = re.compile(r"rest-client/2\.1\.0 \(linux\S* x86_64\) ruby/\d\.\d\.\d+p\d+")


@pytest.mark.parametrize(
    ("profile", "agent"),
    [
        ("observed-2.5", REST_CLIENT),
        ("observed-3.0", REST_CLIENT),
        ("observed-4.13", REST_CLIENT),
        ("observed-4.14", re.compile("Ruby")),
        ("observed-4.15", re.compile("Ruby")),
    ],
)
def test_headers(play: Play, profile: str, agent: re.Pattern[str]) -> None:
    with Receiver() as target:
        play("say: Hi", targets=[("webhook", target, "")], profile=profile)
    request = target.requests[0]
    assert agent.fullmatch(request.header("User-Agent") or "")
    assert request.header("Content-Type") == "application/json"
    assert request.header("Accept") == "application/json"
    assert request.header("Accept-Encoding") == "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"


@pytest.mark.parametrize(
    ("profile", "webhook", "bot", "channel"),
    [
        ("observed-4.11.1", "", "", ""),
        ("observed-4.11.2", "DTS", "", "D"),
        ("observed-4.12.1", "DTS", "", "D"),
        ("observed-4.13", "DTS", "DTS", "DTS"),
        ("observed-4.15", "DTS", "DTS", "DTS"),
    ],
)
def test_delivery_id_timestamp_and_signature(play: Play, profile: str, webhook: str, bot: str, channel: str) -> None:
    with Receiver() as one, Receiver() as two, Receiver() as three:
        targets = [("webhook", one, ""), ("agent_bot", two, ""), ("api_channel", three, "")]
        assert play("say: Hi", targets=targets, profile=profile).code == 0
    found = []
    for target in (one, two, three):
        names = [name for name, _ in target.requests[0].headers if name.startswith("X-Chatwoot-")]
        found.append("".join(name.removeprefix("X-Chatwoot-")[0] for name in names))
    assert found == [webhook, bot, channel]


def hmac_sha256(key: bytes, message: bytes) -> str:
    """HMAC as RFC 2104 writes it down; no code of the program makes the expected value."""
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).hexdigest()


def is_genuine(request: Request, kind: str) -> bool:
    """The check that a receiver has to make."""
    stamp = request.header("X-Chatwoot-Timestamp") or ""
    return request.header("X-Chatwoot-Signature") == "sha256=" + hmac_sha256(
        SECRETS[kind].encode(), stamp.encode() + b"." + request.body
    )


class TestSignature:
    BODY = rb'{"event":"message_created","id":42,"content":"a \u003cb\u003e \u0026 c"}'
    GENUINE = "dc7d5f4c5ca2993060475e0ad3ad6b3ec4d1fc9d949c0528726aee132ec19a9f"

    def test_the_published_vector(self) -> None:
        assert hmac_sha256(b"test-secret", b"1700000000." + self.BODY) == self.GENUINE

    @pytest.mark.parametrize(
        ("message", "digest"),
        [
            pytest.param(BODY, "69a2479a5aba8c108145072960368d7be6c02ee58ed4f6787e5855f8b0036805", id="the-body-alone"),
            pytest.param(
                b"1700000000." + json.dumps(json.loads(BODY), separators=(",", ":")).encode(),
                "e869499566135a65a49ea446ea7f4f52c3d535a35cb295532fda23a9f93e1902",
                id="parsed-and-written-anew",
            ),
        ],
    )
    def test_the_mistakes_of_receivers_give_other_digests(self, message: bytes, digest: str) -> None:
        assert hmac_sha256(b"test-secret", message) == digest
        assert digest != self.GENUINE

    def test_each_target_is_signed_with_its_own_secret_over_the_raw_body(self, play: Play) -> None:
        with Receiver() as one, Receiver() as two, Receiver() as three:
            kinds = dict(zip(SECRETS, (one, two, three), strict=True))
            play(
                r'say: "<b> & \u2028"', targets=[(kind, to, "") for kind, to in kinds.items()], profile="observed-4.15"
            )
        for kind, target in kinds.items():
            assert target.requests
            assert all(is_genuine(request, kind) for request in target.requests)
            (message,) = (request for request in target.requests if request.json["event"] == "message_created")
            assert rb'"content":"\u003cb\u003e \u0026 \u2028"' in message.body


class TestDeliveryId:
    def test_each_url_has_its_own(self, play: Play) -> None:
        """The webhook and the API channel at one URL: everything twice (chatwoot/chatwoot#1747)."""
        with Receiver() as target:
            play("say: Hi", targets=[("webhook", target, ""), ("api_channel", target, "")], profile="observed-4.15")
        messages = [request for request in target.requests if request.json["event"] == "message_created"]
        first, second = messages
        assert first.body == second.body
        ids = [request.header("X-Chatwoot-Delivery") or "" for request in messages]
        assert len({uuid.UUID(text) for text in ids}) == 2
        assert {uuid.UUID(text).version for text in ids} == {4}
        assert is_genuine(first, "webhook")
        assert is_genuine(second, "api_channel")

    def test_a_twin_has_another(self, play: Play) -> None:
        with Receiver() as target:
            play("{say: Hi, fault: {quirk: twin}}", targets=[("webhook", target, "")], profile="observed-4.15")
        twins = [request for request in target.requests if request.json["event"] == "message_created"]
        assert twins[0].body == twins[1].body
        assert len({request.header("X-Chatwoot-Delivery") for request in twins}) == 2

    def test_it_stays_over_retries_while_timestamp_and_signature_change(self, play: Play) -> None:
        with Receiver(status(500), status(429), status(200)) as bot:
            play("say: Hi", targets=[("agent_bot", bot, "")], profile="observed-4.15", more=("--pin-clock",))
        requests = bot.requests
        assert len({request.header("X-Chatwoot-Delivery") for request in requests}) == 1
        assert len({request.body for request in requests}) == 1
        stamps = [int(request.header("X-Chatwoot-Timestamp") or 0) for request in requests]
        assert [stamp - stamps[0] for stamp in stamps] == [0, 3, 6]
        assert all(is_genuine(request, "agent_bot") for request in requests)


class TestRetries:
    @pytest.mark.parametrize(
        ("code", "tried"), [(200, 1), (400, 1), (429, 3), (500, 3), (502, 1), (503, 1), (504, 1), (410, 1)]
    )
    def test_a_bot_is_tried_again_after_429_and_500_only(self, play: Play, code: int, tried: int) -> None:
        with Receiver(status(code)) as bot:
            play("say: Hi", targets=[("agent_bot", bot, "")], profile="observed-4.15")
        assert len(bot.requests) == tried

    def test_nor_is_it_without_an_answer(self, play: Play) -> None:
        with Receiver(never) as bot:
            more = ("--policy", "read_timeout=50ms")
            play("say: Hi", targets=[("agent_bot", bot, "")], profile="observed-4.15", more=more)
        assert len(bot.requests) == 1

    @pytest.mark.parametrize("profile", ["observed-2.5", "observed-4.15"])
    def test_an_account_s_webhook_never_is(self, play: Play, profile: str) -> None:
        with Receiver(status(500)) as target:
            played = play("say: Hi", targets=[("webhook", target, "")], profile=profile)
        assert played.code == 1
        assert len(told(target)) == len(set(told(target)))

    @pytest.mark.parametrize(("profile", "code"), [("observed-4.13", 1), ("observed-4.14", 0)])
    def test_which_answers_mean_success(self, play: Play, profile: str, code: int) -> None:
        with Receiver(status(226)) as target:
            assert play("say: Hi", targets=[("webhook", target, "")], profile=profile).code == code


class TestRedirects:
    """Every receiver sends the first request on to `/there`, on its own port."""

    @pytest.mark.parametrize(
        ("profile", "code", "lines"),
        [
            *(("observed-4.13", code, ["POST /hook"]) for code in (301, 302, 307, 308)),
            ("observed-4.13", 303, ["POST /hook", "GET /there"]),
            *(("observed-4.15", code, ["POST /hook", "POST /there"]) for code in (301, 302, 303, 307, 308)),
        ],
    )
    def test_what_is_followed(self, play: Play, profile: str, code: int, lines: list[str]) -> None:
        steps, keys = "say: Hi", ", events: [message_created]"
        with Receiver(status(code, Location="/there"), status(200)) as target:
            played = play(steps, targets=[("webhook", target, keys)], profile=profile)
        assert [request.line.removesuffix(" HTTP/1.1") for request in target.requests] == lines
        assert played.code == (0 if len(lines) == 2 else 1)

    def test_what_is_repeated_is_signed_as_before(self, play: Play) -> None:
        with Receiver(status(307, Location="/there"), status(200)) as target:
            play("say: Hi", targets=[("webhook", target, ", events: [message_created]")], profile="observed-4.15")
        first, second = target.requests
        assert first.body == second.body
        assert is_genuine(second, "webhook")
        assert first.header("X-Chatwoot-Delivery") == second.header("X-Chatwoot-Delivery")

    def test_a_circle_ends_after_ten(self, play: Play) -> None:
        with Receiver(status(302, Location="/hook")) as target:
            played = play(
                "say: Hi", targets=[("webhook", target, ", events: [message_created]")], profile="observed-4.15"
            )
        assert len(target.requests) == 11
        assert played.code == 1


# What a failure changes


def updates(target: Receiver) -> list[Any]:
    return [request.json for request in target.requests if request.json["event"] == "message_updated"]


class TestApiChannel:
    def test_a_failed_message_is_marked_and_told_to_the_same_url(self, play: Play) -> None:
        with Receiver(status(200), status(500)) as target:
            play("say: Hi", targets=[("api_channel", target, "")], profile="observed-4.15")
        assert told(target) == ["conversation_created", "message_created", "message_updated"]
        (update,) = updates(target)
        assert update["content_attributes"] == {"external_error": "500 Internal Server Error"}
        assert update["message_type"] == "incoming", "whoever wrote it"
        (nested,) = update["conversation"]["messages"]
        assert (nested["id"], nested["status"]) == (update["id"], "failed")

    def test_it_goes_on_while_the_error_varies_and_ends_when_it_repeats(self, play: Play) -> None:
        answers = (status(200), status(500), status(401), status(503), status(503), status(500))
        with Receiver(*answers) as target:
            play("say: Hi", targets=[("api_channel", target, "")], profile="observed-4.15")
        errors = [update["content_attributes"]["external_error"] for update in updates(target)]
        assert errors == ["500 Internal Server Error", "401 Unauthorized", "503 Service Unavailable"]

    def test_other_targets_hear_of_it(self, play: Play) -> None:
        with Receiver(status(200), status(404), status(200)) as channel, Receiver() as webhook:
            play("say: Hi", targets=[("api_channel", channel, ""), ("webhook", webhook, "")], profile="observed-4.15")
        (update,) = updates(webhook)
        assert update["content_attributes"] == {"external_error": "404 Not Found"}

    def test_a_timeout_says_what_chatwoot_says(self, play: Play) -> None:
        with Receiver(status(200), never, status(200)) as target:
            more = ("--policy", "read_timeout=50ms")
            play("say: Hi", targets=[("api_channel", target, "")], profile="observed-4.15", more=more)
        (update,) = updates(target)
        assert update["content_attributes"] == {"external_error": "Timed out reading data from server"}

    def test_events_about_conversations_change_nothing(self, play: Play) -> None:
        with Receiver(status(500), status(200)) as target:
            play("say: Hi", targets=[("api_channel", target, "")], profile="observed-4.15")
        assert updates(target) == []

    @pytest.mark.parametrize(("profile", "count"), [("observed-3.2", 0), ("observed-3.3", 1)])
    def test_since_3_3(self, play: Play, profile: str, count: int) -> None:
        with Receiver(status(200), status(500)) as target:
            play("say: Hi", targets=[("api_channel", target, "")], profile=profile)
        assert len(updates(target)) == count


class TestAgentBot:
    STEPS = ("say: Hi", "pend", "say: Anybody?")

    def failing(self, play: Play, profile: str, *steps: str) -> tuple[list[str], list[str]]:
        """What a webhook hears after the last message while the bot refuses everything, each with its status."""
        with Receiver(status(400)) as bot, Receiver() as webhook:
            play(
                *steps,
                targets=[("webhook", webhook, f", events: {sorted(SIX)}"), ("agent_bot", bot, "")],
                profile=profile,
            )
        last = max(place for place, name in enumerate(told(webhook)) if name == "message_created")
        after = webhook.requests[last + 1 :]
        return [request.json["event"] for request in after], [request.json.get("status") for request in after]

    def test_a_pending_conversation_opens(self, play: Play) -> None:
        events, states = self.failing(play, "observed-4.15", *self.STEPS)
        assert events[-2:] == ["conversation_status_changed", "conversation_updated"]
        assert states[-2:] == ["open", "open"]

    @pytest.mark.parametrize(
        ("profile", "steps"), [("observed-4.6", STEPS), ("observed-4.15", ("say: Hi", "say: Anybody?"))]
    )
    def test_not_before_4_7_and_not_an_open_one(self, play: Play, profile: str, steps: tuple[str, ...]) -> None:
        events, _ = self.failing(play, profile, *steps)
        assert "conversation_status_changed" not in events

    @pytest.mark.parametrize(("failures", "opens"), [(2, False), (3, True)])
    def test_only_after_the_last_attempt(self, play: Play, failures: int, opens: bool) -> None:
        attempts = []

        def refuse(connection: Connection, request: Request) -> None:
            attempts.append(request.json.get("content") == "Anybody?")
            connection.send(status(500 if attempts[-1] and sum(attempts) <= failures else 200))

        with Receiver(refuse) as bot:
            play(*self.STEPS, targets=[("agent_bot", bot, "")], profile="observed-4.15")
        assert sum(attempts) == 3
        assert ("conversation_opened" in told(bot)) == opens


def test_an_account_s_failed_webhook_changes_nothing(play: Play) -> None:
    with Receiver(status(500)) as target:
        play("say: Hi", "pend", "say: Hello?", targets=[("webhook", target, "")], profile="observed-4.15")
    failing = told(target)
    with Receiver() as target:
        play("say: Hi", "pend", "say: Hello?", targets=[("webhook", target, "")], profile="observed-4.15")
    assert failing == told(target)
