"""docs/first-verdict.md as a reader follows it: with the desk that it shows, the commands print what it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from command_line import run_here
from shown import ROOT, files
from test_shown_commands import HASTY
from vendorsim.testing.app_server import AppServer, app_server

PAGE = ROOT / "docs" / "first-verdict.md"
START = "flask --app desk run --port 8000 --debug"
# Steps of the reader that another program takes, and what takes it here.
ELSEWHERE = ("python3 -m venv", ". .venv", "pip install", START)


def desk(text: str) -> AppServer:
    """The integration, served as the reader does."""
    module: dict[str, object] = {"__name__": "desk"}
    exec(text, module)
    return app_server(module["app"])  # type: ignore[arg-type]


def mended(text: str, difference: str) -> str:
    """The text with lines replaced: each `-` line by the `+` line after it."""
    for old, new in re.findall(r"^-(.*)\n\+(.*)$", difference, re.MULTILINE):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


# A quick run has the checks whose findings the page shows, and can't say what the others show or don't judge.
QUICK = ("--only", "accepts.typical,idempotent.later,order_tolerant.swapped")
OF_OTHERS = ("not judged", "  …there is no probe", "    shown by")


@pytest.mark.slow
@pytest.mark.parametrize("options", [QUICK, pytest.param((), marks=pytest.mark.thorough)], ids=["quick", "whole"])
def test_the_reader_gets_what_the_page_shows(
    options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (source,) = files(PAGE).values()
    server, ran, missing = desk(source), [], []
    for language, block in re.findall(
        r"^```(diff|console)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    ):
        if language == "diff":
            server.close()
            server = desk(mended(source, block))
            continue
        for shown in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = shown.splitlines()
            if command.startswith(ELSEWHERE):
                assert not lines
                continue
            words = shlex.split(command.replace("localhost:8000", f"127.0.0.1:{server.port}"))
            more = options if words[1] == "check" else ()
            done = run_here(*words[1:], *more, settings=HASTY)
            ran.append((words[1], done.code))
            lines = [line for line in lines if not (more and line.startswith(OF_OTHERS))]
            patterns = [re.escape(line).replace("…", ".*") for line in lines]
            missing += [f"{command}\n{line}\n{done.out}" for line in patterns if not re.search(line, done.out)]
    server.close()
    assert not missing, missing[0]
    assert ran == [("generate", 0), ("play", 0), ("check", 0), ("check", 1), ("check", 0)]
