"""`tolerates.text` writes all texts of a body anew at once, and a finding names the one that is refused."""

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
