"""`check --capture`: captured conversations are told again, each time with other ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from flask import Flask, jsonify, request
from vendorsim.testing.app_server import app_server

STORY = """\
scenario: Captured chat
vendors: [chatvisor]
starts: 2026-01-05T09:00:00Z
steps:
  - say: Hello
  - say: Bye
    after: 20s
"""
CHATVISOR = ("--vendor", "chatvisor")
FAMILIES = "idempotent,order_tolerant,retry_safe,isolated"


@pytest.fixture
def capture(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "story.yaml").write_text(STORY)
    path = tmp_path / "hooks.jsonl"
    path.write_text(vendorsim("generate", "story.yaml", *CHATVISOR).out)
    return path


def desk(seen: list[dict[str, Any]], *, once: bool) -> Flask:
    """Keeps the texts of each customer, each message once or as often as it comes."""
    app, chats = Flask("desk"), dict[str, dict[str, Any]]()

    @app.post("/hook")
    def hook() -> tuple[str, int]:
        body = request.get_json()
        seen.append(body)
        chat = chats.setdefault(body["customerId"], {"messages": {}, "count": 0})
        if "text" in body and (not once or body["id"] not in chat["messages"]):
            chat["messages"][body["id"]] = body["text"]
            chat["count"] += 1
        return "", 200

    @app.get("/chats/<customer>")
    def chat(customer: str) -> Any:
        return (jsonify(chats[customer]), 200) if customer in chats else ("", 404)

    return app


def checked(vendorsim: Vendorsim, capture: Path, app: Flask, *options: str) -> Completed:
    with app_server(app) as server:
        probe = f"{server.url}/chats/{{conversation_id}}"
        told = ("--capture", capture, "--to", f"{server.url}/hook", "--probe", probe, "--only", FAMILIES, "--json")
        return vendorsim("check", *CHATVISOR, *told, *options)


def test_the_captured_conversation_is_the_story(vendorsim: Vendorsim, capture: Path) -> None:
    seen: list[dict[str, Any]] = []
    done = checked(vendorsim, capture, desk(seen, once=True))
    statuses = {each["id"]: each["status"] for each in done.json["checks"]}
    assert statuses["retry_safe"] == statuses["isolated"] == "passed"
    assert done.code in (0, 4), done.out
    old = [json.loads(line)["body"] for line in capture.read_text().splitlines()]
    told = [body for body in seen if body.get("text") in ("Hello", "Bye")]
    assert len({body["customerId"] for body in told}) > 3
    ids = {body["id"] for body in told} | {body["customerId"] for body in told}
    assert ids.isdisjoint({body[name] for body in old for name in ("id", "customerId") if name in body})


@pytest.mark.slow
def test_a_finding_names_the_captured_conversation(vendorsim: Vendorsim, capture: Path) -> None:
    done = checked(vendorsim, capture, desk([], once=False))
    assert done.code == 1
    customer = json.loads(capture.read_text().splitlines()[0])["body"]["customerId"]
    assert any(f"conversation-{customer}" in finding["reproduce"] for finding in done.json["findings"])
    assert any("--capture" in finding["reproduce"] for finding in done.json["findings"])


def test_a_new_event_of_an_overlay_is_sent_if_the_capture_has_it(vendorsim: Vendorsim, tmp_path: Path) -> None:
    """No scenario leads to it."""
    told = json.loads(vendorsim("generate", "everyday-chat", "--vendor", "messagehub").out.splitlines()[-1])["body"]
    new = {**told, "event": "conversation_snoozed", "snoozed_until": "tomorrow"}
    path, overlay = tmp_path / "hooks.jsonl", tmp_path / "seen"
    path.write_text(f"{json.dumps(told)}\n{json.dumps(new)}\n")
    vendorsim("capture", "drift", "--vendor", "messagehub", path, "--fail-on", "none", "--propose", overlay)
    app, seen = Flask("desk"), list[dict[str, Any]]()

    @app.post("/hook")
    def hook() -> tuple[str, int]:
        seen.append(request.get_json())
        return "", 500 if seen[-1]["event"] == "conversation_snoozed" else 200

    with app_server(app) as server:
        options = ("--vendor", "messagehub", "--profile", overlay, "--to", f"{server.url}/hook", "--json")
        without = vendorsim("check", *options, "--only", "accepts.typical")
        done = vendorsim("check", *options, "--only", "accepts.typical", "--capture", path)
    assert without.json["coverage"]["events"]["no_scenario"] == ["conversation_snoozed"]
    assert "give traffic that has it (--capture)" in without.json["checks"][0]["reason"]
    (finding,) = done.json["findings"]
    assert (finding["event"], finding["found"]) == ("conversation_snoozed", "500")
    sent = [body for body in seen if body["event"] == "conversation_snoozed"]
    assert sent[0]["snoozed_until"] == "tomorrow"
    assert sent[0]["id"] != new["id"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\n".join(['{"customerId": "1", "id": "2", "text": "x"}'] * 41), "no conversation can be told again"),
    ],
)
def test_a_capture_without_a_story_is_refused(vendorsim: Vendorsim, tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    done = vendorsim("check", *CHATVISOR, "--capture", path, "--to", "http://localhost:1/")
    assert done.code == 2
    assert message in done.err
