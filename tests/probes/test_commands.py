"""Commands as probes: what they are given, what their output means, and what is said of those that fail."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path

import pytest
from receiver import PATIENCE
from vendorsim.core.errors import InputError
from vendorsim.probes.command import AT_ONCE, LARGEST_OUTPUT
from vendorsim.probes.model import ProbeError
from vendorsim.probes.reading import read_probe

from probes.reading import HOSTILE, read, read_all

PYTHON = f"{shlex.quote(sys.executable)} -I -S -c"


def python(code: str, *arguments: str) -> str:
    """A probe that runs Python code."""
    return f"command: {PYTHON} {shlex.quote(code)} {' '.join(arguments or ('{conversation_id}',))}"


ECHO = "import json, sys; print(json.dumps(sys.argv[1:]))"


@pytest.mark.parametrize("id", HOSTILE)
def test_a_value_is_one_argument_whatever_is_in_it(id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    probe = python(ECHO, "{conversation_id}", "--of={identifier}", "'a {b}'", "{conversation_id}/{conversation_id}")
    assert read(probe, id=id, identifier="it's {conversation_id}") == [
        id,
        "--of=it's {conversation_id}",
        "a {b}",
        f"{id}/{id}",
    ]
    assert not list(tmp_path.iterdir())


def test_without_an_identifier_the_argument_is_empty() -> None:
    assert read(python(ECHO, "{conversation_id}", "{identifier}")) == ["1", ""]


@pytest.mark.parametrize("id", ["a\0b", "\ud800"])
def test_what_no_argument_can_hold_is_refused(id: str) -> None:
    with pytest.raises(ProbeError, match="can't be run"):
        read(python(ECHO), id=id)


@pytest.mark.parametrize(
    ("printed", "state"),
    [
        ("", None),
        (" \n", None),
        ("null\n", None),
        ('{"a": [1, "ü"]}\n', {"a": [1, "ü"]}),
        ('{\n  "a": 1\n}', {"a": 1}),
        ("open\n", "open"),
        ("42\n", 42),
        ("true", True),
        ('"open"', "open"),
        ("2 open tickets", "2 open tickets"),
        ('{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ("1\n\n2\n", [1, 2]),
    ],
)
def test_what_is_printed_is_the_state(printed: str, state: object) -> None:
    assert read(python(f"print({printed!r}, end='')")) == state


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('{broken')", "neither JSON nor a single line of text; it begins with '{broken' (line 1, column 2:"),
        ("print('one'); print('two')", "neither JSON nor a single line of text; it begins with 'one'"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "printed bytes that are not UTF-8"),
        ("import sys; sys.exit('no database\\n  at localhost')", "exit code 1: no database / at localhost"),
        ("print('{}'); raise SystemExit(3)", "ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "ended with signal SIGKILL"),
        (f"print('x' * {LARGEST_OUTPUT + 1})", "printed more than 16 MiB"),
    ],
)
def test_a_command_that_gives_no_state_is_explained(code: str, said: str) -> None:
    with pytest.raises(ProbeError) as failed:
        read(python(code))
    assert said in str(failed.value)


def test_a_command_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = (
        "import pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(started)!r}).write_text(str(child.pid))\n"
        "print('half a', flush=True)\n"
        "time.sleep(600)"
    )
    with pytest.raises(ProbeError, match=r"did not end within 1 s, and was killed"):
        read(python(code), timeout=1.0)
    child = int(started.read_text())
    ends = time.monotonic() + PATIENCE
    while _is_running(child):
        assert time.monotonic() < ends, "the command's child is still running"


def _is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    # A killed orphan may still wait for init to ask for it.
    return status.rpartition(")")[2].split()[0] != "Z"


def test_many_reads_run_a_few_commands_at_once(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys, time\n"
        f"mine = pathlib.Path({str(tmp_path)!r}) / sys.argv[1]\n"
        "mine.touch()\n"
        f"print(len(os.listdir({str(tmp_path)!r})))\n"
        "mine.unlink()"
    )
    running = read_all(python(code), ids=tuple(map(str, range(5 * AT_ONCE))))
    assert max(running) <= AT_ONCE


def test_a_command_reads_nothing_and_runs_where_vendorsim_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = "import json, os, sys; print(json.dumps([os.getcwd(), sys.stdin.read()]))"
    assert read(python(code)) == [os.path.realpath(tmp_path), ""]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("command:", "names no program"),
        ("command: psql -c 'x", "No closing quotation"),
        ("command: psql -c x", "has no {conversation_id}"),
        ("command: jq '{id}' x", "has no {conversation_id}"),
        ("command: psql {conversationid}", "did you mean {conversation_id}?"),
        ("command: {conversation_id}", "the program itself can't be a placeholder"),
        ("command: sh -c 'psql {conversation_id}'", "a shell would parse"),
        ("command: /bin/bash -o pipefail -ec 'psql {identifier}'", "a shell would parse"),
        ("command: env A=b timeout 5 sh -c 'psql \"{conversation_id}\"'", "a shell would parse"),
        ("command: su postgres -c 'psql {conversation_id}'", "a shell would parse"),
        ("command: ssh db psql -v id={conversation_id}", "a shell would parse"),
        ("command: fish --command='psql {conversation_id}'", "a shell would parse"),
        ("command: state.bat {conversation_id}", "a shell would parse"),
    ],
)
def test_a_command_that_can_not_be_right_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_probe(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        """command: sh -c 'psql -v id="$1" -f x.sql' sh {conversation_id}""",
        "command: sh script.sh -c {conversation_id}",
        "command: psql -c '\\set id' {conversation_id}",
        "command: jq '{id}' {conversation_id}.json",
    ],
)
def test_a_shell_may_get_a_value_as_an_argument(text: str) -> None:
    assert read_probe(text).text == text


@pytest.mark.parametrize("program", ["no-such-program-here", "./no-such-program", "./no-program"])
def test_a_program_that_is_not_there_is_named(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no-program").touch(0o644)
    with pytest.raises(InputError, match=f"there is no program '{program}'"):
        read(f"command: {program} {{conversation_id}}")
