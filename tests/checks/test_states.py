"""The same story, played plainly and in other ways, has to end in the same state: `check` against small desks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Timer
from typing import Any

import pytest
from command_line import Vendorsim
from flask import Flask, jsonify, request
from helpdesk import Store, create_app
from thorough import few_of
from vendorsim.testing.app_server import app_server

FAMILIES = ("idempotent", "order_tolerant", "retry_safe", "isolated")
REPEATED = {"idempotent.later", "idempotent.all_twice", "retry_safe"}
REORDERED = {"order_tolerant.swapped", "order_tolerant.shuffled"}

Chats = dict[str, dict[str, Any]]
Keep = Callable[[Chats, dict[str, Any]], int | None]


def sorts(chats: Chats, body: dict[str, Any]) -> None:
    """The correct desk: a message is what its id says it is, and stands where its time says."""
    chat = chats.setdefault(body["customerId"], {"link": f"/chats/{body['customerId']}", "messages": []})
    if "text" in body:
        messages = {item["id"]: item for item in [*chat["messages"], body]}
        chat["messages"] = sorted(messages.values(), key=lambda item: (item["createdAt"], item["id"]))


def sorts_by_key(chats: Chats, body: dict[str, Any]) -> None:
    """Correct too, with ids in keys, in texts and as numbers."""
    chat = chats.setdefault(body["customerId"], {})
    if "text" in body:
        chat[f"message {body['id']}"] = [
            int(body["customerId"]),
            body["text"],
            f"#{body['id']} of {body['customerId']}",
        ]


def appends(chats: Chats, body: dict[str, Any]) -> None:
    chat = chats.setdefault(body["customerId"], {"messages": []})
    if "text" in body:
        chat["messages"].append(body["text"])


def counts(chats: Chats, body: dict[str, Any]) -> None:
    chat = chats.setdefault(body["customerId"], {"deliveries": 0})
    chat["deliveries"] += 1


def ignores_the_last_one_again(chats: Chats, body: dict[str, Any]) -> None:
    chat = chats.setdefault(body["customerId"], {"messages": []})
    if "text" in body and chats.get("last") != {"id": body["id"]}:
        chats["last"] = {"id": body["id"]}
        chat["messages"] = sorted([*chat["messages"], body["createdAt"]])


def keeps_order_of_arrival(chats: Chats, body: dict[str, Any]) -> None:
    chat = chats.setdefault(body["customerId"], {"messages": []})
    if "text" in body and body["id"] not in chat["messages"]:
        chat["messages"].append(body["id"])


def writes_into_the_current_one(chats: Chats, body: dict[str, Any]) -> None:
    if "status" in body:
        chats["current"] = {"id": body["customerId"]}
    sorts(chats, {**body, "customerId": chats["current"]["id"]} if "text" in body else body)


def conflicts(chats: Chats, body: dict[str, Any]) -> int | None:
    known = chats.get(body["customerId"], {}).get("messages", [])
    sorts(chats, body)
    return 409 if body in known else None


def crashes_on_what_it_knows(chats: Chats, body: dict[str, Any]) -> int | None:
    return 500 if conflicts(chats, body) else None


def refuses_gaps(chats: Chats, body: dict[str, Any]) -> int | None:
    """Correct, for Userlike: what says more than one new thing is refused, until the rest has come."""
    if "messages" not in body:
        return None
    chat = chats.setdefault(str(body["id"]), {"messages": []})
    fresh = body["messages"][len(chat["messages"]) :]
    if len(fresh) > 1:
        return 503
    chat["messages"] += fresh
    return None


def has_a_number_of_its_own(chats: Chats, body: dict[str, Any]) -> None:
    sorts(chats, body)
    chat = chats[body["customerId"]]
    chat.setdefault("number", len(chats))
    for item in chat["messages"]:
        item.setdefault("stored/at", time.time_ns())


def stamps_seconds(chats: Chats, body: dict[str, Any]) -> None:
    sorts(chats, body)
    chats[body["customerId"]]["updated_at"] = int(time.time())


@contextmanager
def desk(keep: Keep, lag: float = 0.0) -> Iterator[str]:
    """A desk for Chatvisor; with a lag (seconds) it answers first and keeps later."""
    app, chats, lock, timers = Flask("desk"), Chats(), Lock(), list[Timer]()

    def kept(body: dict[str, Any]) -> int | None:
        with lock:
            return keep(chats, body)

    @app.post("/hook")
    def hook() -> tuple[str, int]:
        body = request.get_json()
        if not lag:
            return "", kept(body) or 200
        timers.append(Timer(lag, kept, (body,)))
        timers[-1].start()
        return "", 200

    @app.get("/chats/<number>")
    def chat(number: str) -> Any:
        with lock:
            return (jsonify(chats[number]), 200) if number in chats else ("", 404)

    @app.get("/empty/<number>")
    def empty(number: str) -> Any:
        return jsonify(messages=[])

    with app_server(app) as server:
        yield server.url
    for timer in timers:
        timer.join()


@pytest.fixture
def checked(vendorsim: Vendorsim, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Runs the four families against a desk, and gives the document."""
    config = tmp_path / "vendorsim.yaml"
    left_out = ("accepts", "tolerates", "rejects", "authenticates", "calls_api", "fuzz")
    left_out += ("effects", "concurrent", "isolated.foreign", "recovers")
    skips = [{"check": family, "reason": "another test", "until": "2999-12-31"} for family in left_out]
    config.write_text(json.dumps({"checks": {"skip": skips}}))

    def run(url: str, *options: object, vendor: str = "chatvisor", probe: str | None = "/chats/") -> dict[str, Any]:
        shown = ["--probe", f"{url}{probe}{{conversation_id}}"] if probe else []
        hook = url if "/hooks/" in url else f"{url}/hook"
        done = vendorsim("check", "--vendor", vendor, "--to", hook, "--config", config, "--json", *shown, *options)
        assert done.code == {"passed": 0, "failed": 1, "incomplete": 4}[done.json["verdict"]], done.err
        document: dict[str, Any] = done.json
        return document

    return run


def judged(document: dict[str, Any]) -> dict[str, str]:
    return {
        check["id"]: check["status"]
        for check in document["checks"]
        if check["id"].partition(".")[0] in FAMILIES and check["status"] != "skipped"
    }


def reason(document: dict[str, Any], check: str = "retry_safe") -> str:
    return next(entry["reason"] for entry in document["checks"] if entry["id"] == check)


@pytest.mark.parametrize("keep", [sorts, sorts_by_key])
def test_a_correct_desk_passes(keep: Keep, checked: Callable[..., dict[str, Any]]) -> None:
    with desk(keep) as url:
        document = checked(url)
    assert document["findings"] == []
    assert judged(document) == dict.fromkeys([*REPEATED, *REORDERED, "isolated"], "passed")


@pytest.mark.slow
def test_what_is_refused_out_of_order_may_come_again(checked: Callable[..., dict[str, Any]]) -> None:
    with desk(refuses_gaps) as url:
        document = checked(url, "--only", "order_tolerant", vendor="userlike")
        assert document["findings"] == []
        assert judged(document) == dict.fromkeys(REORDERED, "passed")
        document = checked(url, "--only", "order_tolerant", "--policy", "retries=none", vendor="userlike")
        found = {check for finding in document["findings"] for check in finding["checks"]}
        # Not each swap of two deliveries leaves a gap.
        assert "order_tolerant.shuffled" in found <= REORDERED, document["checks"]


BUGS: list[tuple[Keep, set[str], str]] = [
    (appends, REPEATED | REORDERED, "/messages has"),
    (counts, REPEATED, "/deliveries is"),
    (ignores_the_last_one_again, {"idempotent.later", "idempotent.all_twice"}, "/messages has"),
    (keeps_order_of_arrival, REORDERED, "/messages has its items in another order"),
    (writes_into_the_current_one, {"isolated"}, "/messages has"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("keep", "checks", "message"), few_of(BUGS, 1, [keep.__name__ for keep, _, _ in BUGS]))
def test_each_bug_is_found_by_its_checks(
    keep: Keep, checks: set[str], message: str, checked: Callable[..., dict[str, Any]]
) -> None:
    with desk(keep) as url:
        document = checked(url)
    assert {check for finding in document["findings"] for check in finding["checks"]} == checks
    for finding in document["findings"]:
        assert message in finding["message"]
        assert finding["severity"] == "error"
        assert finding["pointer"].split("/")[1] in message


def test_a_finding_tells_what_was_done_what_came_of_it_and_which_delivery_is_enough(
    checked: Callable[..., dict[str, Any]],
) -> None:
    with desk(appends) as url:
        (finding,) = checked(url, "--only", "retry_safe")["findings"]
    assert finding["message"] == ("after a new_message was repeated at once, /messages has 4 items instead of 3")
    assert finding["event"] == "new_message"
    assert finding["pointer"] == "/messages"
    (difference,) = finding["differences"]
    assert difference == {"pointer": "/messages", "expected": "3 items", "found": finding["found"]}
    assert finding["found"].startswith("4 items, with ")
    assert "createdAt" in finding["request"]
    assert finding["answer"].startswith("200")
    assert "--only retry_safe:new_message" in finding["reproduce"]


def test_a_finding_can_be_seen_again_with_its_event(checked: Callable[..., dict[str, Any]]) -> None:
    with desk(keeps_order_of_arrival) as url:
        (finding,) = checked(url, "--only", "order_tolerant.swapped:new_message")["findings"]
        assert finding["message"].startswith(
            "after a new_message came after the new_message that followed it, /messages"
        )
        assert judged(checked(url, "--only", "retry_safe:new_conversation")) == {"retry_safe": "passed"}


@pytest.mark.parametrize(
    ("keep", "code", "severity"), [(conflicts, "409", "warning"), (crashes_on_what_it_knows, "500", "error")]
)
def test_a_repeated_delivery_is_accepted_again(
    keep: Keep, code: str, severity: str, checked: Callable[..., dict[str, Any]]
) -> None:
    with desk(keep) as url:
        (finding,) = checked(url, "--only", "retry_safe")["findings"]
    assert finding["message"] == (
        f"a new_message was accepted, and then answered {code} when every delivery was repeated at once"
    )
    assert finding["severity"] == severity


@pytest.mark.slow
def test_work_that_is_done_after_the_answer_is_waited_for(checked: Callable[..., dict[str, Any]]) -> None:
    with desk(sorts, lag=0.25) as url:
        document = checked(url, "--only", "order_tolerant.shuffled")
    assert document["findings"] == []
    assert judged(document) == {"order_tolerant.shuffled": "passed"}


@pytest.mark.slow
def test_what_differs_each_time_is_not_judged_until_it_is_left_out(checked: Callable[..., dict[str, Any]]) -> None:
    with desk(has_a_number_of_its_own) as url:
        document = checked(url)
        assert (document["verdict"], document["findings"]) == ("incomplete", [])
        assert set(judged(document).values()) == {"not_judged"}
        assert reason(document) == (
            "the state differs each time the same story is played plainly, at /messages/*/stored~1at, /number: either "
            "that has nothing to do with the story (--probe-ignore '/messages/*/stored~1at' --probe-ignore /number), "
            "or the integration answers before its work is done and collides with itself"
        )
        ignored = ("--probe-ignore", "/messages/*/stored~1at", "--probe-ignore", "/number")
        assert set(judged(checked(url, *ignored)).values()) == {"passed"}


def test_what_is_ignored_can_stand_in_the_configuration(vendorsim: Vendorsim, tmp_path: Path) -> None:
    config = tmp_path / "vendorsim.yaml"
    with desk(has_a_number_of_its_own) as url:
        target = {"url": f"{url}/hook", "probe": f"{url}/chats/{{conversation_id}}"}
        target |= {"probe_ignore": ["/messages/*/stored~1at", "/number"]}
        config.write_text(json.dumps({"targets": {"chatvisor": [target]}}))
        document = vendorsim(
            "check", "--vendor", "chatvisor", "--config", config, "--json", "--only", "retry_safe"
        ).json
    assert judged(document) == {"retry_safe": "passed"}


@pytest.mark.parametrize("pointer", ["number", ""])
def test_what_is_ignored_is_a_pointer(pointer: str, vendorsim: Vendorsim) -> None:
    done = vendorsim("check", "--vendor", "chatvisor", "--to", "http://localhost:1/", "--probe-ignore", pointer)
    assert done.code == 2
    assert f"'{pointer}' is not a JSON pointer; write it like /updated_at or /messages/*/stored_at" in done.err


def test_a_clock_in_the_state_is_never_a_finding(checked: Callable[..., dict[str, Any]]) -> None:
    with desk(stamps_seconds) as url:
        document = checked(url, "--only", "idempotent")
    assert document["findings"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("probe", "said"),
    [
        (None, "there is no probe"),
        ("/nowhere/", "the probe knows nothing of a conversation that was told"),
        ("/empty/", "the probe knows nothing of a conversation that was told"),
    ],
)
def test_without_a_probe_that_knows_something_nothing_passes(
    probe: str | None, said: str, checked: Callable[..., dict[str, Any]]
) -> None:
    with desk(sorts) as url:
        document = checked(url, probe=probe)
    assert set(judged(document).values()) == {"not_judged"}
    assert said in reason(document)
    assert document["verdict"] == ("passed" if probe is None else "incomplete")


def test_where_the_vendor_keeps_the_order_nothing_is_reordered(checked: Callable[..., dict[str, Any]]) -> None:
    with desk(keeps_order_of_arrival) as url:
        document = checked(url, "--policy", "ordering=conversation")
    assert judged(document) == {
        **dict.fromkeys([*REPEATED, "isolated"], "passed"),
        **dict.fromkeys(REORDERED, "not_judged"),
    }
    assert (
        reason(document, "order_tolerant.swapped") == "the vendor delivers the events of a conversation in their order"
    )


@pytest.mark.parametrize("vendor", few_of(["chatvisor", "userlike", "smartsupp", "messagehub"], 1))
def test_the_helpdesk_ends_in_the_same_state_however_a_story_arrives(
    vendor: str, checked: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    store = Store(tmp_path / "tickets.sqlite")
    with app_server(create_app(store)) as server:
        hook = f"{server.url}/hooks/{vendor}"
        probe = f"{server.url}/tickets/{vendor}/{{conversation_id}}"
        document = checked(hook, "--probe", probe, "--seed", 11, vendor=vendor, probe=None)
    store.close()
    assert document["findings"] == []
    unordered = "not_judged" if vendor == "smartsupp" else "passed"
    assert judged(document) == {
        **dict.fromkeys([*REPEATED, "isolated"], "passed"),
        **dict.fromkeys(REORDERED, unordered),
    }
