"""`vendorsim play --serve`: the integration must call `end_user`, and is judged by what it calls."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from plays import attempts
from ports import free_port
from receiver import Connection, Receiver, Request, status
from stories import written

STORY = """\
scenario: Authentication in a chat
vendors: [userlike]
starts: 2026-01-05T09:00:00Z
cast: {visitor: %s}
steps:
"""
CALLED = "  - authenticate: {within: 20s}\n"
NOT_CALLED = "  - authenticate: {within: 100ms}\n"

Call = Callable[[str, dict[str, Any]], tuple[int, Any]]


@pytest.fixture
def port() -> int:
    """A free port for --serve."""
    return free_port()


class Scene:
    """A story, played with --serve while an integration behaves as told."""

    def __init__(self, vendorsim: Vendorsim, folder: Path, port: int) -> None:
        self._vendorsim = vendorsim
        self._folder = folder
        self.port = port
        self.answers: list[tuple[int, Any]] = []
        self.cast = "{identifier: crm-4711}"

    def call(self, session: object, fields: object, kind: str = "chats") -> None:
        """One call of `end_user`, as the integration makes it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Content-Type": "application/json", "Authorization": "Bearer abc"}
        connection.request("POST", f"/apps/api/v1/{kind}/{session}/end_user", json.dumps(fields), headers)
        response = connection.getresponse()
        self.answers.append((response.status, json.loads(response.read())["message"]))
        connection.close()

    def play(
        self,
        steps: str,
        *fields: object,
        on: int = 0,
        kind: str = "chats",
        count: int = 1,
        serve: bool = True,
    ) -> Completed:
        """Plays; when event number `on` arrives, the integration calls with these fields before it answers."""
        path = written(self._folder, STORY % self.cast + steps)
        session = self._vendorsim("generate", path, "--vendor", "userlike").lines[0]["conversation"]

        def answer(connection: Connection, request: Request) -> None:
            if len(target.requests) == on + 1:
                for each in fields:
                    self.call(session, each, kind)
            connection.send(status(200))

        with Receiver(answer) as target:
            serving = ("--serve", "--port", self.port) if serve else ()
            many = ("--count", count, "--concurrency", 1)
            arguments = ("--vendor", "userlike", "--to", target.url(), *serving, "--json", *many)
            played = self._vendorsim("play", path, *arguments)
        self.requests = target.requests
        return played


@pytest.fixture
def scene(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> Scene:
    monkeypatch.chdir(tmp_path)
    return Scene(vendorsim, tmp_path, port)


def authentications(played: Completed) -> list[dict[str, Any]]:
    return [line for line in played.lines if line["type"] == "authentication"]


def test_called_as_expected(scene: Scene) -> None:
    played = scene.play("  - say: Hello\n" + CALLED, {"identifier": "crm-4711"})
    assert played.code == 0
    (judged,) = authentications(played)
    assert judged == {
        "type": "authentication",
        "conversation": attempts(played)[0]["conversation"],
        "identifier": "crm-4711",
        "status": 202,
        "message": "accepted",
        "verdict": "as expected",
        "reason": None,
    }
    assert scene.answers == [(202, "accepted")]
    assert played.lines[-1]["authentications"] == {"as expected": 1}
    assert f"http://127.0.0.1:{scene.port}" in played.err


def test_not_called(scene: Scene) -> None:
    played = scene.play("  - say: Hello\n" + NOT_CALLED + "  - say: Bye\n")
    assert played.code == 1
    (judged,) = authentications(played)
    assert (judged["verdict"], judged["status"]) == ("missed", None)
    assert judged["reason"] == "end_user was not called within 0.1 s"
    assert played.lines[-1]["verdict"] == "failed"
    assert "Bye" in scene.requests[-1].body.decode(), "the story goes on"


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"identifier": "crm-1"}, (202, "accepted")),
        ({"identifier": "CRM-4711"}, (202, "accepted")),
        ({"identifier": "  "}, (400, "param is missing or the value is empty: identifier")),
        ({}, (400, "param is missing or the value is empty: identifier")),
        ([], (400, "the body is not a JSON object")),
    ],
)
def test_called_with_something_else(scene: Scene, fields: object, answer: tuple[int, str]) -> None:
    played = scene.play("  - say: Hello\n" + NOT_CALLED, fields)
    assert played.code == 1
    (judged,) = authentications(played)
    assert judged["verdict"] == "missed"
    assert judged["reason"].startswith("no call of end_user was as expected within 0.1 s; the nearest is call 1 of 1: ")
    assert (judged["status"], judged["message"]) == answer
    assert scene.answers == [answer]


def test_another_identifier_is_named(scene: Scene) -> None:
    (judged,) = authentications(scene.play("  - say: Hello\n" + NOT_CALLED, {"identifier": "crm-1"}))
    assert judged["reason"].endswith(
        "the nearest is call 1 of 1: identifier: expected 'crm-4711', found 'crm-1'; "
        "as expected: conversation, kind of session, status"
    )


TELLS = "  - say: Hello\n  - say: I am crm-4711\n"


@pytest.mark.parametrize(
    ("steps", "identifier"),
    [
        (TELLS, "crm-4711"),
        (TELLS, "616437"),
        ("  - start\n  - say: Hello\n", "crm-4711"),
        ("  - say: Hello\n  - contact: {updated: {identifier: crm-4711}}\n", "crm-4711"),
    ],
    ids=["with the right identifier", "with another one", "before he said anything", "before he filled in a form"],
)
def test_a_call_before_the_visitor_has_said_who_he_is(scene: Scene, steps: str, identifier: str) -> None:
    played = scene.play(steps + CALLED, {"identifier": identifier})
    assert played.code == 1
    (judged,) = authentications(played)
    assert (judged["verdict"], judged["status"]) == ("missed", 202)
    assert judged["reason"] == "end_user was called before the visitor had said who he is"


@pytest.mark.parametrize(
    ("steps", "event"),
    [
        (TELLS, 3),
        ("  - say: Hello\n", 0),
        ("  - start: {form: {identifier: crm-4711}}\n  - say: Hello\n", 0),
        ("  - say: Hello\n  - contact: {updated: {identifier: crm-4711}}\n", 3),
    ],
    ids=["in a message", "by a story that names nobody", "in the form before the chat", "in a form"],
)
def test_a_call_as_soon_as_he_has(scene: Scene, steps: str, event: int) -> None:
    assert scene.play(steps + CALLED, {"identifier": "crm-4711"}, on=event).code == 0


NEXT = "  - say: Thanks\n"


@pytest.mark.parametrize(
    ("steps", "fields", "shown"),
    [
        (CALLED, {"identifier": "crm-4711"}, ("Dana Kessler", "dana@example.com", "crm-4711")),
        (CALLED, {"identifier": "crm-4711", "name": "D. Kessler"}, ("D. Kessler", "dana@example.com", "crm-4711")),
        (NOT_CALLED, {"identifier": "other", "name": "Li"}, ("Li", "", "other")),
        (NOT_CALLED, {}, ("", "", None)),
        (CALLED.replace("within", "answer: duplicate, within"), {"identifier": "crm-4711"}, ("", "", None)),
    ],
    ids=["the visitor", "with a name", "somebody else", "nobody", "a refusal"],
)
def test_later_bodies_show_who_was_accepted(
    scene: Scene, steps: str, fields: dict[str, str], shown: tuple[str, str, str | None]
) -> None:
    scene.cast = "{identifier: crm-4711, name: Dana Kessler, email: dana@example.com}"
    scene.play("  - say: I am crm-4711\n" + steps + NEXT, fields)
    first, last = scene.requests[0].json, scene.requests[-1].json
    assert who(first) == ("", "", None)
    assert who(last) == shown


def who(body: dict[str, Any]) -> tuple[str, str, str | None]:
    return body["client_name"], body["client_email"], body["client_additional03_value"]


def test_a_second_and_better_call_counts(scene: Scene) -> None:
    played = scene.play("  - say: Hello\n" + CALLED, {}, {"identifier": "crm-1"}, {"identifier": "crm-4711"})
    assert played.code == 0
    assert [code for code, _ in scene.answers] == [400, 202, 202]


def test_the_step_can_name_another_identifier(scene: Scene) -> None:
    steps = "  - say: Hello\n  - authenticate: {identifier: other, within: 20s}\n"
    played = scene.play(steps, {"identifier": "other"})
    assert played.code == 0
    assert authentications(played)[0]["identifier"] == "other"


@pytest.mark.parametrize(
    ("forced", "answer"),
    [
        ("accepted", (202, "accepted")),
        ("ended", (400, "Chat is already ended")),
        ("unsupported-crm", (400, "Unsupported CRM request")),
        ("duplicate", (400, "Duplicate request: Please wait for the interval to expire")),
        ("Unsupported CRM request", (400, "Unsupported CRM request")),
        ("not-found", (404, "Not Found")),
    ],
)
def test_a_forced_answer_is_no_fault_of_the_integration(scene: Scene, forced: str, answer: tuple[int, str]) -> None:
    steps = f"  - say: Hello\n  - authenticate: {{answer: {forced}, within: 20s}}\n"
    played = scene.play(steps, {"identifier": "crm-4711"})
    assert scene.answers == [answer]
    (judged,) = authentications(played)
    assert (judged["verdict"], judged["status"], judged["message"]) == ("as expected", *answer)
    assert played.code == 0


def test_a_chat_that_the_story_closed_is_already_ended(scene: Scene) -> None:
    steps = "  - say: Hello\n  - close: {by: visitor}\n" + NOT_CALLED
    first_event_after_closing = 3
    played = scene.play(steps, {"identifier": "crm-4711"}, on=first_event_after_closing)
    assert scene.answers == [(400, "Chat is already ended")]
    assert played.code == 1
    (judged,) = authentications(played)
    assert "status: expected 202, found 400 (Chat is already ended)" in judged["reason"]


def test_a_chat_is_not_a_call(scene: Scene) -> None:
    played = scene.play("  - say: Hello\n" + NOT_CALLED, {"identifier": "crm-4711"}, kind="calls")
    assert played.code == 1


def test_many_conversations_are_judged_each(scene: Scene) -> None:
    played = scene.play("  - say: Hello\n" + NOT_CALLED, {"identifier": "crm-4711"}, count=3)
    assert [judged["verdict"] for judged in authentications(played)] == ["as expected", "missed", "missed"]
    assert played.lines[-1]["authentications"] == {"as expected": 1, "missed": 2}


def test_without_serve_it_is_not_judged(scene: Scene) -> None:
    played = scene.play("  - say: Hello\n" + NOT_CALLED, serve=False)
    assert played.code == 0
    (judged,) = authentications(played)
    assert (judged["verdict"], judged["reason"]) == ("not judged", "play with --serve to have it judged")


def test_a_port_that_is_taken(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, STORY % "{}" + "  - say: Hello\n")
    with Receiver() as target:
        arguments = ("--vendor", "userlike", "--to", target.url(), "--serve", "--port", target.port)
        refused = vendorsim("play", path, *arguments)
    assert refused.code == 3
    assert f"port {target.port} on 127.0.0.1 is in use" in refused.err
    assert target.requests == []
