"""`vendorsim mcp` as an agent uses it: the SDK's own client, and the server in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from receiver import Receiver, status
from vendorsim.agents.tools import TOOLS

pytestmark = pytest.mark.slow

STORY = {"scenario": "missed-chat", "vendor": "smartsupp"}
NOISY_PROBE = '''
import subprocess

def state(conversation_id, identifier):
    """Prints, as code of users does, also from a process of its own."""
    print("a word on standard output", flush=True)
    subprocess.run(["echo", "and another"], check=True)
    return {}
'''


class Agent:
    """A client of the SDK, connected with one server."""

    def __init__(self, client: Any, portal: Any) -> None:
        self.client = client
        self._portal = portal

    def tools(self) -> dict[str, Any]:
        return {tool.name: tool for tool in self._portal.call(self.client.list_tools).tools}

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured result of a tool; the text is the same document."""
        result = self._portal.call(self.client.call_tool, tool, arguments)
        assert not result.is_error, result.content[0].text
        assert json.loads(result.content[0].text) == result.structured_content
        document: dict[str, Any] = result.structured_content
        return document

    def refused(self, tool: str, **arguments: Any) -> str:
        """The message of a tool that refuses."""
        result = self._portal.call(self.client.call_tool, tool, arguments)
        assert result.is_error
        assert result.structured_content is None
        text: str = result.content[0].text
        return text


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(folder)])}


@contextmanager
def connected(folder: Path, *options: str) -> Iterator[Agent]:
    """An agent whose server works in that folder. The SDK takes a second to import: only here."""
    mcp = pytest.importorskip("mcp", reason="needs the MCP SDK: pip install 'vendorsim[mcp]'")
    from anyio.from_thread import start_blocking_portal
    from mcp.client.stdio import stdio_client

    server = mcp.StdioServerParameters(
        command=sys.executable, args=["-m", "vendorsim", "mcp", *options], cwd=folder, env=environment(folder)
    )
    with start_blocking_portal() as portal:
        # Its default is the standard error of the moment at which the SDK was imported.
        client = mcp.Client(stdio_client(server, errlog=sys.__stderr__))
        with portal.wrap_async_context_manager(client):
            yield Agent(client, portal)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("agent")


@pytest.fixture(scope="module")
def agent(folder: Path) -> Iterator[Agent]:
    """An agent that may send."""
    with connected(folder, "--allow-send") as found:
        yield found


def test_the_client_sees_every_tool_and_which_of_them_send(agent: Agent) -> None:
    tools = agent.tools()
    assert list(tools) == list(TOOLS)
    for name, tool in tools.items():
        hints, sends = tool.annotations, name in ("play", "check", "resend")
        assert (hints.read_only_hint, hints.destructive_hint, hints.open_world_hint) == (not sends, sends, sends), name
        assert tool.description


def test_a_session_from_the_first_look_to_the_resent_delivery(agent: Agent) -> None:
    assert "smartsupp" in [vendor["name"] for vendor in agent.call("list_vendors")["vendors"]]
    linted = agent.call("lint_scenario", yaml="scenario: A\nsteps:\n  - sya: Hello\n")
    assert linted["problems"] == [{"line": 3, "column": 5, "message": "unknown verb 'sya'; did you mean 'say'?"}]
    with Receiver(status(503), status(200)) as target:
        played = agent.call("play", **STORY, to=target.url())
        assert played["summary"]["verdict"] == "passed"
        assert [record["status"] for record in played["records"]] == [503, 200]
        listed = agent.call("list_deliveries", run=played["run"], verdict="rejected")
        (rejected,) = listed["items"]
        shown = agent.call("show_delivery", id=rejected["id"])
        assert shown["request"]["body"]["text"] == target.requests[0].body.decode()
        assert agent.call("resend", id=rejected["id"])["status"] == 200
        assert target.requests[2].body == target.requests[0].body


def test_check_judges_a_receiver_with_a_bug(agent: Agent) -> None:
    """The receiver reads texts as ASCII."""

    def answer(connection: Any, request: Any) -> None:
        connection.send(status(200 if request.body.isascii() else 500))

    with Receiver(answer) as target:
        report = agent.call("check", vendor="smartsupp", to=target.url(), only="accepts")
    assert report["verdict"] == "failed"
    assert report["findings"][0]["remedy"]


def test_what_an_agent_may_not_do(agent: Agent) -> None:
    assert "unknown vendor 'acme'" in agent.refused("show_vendor", name="acme")
    assert "sends no events to 'example.com'" in agent.refused("play", **STORY, to="http://example.com/")
    assert "the text is larger than 1024 KiB" in agent.refused("lint_scenario", yaml="x" * 3_000_000)
    assert "unknown tool 'shell'" in agent.refused("shell", command="id")
    assert "did you mean 'name'?" in agent.refused("show_scenario", nmae="missed-chat")


def test_without_leave_nothing_is_sent(tmp_path: Path) -> None:
    with Receiver() as target, connected(tmp_path) as careful:
        refused = careful.refused("play", **STORY, to=target.url())
        assert refused.endswith("must start it as vendorsim mcp --allow-send")
        assert careful.call("generate", **STORY)["events"]
        assert target.connections == []


def test_standard_output_is_the_protocol_alone(tmp_path: Path) -> None:
    """Also when code of the user, here a probe, prints. The process is spoken to by hand, line by line."""
    (tmp_path / "noisy.py").write_text(NOISY_PROBE)
    with Receiver() as target:
        (tmp_path / "vendorsim.yaml").write_text(
            f"targets: {{smartsupp: [{{url: '{target.url()}', probe: 'noisy:state'}}]}}\n"
        )
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        check = {"name": "check", "arguments": {"vendor": "smartsupp", "only": ["idempotent"], "seconds": 20}}
        asked = [
            {"id": 1, "method": "initialize", "params": hello},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/call", "params": check},
        ]
        command = [sys.executable, "-m", "vendorsim", "mcp", "--allow-send"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
            env=environment(tmp_path),
        ) as process:  # fmt: skip
            assert process.stdin is not None
            assert process.stdout is not None
            for message in asked:
                process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            process.stdin.flush()
            lines = [json.loads(process.stdout.readline()) for _ in range(2)]
            rest, printed = process.communicate()
        assert process.returncode == 0, "it ends when its input does"
    assert [line["id"] for line in lines] == [1, 2]
    assert rest == ""
    assert "a word on standard output\nand another\n" in printed
