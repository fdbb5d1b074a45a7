"""What a start imports: each of these packages takes as long as the sending of a hundred events."""

from __future__ import annotations

import subprocess
import sys

import pytest
from receiver import Receiver
from vendorsim.core import resources

SLOW = {"asyncio", "faker", "flask", "jinja2", "jsonschema", "msgspec", "rich", "werkzeug", "yaml"}
COMMAND = "from vendorsim.cli.main import run; run({arguments})"
SCENARIO = str(resources.scenarios() / "missed-chat.yaml")


def imported(code: str) -> set[str]:
    """The slow packages that a new interpreter has imported after the code."""
    code += "\nimport sys; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return SLOW.intersection(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["nonsense"]])
def test_the_program_itself(arguments: list[str]) -> None:
    assert imported(COMMAND.format(arguments=arguments)) == set()


def test_the_vendors() -> None:
    code = "from vendorsim.vendorkit import registry; [registry.get(name) for name in registry.names()]"
    assert not imported(code) & {"asyncio", "faker", "flask", "jinja2", "jsonschema", "rich", "werkzeug"}


def test_a_scenario_that_is_read() -> None:
    slow = {"asyncio", "flask", "jsonschema", "rich", "werkzeug"}
    assert not imported(COMMAND.format(arguments=["lint", SCENARIO])) & slow


def test_a_scenario_that_is_played() -> None:
    with Receiver() as target:
        arguments = ["play", SCENARIO, "--vendor", "messagehub", "--to", target.url(), "--no-journal", "--json"]
        assert not imported(COMMAND.format(arguments=arguments)) & {"flask", "jsonschema", "rich", "werkzeug"}
        assert target.requests


def test_a_server_that_answers_end_user() -> None:
    """It answers this operation without an app, and makes the app when all else is done."""
    code = """
import urllib.request
from vendorsim.server.control.settings import Settings
from vendorsim.server.hub import Hub
from vendorsim.server.serving import serve_app
with Hub(Settings(), None) as hub, serve_app(hub.app, fast_path=hub.fast_path) as server:
    headers = {"Authorization": "Bearer any", "Content-Type": "application/json"}
    url = f"{server.url}/apps/api/v1/chats/4711/end_user"
    assert urllib.request.urlopen(urllib.request.Request(url, b'{"identifier": "crm-1"}', headers)).status == 202
"""
    assert not imported(code) & {"faker", "flask", "jinja2", "jsonschema", "rich", "werkzeug"}
