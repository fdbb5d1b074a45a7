"""Every command that a document shows is run, in this process, against a real receiver.

A page is a session of a reader: the commands in their order, in one folder, with what the page exports and nothing
else. The reader has an integration at port 8000, and the files that the pages call theirs.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import sqlite3
import tomllib
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
import shown
from command_line import Completed, run_here
from shown import ROOT, Line
from vendorsim.checks.waiting import Waiting
from vendorsim.cli.served_captures import ServedCaptures
from vendorsim.cli.served_checks import ServedChecks
from vendorsim.runs import library
from vendorsim.runs.config import Config
from vendorsim.runs.timeline import Run, iter_events
from vendorsim.server.control.settings import Settings
from vendorsim.server.hub import Hub
from vendorsim.testing.app_server import app_server
from vendorsim.vendorkit import Target, registry
from werkzeug.test import Client

# Pages whose commands other tests run, with what they print.
ELSEWHERE = {
    "docs/add-a-vendor.md": "tests/vendors/test_pack_tutorial.py",
    "docs/first-verdict.md": "tests/docs/test_first_verdict.py",
}
# Commands of vendorsim that are not run, with the reason.
LEFT_OUT = {
    "--locust": "needs several hosts; tests/load/test_load_workers.py runs it on one",
    "--workers": "starts processes; tests/load/test_load_workers.py runs it",
    "postgresql://": "needs the reader's database; tests/server/test_several_servers.py runs it",
    "--host 10.0.0.": "needs an address of the reader's; the same test runs it on this machine",
    "--start 'python app.py'": "starts the reader's integration; tests/cli/test_in_ci.py carries the recipes out",
    "--lang typescript": "needs the reader's Node; tests/cli/test_export_types.py runs it",
    "pack new": "writes a package; tests/cli/test_pack_command.py runs it",
    "pack lint": "reads that package; the same test runs it",
}
# Other programs: what is looked at in place of running them.
OTHERS = ("pip", "pipx", "make", "python", "python3", "flask", "pytest", "man", "curl", "export", "docker")
# The integration may fail, and what was asked for may be beyond what this one shows. 2 and 3 are mistakes of the page.
VERDICTS = {
    "check": {0, 1, 4},
    "play": {0, 1},
    "load": {0, 1},
    "validate": {0, 1},
    "capture": {0, 1},
    "vendors": {0, 1},
}
HASTY = Waiting(state=0.05, first_call=0.2, retry=0.2, quiet=0.1, settle=0.1, recover=0.2, rounds=0.0)
STORY = "scenario: A question\nsteps:\n  - say: Where is my order?\n  - close\n"
TRAFFIC = """\
traffic: Two chats
scenarios: [{scenario: missed-chat, vendor: userlike}]
arrivals: {process: constant, rate: 100/s}
conversations: 2
"""
CALLING = "authentication-by-chat"
HAR = {
    "log": {
        "version": "1.2",
        "creator": {"name": "a proxy", "version": "1"},
        "entries": [
            {
                "request": {
                    "method": "POST",
                    "url": "http://localhost:8000/hook",
                    "headers": [],
                    "postData": {"mimeType": "application/json", "text": "{}"},
                }
            }
        ],
    }
}


def integration(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Takes every body that is a JSON object, and knows every conversation."""
    if environ["REQUEST_METHOD"] == "POST":
        try:
            body = json.loads(environ["wsgi.input"].read())
        except (ValueError, RecursionError):
            body = None
        start_response("200 OK" if isinstance(body, dict) else "400 Bad Request", [("Content-Length", "0")])
        return [b""]
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"{}"]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with app_server(integration) as server:
        yield server.port


OVERLAY = {
    "vendor": "messagehub",
    "profile": "observed-4.18",
    "vendorsim": "1.0.0",
    "captured": {"on": "2026-11-29", "bodies": 20},
    "events": {
        "message_created": [{"field": "/tier", "change": "add", "seen": 6, "of": 6, "schema": {"type": "string"}}]
    },
}


def hooks() -> dict[str, Any]:
    """A HAR with the webhooks of one chat."""
    vendor = registry.get("messagehub")
    run = Run(library.load("missed-chat"), vendor, vendor.profile("observed-4.18"), 7, 1_767_607_200_000)
    requests = [
        {
            "method": "POST",
            "url": "http://localhost:8000/hook",
            "headers": [],
            "postData": {"mimeType": "application/json", "text": event.body.decode()},
        }
        for event in iter_events(run.conversation(0))
    ]
    return {"log": {**HAR["log"], "entries": [{"request": request} for request in requests]}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader's working directory, with the files that pages call the reader's own."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("VENDORSIM_")]:
        monkeypatch.delenv(name)
    for name in ("scenarios", "seen"):
        (tmp_path / name).mkdir()
    files = {
        "story.yaml": STORY,
        "my-chat.yaml": STORY,
        "scenarios/story.yaml": STORY,
        "traffic.yaml": TRAFFIC,
        "ticket.sql": "SELECT 'open' AS status WHERE :conversation_id <> ''",
        "messages.sql": "SELECT 'Hello' AS text WHERE :conversation_id <> ''",
        "state.py": "#!/bin/sh\nexit 0\n",
        "captured.jsonl": '{"event": "message_created", "id": 1}\n',
        "captured.har": json.dumps(HAR),
        "hooks.har": json.dumps(hooks()),
        "seen/overlay.json": json.dumps(OVERLAY),
        # A file with the name of a built-in scenario is taken before it: here no call comes that it waits for.
        CALLING: (ROOT / "scenarios" / f"{CALLING}.yaml").read_text().replace("within: 10s", "within: 50ms"),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "state.py").chmod(0o755)
    sqlite3.connect(tmp_path / "app.db").close()
    return tmp_path


@pytest.fixture(scope="module")
def server() -> Iterator[Client]:
    """A server as `vendorsim serve --token s3cret --profile chatvisor=engage` starts it, with a target."""
    config = Config(targets={"messagehub": (Target("http://127.0.0.1:9/hook"),)})
    settings = Settings(
        token="s3cret", profiles={"chatvisor": "engage"}, config=config, checker=ServedChecks, capturer=ServedCaptures
    )
    with Hub(settings, None) as hub:
        yield Client(hub.app)


class Session:
    """What a reader does on one page."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.variables: dict[str, str] = {}

    def run(self, line: Line) -> Completed | None:
        """Runs a command of vendorsim; for `export` remembers what it sets."""
        if line.program == "export":
            for word in line.words[1:]:
                name, _, value = word.partition("=")
                self.variables[name] = re.sub(r"\$\(.*\)", base64.b64encode(bytes(24)).decode(), value)
        if line.program != "vendorsim" or any(sign in line.text for sign in LEFT_OUT):
            return None
        with (
            patch.dict(os.environ, {**self.variables, **line.settings}),
            patch("vendorsim.cli.serve.Event", _Stopped),
            patch("vendorsim.cli.capture.record.Event", _Stopped),
        ):
            done = run_here(*self._arguments(line), settings=HASTY)
        if line.output is not None:
            Path(line.output).write_text(done.out, encoding="utf-8")
        return done

    def _arguments(self, line: Line) -> list[str]:
        """The arguments, with this receiver's port, ports that are free, and a size that tests have time for."""
        words = list(line.words[1:])
        for position, word in enumerate(words):
            word = re.sub(r"(localhost|127\.0\.0\.1):8000", f"127.0.0.1:{self.port}", word)
            word = f"http://127.0.0.1:{self.port}/hook" if word == "URL" else word
            words[position] = os.path.expandvars(word)
        words = [found for word in words for found in (sorted(glob(word)) if "*" in word and glob(word) else [word])]
        for option, value in (
            ("--count", "3"),
            ("--speed", "instant"),
            ("--port", "0"),
            ("--listen", "0"),
            ("--api-listen", "0"),
        ):
            if option in words:
                words[words.index(option) + 1] = value
        command = words[0]
        if command == "check":
            words += ["--budget", "400ms"] if "--budget" not in words else []
            if "--serve" in words:
                words[words.index("--serve") + 1] = "0"
        elif command == "serve" or "--serve" in words:
            words += ["--port", "0"] if "--port" not in words else []
        return words


class _Stopped:
    """In place of the event that a signal sets: `serve` and `capture record` end once they have introduced
    themselves."""

    def set(self) -> None:
        pass

    def wait(self, seconds: float) -> bool:
        return True


PAGES = [path for path in shown.documents() if str(path.relative_to(ROOT)) not in ELSEWHERE and any(shown.lines(path))]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_do_what_it_says(page: Path, port: int, folder: Path) -> None:
    session = Session(port)
    for name, text in shown.files(page).items():
        (folder / name).write_text(text.replace("within: 10s", "within: 50ms"), encoding="utf-8")
    wrong = []
    for line in shown.lines(page):
        done = session.run(line)
        if done is not None and done.code not in VERDICTS.get(line.words[1] if len(line.words) > 1 else "", {0}):
            wrong.append(f"{line.text}\n  exit code {done.code}: {done.err.strip() or done.out[-300:]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", shown.documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_other_programs_have_what_the_page_names(page: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in shown.lines(page):
        assert line.program in ("vendorsim", *OTHERS), line.text
        for extras in re.findall(r"vendorsim\[([\w,-]+)\]", line.text):
            assert set(extras.split(",")) <= set(project["optional-dependencies"]), line.text
        if line.program == "make":
            assert set(line.words[1:2]) <= targets, line.text
        if (
            line.program == "python"
            and page.parent.name != "fastapi_desk"
            and str(page.relative_to(ROOT)) not in ELSEWHERE
        ):
            assert (ROOT / line.words[1]).exists(), line.text


@pytest.mark.slow
@pytest.mark.parametrize("page", shown.documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_calls_of_a_server_are_understood(page: Path, server: Client) -> None:
    reader = argparse.ArgumentParser()
    for option in ("-i", "-X", "-H", "-d"):
        action: Any = {"-i": "store_true", "-H": "append"}.get(option, "store")
        reader.add_argument(option, action=action)
    reader.add_argument("url")
    for line in shown.lines(page):
        if line.program == "curl":
            asked = reader.parse_args(line.words[1:])
            address = urlsplit(asked.url.replace("$api", "http://127.0.0.1:4010/_vendorsim/api"))
            if address.port == 8000:  # The reader's integration.
                continue
            path = address.path if address.netloc else "/" + asked.url.partition("/")[2]
            answer = server.open(
                path,
                method=asked.X or ("POST" if asked.d else "GET"),
                query_string=address.query,
                headers=[tuple(header.split(": ", 1)) for header in asked.H or ()],
                data=asked.d,
                base_url="http://127.0.0.1:4010",
            )
            # What the page's own run has made is not here: the answer then names it.
            unknown = answer.status_code == 404 and (
                "there is no such " in answer.text
                or any(part in answer.text for part in path.split("/") if part.isdigit())
            )
            assert answer.status_code < 400 or unknown, f"{line.text}: {answer.status}: {answer.text}"


def test_every_reason_to_leave_out_a_command_is_needed() -> None:
    text = "\n".join(line.text for page in PAGES for line in shown.lines(page))
    assert [sign for sign in LEFT_OUT if sign not in text] == []
