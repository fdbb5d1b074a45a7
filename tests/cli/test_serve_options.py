"""The options of `vendorsim serve` that concern who may use it and what it may do."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from receiver import Receiver

Serve = Callable[..., "Serving"]


class Serving:
    """`vendorsim serve` as a process, with its journal below a folder of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-W", "error", "-m", "vendorsim", "serve", "--port", "0", *arguments]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        lines: list[str] = []
        while not lines or "curl" not in lines[-1]:
            lines.append(self.process.stderr.readline())
            assert lines[-1], "".join(lines)
        found = re.search(r"listens on http://\S+:(\d+) ", "".join(lines))
        assert found is not None
        self.port = int(found[1])

    def __call__(
        self, method: str, path: str, document: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """The status and the document that the control API answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = {"Content-Type": "application/json", **(headers or {})}
        connection.request(method, f"/_vendorsim/api{path}", json.dumps(document or {}), sent)
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read() or "null")
        connection.close()
        return found


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """`serve("--seed", "7")` starts the command and waits until it has introduced itself."""
    started = []

    def start(*arguments: str) -> Serving:
        started.append(Serving(tmp_path, *arguments))
        return started[-1]

    yield start
    for serving in started:
        serving.process.kill()
        serving.process.communicate()


def test_the_options_are_heeded(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "vendorsim.yaml").write_text("targets: {userlike: [{url: 'http://desk.invalid/hook'}]}\n")
    options = ["--admin-token", "adm-s3cret", "--allow-host", "Desk.example", "--allow-target", "other.invalid"]
    api = serve(
        *options, "--seed", "7", "--profile", "messagehub=observed-4.15", "--journal", str(tmp_path / "j.sqlite")
    )
    token = {"Authorization": "Bearer adm-s3cret"}
    assert api("GET", "/health")[0] == 401
    assert api("GET", "/health", headers={**token, "Host": "evil.example"})[0] == 421
    status, health = api("GET", "/health", headers={**token, "Host": "desk.example:1"})
    assert (status, health["seed"], health["status"]) == (200, 7, "ok")
    assert api("GET", "/targets", headers=token)[1]["items"][0]["url"] == "http://desk.invalid/hook"
    # Hosts of configured targets are allowed for that vendor, --allow-target for all.
    for vendor, host, expected in [
        ("userlike", "desk.invalid", 201),
        ("chatvisor", "desk.invalid", 403),
        ("chatvisor", "other.invalid", 201),
        ("chatvisor", "another.invalid", 403),
    ]:
        wanted = {"vendor": vendor, "url": f"http://{host}/x"}
        assert api("POST", "/targets", wanted, token)[0] == expected, (vendor, host)
    assert (tmp_path / "j.sqlite").exists()


def test_without_a_journal_nothing_stays(serve: Serve, tmp_path: Path) -> None:
    api = serve("--no-journal")
    with Receiver() as target:
        wanted = {"scenario": "forwarded-chat", "vendor": "userlike", "to": target.url()}
        assert api("POST", "/runs", wanted)[0] == 201
        target.wait_for(3)
    api.process.send_signal(signal.SIGTERM)
    _, errors = api.process.communicate(timeout=20)
    assert (api.process.returncode, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "give --admin-token TOKEN"),
        (["--host", "::"], "give --admin-token TOKEN"),
        (["--host", "192.0.2.1", "--token", "s3cret"], "give --admin-token TOKEN"),
        (["--admin-token", ""], "a token is one or more visible ASCII characters"),
        (["--profile", "messagehub"], "write VENDOR=NAME"),
        (["--profile", "messagehb=documented"], "did you mean 'messagehub'"),
        (["--profile", "messagehub=observed-4.19"], "observed-4.18"),
        (["--sink", "CRM"], "--sink CRM: 'CRM' is not a name of a sink"),
        (["--sink", "crm=ours"], "--sink crm=ours: 'crm=ours': after the name stands nothing, or =customer"),
        (
            ["--sink", "crm", "--sink", "crm"],
            "--sink crm: the name 'crm' is taken by another --sink; choose another one",
        ),
        (["--seed", "-1"], "-1 is not in the range"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--journal", "/proc/nowhere/journal"], "can't be used as a journal"),
    ],
)
def test_what_is_refused(vendorsim: Vendorsim, arguments: list[str], message: str) -> None:
    completed = vendorsim("serve", "--port", "0", *arguments)
    assert (completed.code, completed.out) == (2, "")
    assert message in completed.err
