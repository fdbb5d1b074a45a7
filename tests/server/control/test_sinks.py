"""Sinks in the control API: added, changed and removed; their calls, and those of the stories that name them."""

from __future__ import annotations

from typing import Any

import pytest
from receiver import Receiver

from control.client import Client

CRM = {
    "name": "crm",
    "answers": [{"status": 500}, {"status": 201, "body": {"id": 7}, "latency": "1ms", "headers": {"X-A": "b"}}],
}


def test_is_added_and_takes_calls(api: Client) -> None:
    created = api.done("POST", "/sinks", CRM)
    assert created == {
        "name": "crm",
        "url": created["url"],
        "answers": [
            {"status": 500, "body": {}, "latency": "0s", "headers": {}},
            {"status": 201, "body": {"id": 7}, "latency": "1ms", "headers": {"X-A": "b"}},
        ],
        "conversation": None,
        "customer": False,
    }
    assert created["url"].endswith("/_sinks/crm")
    answers = [api.request("PUT", "/_sinks/crm/contacts", {"email": "dana@example.com"}) for _ in range(2)]
    assert [answer.status for answer in answers] == [500, 201]
    assert answers[1].json == {"id": 7}
    assert api.get("/sinks") == {"items": [created]}
    calls = api.until(lambda: api.get("/calls", vendor="sink", operation="crm")["items"], lambda found: len(found) == 2)
    assert [(call["method"], call["path"], call["status"], call["body"]) for call in calls] == [
        ("PUT", "/_sinks/crm/contacts", 201, '{"email": "dana@example.com"}'),
        ("PUT", "/_sinks/crm/contacts", 500, '{"email": "dana@example.com"}'),
    ]
    assert api.get("/calls", operation="slack")["items"] == []


def test_is_changed_and_removed(api: Client) -> None:
    api.done("POST", "/sinks", CRM)
    changed = api.done("PATCH", "/sinks/crm", {"conversation": {"segment": 1}, "customer": True})
    assert (changed["conversation"], changed["customer"], len(changed["answers"])) == ({"segment": 1}, True, 2)
    assert api.done("PATCH", "/sinks/crm", {"answers": [{"status": 404}]})["conversation"] == {"segment": 1}
    assert api.request("POST", "/_sinks/crm/17").status == 404
    call = api.until(lambda: api.get("/calls", conversation="17")["items"], bool)[0]
    assert (call["vendor"], call["session"]) == ("sink", "17")
    assert api("DELETE", "/sinks/crm").status == 204
    assert api.request("POST", "/_sinks/crm/17").json == {"message": "there is no sink 'crm'"}
    assert [api(method, "/sinks/crm").status for method in ("GET", "PATCH", "DELETE")] == [404] * 3


@pytest.mark.parametrize(
    ("document", "status", "detail"),
    [
        ({"name": "crm"}, 409, "the name of the sink 'crm' is taken; choose another one"),
        ({"name": "CRM"}, 422, "/name: "),
        ({"name": "slack", "answers": []}, 422, "/answers: "),
        ({"name": "slack", "conversation": "id"}, 422, "/conversation: "),
        ({}, 422, "the body: "),
    ],
)
def test_a_wrong_one_is_refused(api: Client, document: dict[str, Any], status: int, detail: str) -> None:
    api.done("POST", "/sinks", {"name": "crm"})
    problem = api.refused("POST", "/sinks", document)
    assert problem["status"] == status
    assert problem["detail"].startswith(detail)


STORY = """\
scenario: Nobody writes to the CRM
vendors: [messagehub]
steps:
  - say: Hello
  - expect_call: {call: sink.crm, within: 50ms}
"""


def test_a_story_that_names_one_makes_it(api: Client, target: Receiver) -> None:
    run = api.play(target.url(), yaml=STORY, vendor="messagehub")
    assert run["summary"]["expected_calls"] == {"missed": 1}
    assert run["summary"]["verdict"] == "failed"
    assert [sink["name"] for sink in api.get("/sinks")["items"]] == ["crm"]


def test_answers_are_not_a_step_by_hand(api: Client, target: Receiver) -> None:
    api.play(target.url(), yaml=STORY.replace("within: 50ms", "times: never, quiet: 0s"), vendor="messagehub")
    conversation = api.get("/conversations")["items"][0]["conversation"]
    steps = {"vendor": "messagehub", "conversations": [conversation]}
    for step, told in (
        ({"sink": "crm"}, "'sink' is not a step by hand; set the answers with PATCH /sinks/crm"),
        ({"expect_call": "sink.crm"}, "'expect_call' waits for something, and can't be carried out by hand"),
    ):
        assert api.refused("POST", "/steps", {**steps, "step": step})["detail"] == told
