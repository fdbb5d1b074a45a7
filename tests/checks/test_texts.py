"""The texts of messages: `tolerates.text` names the one that is refused, `effects.lost` those that never show."""

from __future__ import annotations

from typing import Any

import pytest
from command_line import Vendorsim
from flask import Flask, request
from vendorsim.testing.app_server import app_server


@pytest.mark.parametrize("place", ["content", "account/name", "sender/name"])
def test_a_finding_names_the_text_that_is_refused(vendorsim: Vendorsim, place: str) -> None:
    app = Flask("desk")

    @app.post("/hook")
    def hook() -> tuple[str, int]:
        value: Any = request.get_json()
        for name in place.split("/"):
            value = value.get(name) if isinstance(value, dict) else None
        return "", 422 if value == "" else 200

    with app_server(app) as server:
        options = ("--vendor", "messagehub", "--to", f"{server.url}/hook", "--json")
        done = vendorsim("check", *options, "--only", "tolerates.text:message_created")
    assert {finding["pointer"] for finding in done.json["findings"]} == {f"/{place}"}


@pytest.mark.parametrize(
    ("stops", "message"),
    [
        (False, "a message_created without /sender was accepted, but its text never shows in the state"),
        (True, "the text of a message_created shows at first, but no more after it came in other forms"),
    ],
)
def test_a_text_that_never_shows_is_told_from_a_worker_that_has_stopped(
    vendorsim: Vendorsim, stops: bool, message: str
) -> None:
    app = Flask("desk")
    texts: dict[str, list[str]] = {}
    stopped: list[bool] = []

    @app.post("/hook")
    def hook() -> str:
        body: Any = request.get_json()
        if body["event"] == "message_created":
            known = isinstance(body.get("sender"), dict)
            if not known and stops:
                stopped.append(True)
            if known and not stopped:
                texts.setdefault(str(body["conversation"]["id"]), []).append(str(body["content"]))
        return ""

    @app.get("/texts/<conversation>")
    def shown(conversation: str) -> dict[str, list[str]]:
        return {"texts": texts.get(conversation, [])}

    with app_server(app) as server:
        options = ("--vendor", "messagehub", "--to", f"{server.url}/hook", "--settle", "500ms", "--json")
        probe = ("--probe", f"{server.url}/texts/{{conversation_id}}")
        done = vendorsim("check", *options, *probe, "--only", "effects.lost")
    assert [finding["message"] for finding in done.json["findings"]] == [message]
