"""The steps `expect_call` and `sink`: stories that are played while an integration calls APIs and sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from receiver import Connection, Receiver, Request, status
from vendorsim.testing import Played, VendorApi, play
from werkzeug.test import Client

HEAD = """\
scenario: A bot
vendors: [messagehub]
cast: {visitor: {name: Dana Kessler, email: dana@example.com, identifier: crm-4711}, agents: {ana: {}}}
steps:
"""
REPLY = {"content": "Hello Dana", "message_type": "outgoing"}

Act = Callable[["Bot", dict[str, Any]], None]


class Bot:
    """An integration that acts on each webhook as a test says, in process: no port but that of its receiver."""

    def __init__(self, api: VendorApi, act: Act) -> None:
        self.api = api
        self.http = Client(api.wsgi)
        self._act = act
        self.answers: list[int] = []

    def __call__(self, connection: Connection, request: Request) -> None:
        self._act(self, request.json)
        connection.send(status(200))

    def reply(self, event: dict[str, Any], body: Any = REPLY) -> None:
        self.post(f"/api/v1/accounts/1/conversations/{chat(event)}/messages", body)

    def post(self, path: str, body: Any) -> None:
        answer = self.http.post(path, json=body, headers={"api_access_token": "t"})
        self.answers.append(answer.status_code)


def chat(event: dict[str, Any]) -> str:
    """The id of the conversation that a webhook is about."""
    return str(event.get("conversation", event)["id"])


def says(event: dict[str, Any]) -> str:
    """What the visitor says in a webhook; empty for all others."""
    return event["content"] if event["event"] == "message_created" and event["message_type"] == 0 else ""


@pytest.fixture
def api() -> Iterator[VendorApi]:
    made = VendorApi()
    yield made
    made.state.close()


def played(api: VendorApi, steps: str, act: Act, **how: Any) -> Played:
    with Receiver(Bot(api, act)) as target:
        return play(HEAD + steps, target.url(), state=api.state, account=1, **how)


def verdicts(run: Played) -> list[str]:
    return [outcome.verdict for outcome in run.expected_calls]


def replies(times: int = 1, body: Any = REPLY) -> Act:
    def act(bot: Bot, event: dict[str, Any]) -> None:
        for _ in range(times if says(event) else 0):
            bot.reply(event, body)

    return act


QUIET = "quiet: 0s"
SHORT = "within: 50ms, quiet: 0s"


@pytest.mark.parametrize(
    ("times", "expected", "verdict"),
    [
        (0, "at least once", "missed"),
        (1, "at least once", "as expected"),
        (2, "at least once", "as expected"),
        (1, "once", "as expected"),
        (2, "once", "missed"),
        (0, "never", "as expected"),
        (1, "never", "missed"),
        (0, "at most twice", "as expected"),
        (3, "at most twice", "missed"),
        (2, "two or three", "as expected"),
        (1, "two or three", "missed"),
    ],
)
def test_how_often(api: VendorApi, times: int, expected: str, verdict: str) -> None:
    written = {
        "at least once": "{at_least: 1}",
        "at most twice": "{at_most: 2}",
        "two or three": "{at_least: 2, at_most: 3}",
    }.get(expected, expected)
    step = f"  - expect_call: {{call: messagehub.create_message, times: {written}, {SHORT}}}\n"
    run = played(api, "  - say: Hello\n" + step, replies(times))
    assert verdicts(run) == [verdict]
    assert run.passed is (verdict == "as expected")


def test_each_call_counts_for_one_step(api: VendorApi) -> None:
    step = f"  - expect_call: {{call: messagehub.create_message, times: once, {SHORT}}}\n"
    never = f"  - expect_call: {{call: messagehub.create_message, times: never, {QUIET}}}\n"
    steps = "  - say: Hello\n" + step + "  - note: {by: ana, text: Nice}\n" + never + "  - say: Bye\n" + step + never
    assert verdicts(played(api, steps, replies())) == ["as expected"] * 4


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ("{/content: Hello Dana}", None),
        ("{/content: {matches: '^Hello'}, /message_type: outgoing}", None),
        ("{/content: Hello Ana}", "/content: expected 'Hello Ana', found 'Hello Dana'; as expected: conversation"),
        ("{/private: true}", "/private: expected True, the call has none; as expected: conversation"),
        ("{/content: this.visitor.email}", "/content: expected 'dana@example.com', found 'Hello Dana'; as"),
    ],
)
def test_with_what(api: VendorApi, values: str, reason: str | None) -> None:
    step = f"  - expect_call: {{call: messagehub.create_message, with: {values}, {SHORT}}}\n"
    (outcome,) = played(api, "  - say: Hello\n" + step, replies()).expected_calls
    if reason is None:
        assert outcome.reason is None
        return
    assert outcome.reason is not None
    head = "no call of messagehub.create_message was as expected within 0.05 s; the nearest is call 1 of 1: "
    assert outcome.reason.startswith(head + reason)


def test_a_miss_names_what_came_instead(api: VendorApi) -> None:
    def act(bot: Bot, event: dict[str, Any]) -> None:
        if says(event):
            bot.post(f"/api/v1/accounts/1/conversations/{chat(event)}/toggle_status", {"status": "resolved"})

    step = f"  - expect_call: {{call: messagehub.create_message, {SHORT}}}\n"
    (outcome,) = played(api, "  - say: Hello\n" + step, act).expected_calls
    told = "messagehub.create_message was not called within 0.05 s; other calls: messagehub.toggle_status x 1"
    assert outcome.reason == told
    assert outcome.document() == {
        "type": "expected_call",
        "conversation": outcome.conversation,
        "call": "messagehub.create_message",
        "times": "at least once",
        "count": 0,
        "status": None,
        "message": None,
        "verdict": "missed",
        "reason": told,
    }


def test_a_call_for_another_conversation_does_not_count(api: VendorApi) -> None:
    """A bot that mixes up two conversations: it answers both in the first one."""
    first: list[dict[str, Any]] = []

    def act(bot: Bot, event: dict[str, Any]) -> None:
        if says(event):
            first.append(event)
            bot.reply(first[0])

    step = f"  - expect_call: {{call: messagehub.create_message, {SHORT}}}\n"
    run = played(api, "  - say: Hello\n" + step, act, count=2, concurrency=1)
    right, wrong = run.expected_calls
    assert (right.verdict, wrong.verdict) == ("as expected", "missed")
    assert wrong.reason is not None
    assert f"conversation: expected '{wrong.conversation}', found '{right.conversation}'" in wrong.reason
    assert run.summary.document()["expected_calls"] == {"as expected": 1, "missed": 1}
    assert run.summary.document()["problems"] == [f"conversation {wrong.conversation}: {wrong.reason}"]


@pytest.mark.parametrize(
    ("status_", "verdict"), [("2xx", "as expected"), ("404", "missed"), ("[404, 200]", "as expected")]
)
def test_the_answer_that_it_got(api: VendorApi, status_: str, verdict: str) -> None:
    step = f"  - expect_call: {{call: messagehub.create_message, status: {status_}, {SHORT}}}\n"
    assert verdicts(played(api, "  - say: Hello\n" + step, replies())) == [verdict]


def test_a_method_and_a_path(api: VendorApi) -> None:
    path = "POST /api/v1/accounts/{account}/conversations/{this}/messages"
    step = f"  - expect_call: {{call: '{path}', times: once, {SHORT}}}\n"
    assert verdicts(played(api, "  - say: Hello\n" + step, replies())) == ["as expected"]


def test_a_call_that_came_too_late_for_one_step_is_seen_by_the_next(api: VendorApi) -> None:
    """The second reply comes with the next event."""

    def act(bot: Bot, event: dict[str, Any]) -> None:
        if says(event) or event.get("content") == "Nice":
            bot.reply(event)

    once = f"  - expect_call: {{call: messagehub.create_message, times: once, {SHORT}}}\n"
    never = once.replace("once", "never")
    run = played(api, "  - say: Hello\n" + once + "  - note: {by: ana, text: Nice}\n" + never, act)
    assert verdicts(run) == ["as expected", "missed"]
    assert run.expected_calls[1].reason is not None
    assert run.expected_calls[1].reason.startswith(
        "messagehub.create_message was called once, expected never; the last one: "
    )


class TestSinks:
    SYNC = (
        "  - expect_call: {call: sink.crm, with: {/chat: this, /email: this.visitor.email}, times: once, "
        + SHORT
        + "}\n"
    )

    @staticmethod
    def sync(bot: Bot, event: dict[str, Any]) -> None:
        """Writes to the CRM until it is accepted, three times at most."""
        for _ in range(3 if says(event) else 0):
            bot.post("/_sinks/crm/contacts", {"chat": chat(event), "email": "dana@example.com"})
            if bot.answers[-1] < 400:
                return

    def test_are_there_when_a_story_names_them(self, api: VendorApi) -> None:
        run = played(api, "  - say: Hello\n" + self.SYNC, self.sync)
        assert verdicts(run) == ["as expected"]
        (call,) = run.calls
        assert (call.name, call.session_id) == ("sink.crm", str(run.expected_calls[0].conversation))

    def test_answer_as_a_step_says(self, api: VendorApi) -> None:
        steps = (
            "  - sink: {name: crm, answers: [{status: 503}, {status: 500}, {status: 201}]}\n  - say: Hello\n"
            f"  - expect_call: {{call: sink.crm, status: 5xx, times: {{at_least: 2, at_most: 2}}, {SHORT}}}\n"
            f"  - expect_call: {{call: sink.crm, status: 201, times: once, {SHORT}}}\n"
        )
        assert verdicts(played(api, steps, self.sync)) == ["as expected", "as expected"]

    def test_a_call_of_no_conversation_counts(self, api: VendorApi) -> None:
        def act(bot: Bot, event: dict[str, Any]) -> None:
            if says(event):
                bot.post("/_sinks/slack", {"text": "A visitor writes"})

        steps = "  - say: Hello\n  - expect_call: {call: sink.slack, times: once, " + SHORT + "}\n"
        assert verdicts(played(api, steps, act)) == ["as expected"]

    def test_a_call_of_no_conversation_from_before_this_one_began_does_not(self, api: VendorApi) -> None:
        def act(bot: Bot, event: dict[str, Any]) -> None:
            if says(event) and not bot.answers:
                bot.post("/_sinks/slack", {"text": "A visitor writes"})

        steps = "  - say: Hello\n  - expect_call: {call: sink.slack, " + SHORT + "}\n"
        assert verdicts(played(api, steps, act, count=2, concurrency=1)) == ["as expected", "missed"]


def test_without_a_served_api_it_is_not_judged() -> None:
    with Receiver() as target:
        run = play(HEAD + "  - say: Hello\n  - sink: crm\n  - expect_call: sink.crm\n", target.url())
    (outcome,) = run.expected_calls
    assert (outcome.verdict, outcome.reason) == ("not judged", "play with --serve to have it judged")
    assert run.passed


def test_the_report_tells_it(api: VendorApi) -> None:
    steps = "  - say: Hello\n  - expect_call: {call: messagehub.create_message, times: once, " + SHORT + "}\n"
    report = played(api, steps, replies(2)).report()
    assert "messagehub.create_message once for " in report
    told = " ".join(report.split())
    assert "missed: messagehub.create_message was called 2 times, expected once; the last one: messagehub" in told
    assert max(map(len, report.splitlines())) <= 100
    assert report.splitlines()[-1].endswith("0 of 1 expected calls as expected")


def test_authenticate_is_a_short_form(api: VendorApi) -> None:
    def act(bot: Bot, event: dict[str, Any]) -> None:
        if "crm-4711" in says(event):
            path = f"/apps/api/v1/chats/{chat(event)}/end_user"
            bot.http.post(path, json={"identifier": "crm-4711"}, headers={"Authorization": "Bearer t"})

    identified = "call: ccai.end_user, with: {/identifier: this.visitor.identifier}, status: 202"
    expect = f"  - expect_call: {{{identified}, {SHORT}}}\n"
    say = "  - say: I am crm-4711\n"
    short = played(api, say + "  - authenticate: {within: 50ms}\n", act)
    long = played(api, say + expect, act, seed=1)
    assert verdicts(short) == verdicts(long) == ["as expected"]
    both = played(api, say + "  - authenticate: {within: 50ms}\n" + expect, act, seed=2)
    assert verdicts(both) == ["as expected", "missed"], "the call counts for one step"
