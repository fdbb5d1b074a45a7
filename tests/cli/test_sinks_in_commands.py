"""`--sink` of `play` and `check`, and the calls that `play --json` and `journal` tell of."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest
from command_line import Vendorsim
from ports import free_port
from receiver import Connection, Receiver, Request, status
from stories import written

STORY = """\
scenario: A visitor writes
vendors: [chatvisor]
steps:
  - say: Hello
  - expect_call: {call: sink.crm, times: once, quiet: 0s}
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_calls_of_a_sink_are_told(vendorsim: Vendorsim, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "vendorsim.yaml").write_text("sinks: {crm: {answers: {status: 201}}}\n")

    def act(connection: Connection, request: Request) -> None:
        if len(target.requests) == 1:
            calling = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            calling.request("POST", "/_sinks/crm/notes?key=hush", request.body, {"Authorization": "Bearer s3cret"})
            assert calling.getresponse().status == 201
            calling.close()
        connection.send(status(200))

    with Receiver(act) as target:
        arguments = (
            "--vendor",
            "chatvisor",
            "--to",
            target.url(),
            "--serve",
            "--port",
            port,
            "--sink",
            "slack",
            "--json",
        )
        played = vendorsim("play", written(tmp_path, STORY), *arguments)
    assert played.code == 0, played.out
    assert f"The sink crm takes calls at http://127.0.0.1:{port}/_sinks/crm" in played.err
    assert f"The sink slack takes calls at http://127.0.0.1:{port}/_sinks/slack" in played.err
    (call,) = [line for line in played.lines if line["type"] == "call"]
    (judged,) = [line for line in played.lines if line["type"] == "expected_call"]
    assert (call["vendor"], call["operation"], call["path"]) == ("sink", "crm", "/_sinks/crm/notes")
    assert (call["session"], call["status"], call["credentials"]) == (str(judged["conversation"]), 201, "bearer")
    assert (judged["call"], judged["times"], judged["count"], judged["verdict"]) == (
        "sink.crm",
        "once",
        1,
        "as expected",
    )
    assert played.lines[-1]["type"] == "summary"
    listed = vendorsim("journal", "list").out
    assert "sink.crm" in listed
    assert "POST /_sinks/crm/notes" in listed
    kept = vendorsim("journal", "export").out
    assert "s3cret" not in kept
    assert "hush" not in kept


@pytest.mark.parametrize("command", ["play", "check"])
def test_a_sink_needs_a_server(vendorsim: Vendorsim, tmp_path: Path, command: str) -> None:
    story = [written(tmp_path, STORY)] if command == "play" else []
    refused = vendorsim(command, *story, "--vendor", "chatvisor", "--to", "http://127.0.0.1:1/", "--sink", "crm")
    assert refused.code == 2
    assert "--sink takes calls while the vendors' APIs are served; add --serve" in refused.err
