"""`check` against receivers that have nothing in common with the helpdesk: Node, PHP, FastAPI, each right and wrong."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from command_line import Vendorsim
from ports import free_port

HERE = Path(__file__).parent
FAMILIES = ("accepts", "tolerates", "rejects")


@dataclass(frozen=True)
class Stack:
    """How a receiver is started; its bug is named by the environment variable BUG or the last argument."""

    name: str
    command: tuple[str, ...]
    installed: bool
    bug: str
    finds: frozenset[str]
    """The checks that name the bug."""


PHP = ("php", "-d", "display_errors=0", "-S", "127.0.0.1:{port}", str(HERE / "receiver.php"))
UVICORN = (sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "--port", "0", "receiver_fastapi:app")
STACKS = (
    Stack(
        "node",
        ("node", str(HERE / "receiver.js")),
        shutil.which("node") is not None,
        "spelled-header",
        frozenset({"tolerates.header_case"}),
    ),
    Stack(
        "php",
        PHP,
        shutil.which("php") is not None,
        "unread-null",
        frozenset({"rejects.broken_json", "rejects.no_object", "rejects.deep_nesting"}),
    ),
    Stack(
        "fastapi",
        UVICORN,
        all(map(importlib.util.find_spec, ("fastapi", "uvicorn"))),
        "strict-keys",
        frozenset({"tolerates.unknown_field"}),
    ),
)


@contextmanager
def receiver(stack: Stack, bug: str = "") -> Iterator[str]:
    """The receiver in a process of its own; yields its URL, which it prints when it is ready."""
    if not stack.installed:
        pytest.skip(f"{stack.name} is not installed")
    command = [part.format(port=free_port()) if "{port}" in part else part for part in stack.command]
    command += [bug] if bug and stack.name == "node" else []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "BUG": bug}
    ) as process:
        assert process.stdout is not None
        reader = Thread()
        try:
            said = []
            for line in process.stdout:
                said.append(line)
                if found := re.search(r"http://127\.0\.0\.1:[0-9]+", line):
                    break
            else:
                pytest.fail(f"{stack.name} did not start: {''.join(said)}")
            # Nobody reads what it says from now on, but a full pipe would stop it.
            reader = Thread(target=deque, args=(process.stdout, 0))
            reader.start()
            yield found[0]
        finally:
            process.terminate()
            reader.join()


@pytest.mark.slow
@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_a_correct_receiver_passes_without_a_word(stack: Stack, vendorsim: Vendorsim) -> None:
    with receiver(stack) as url:
        verdict = vendorsim("check", "--vendor", "smartsupp", "--to", url, "--json").json
    assert verdict["findings"] == []
    assert verdict["verdict"] == "passed"
    judged = {check["id"].partition(".")[0] for check in verdict["checks"] if check["status"] == "passed"}
    assert judged >= set(FAMILIES)


@pytest.mark.slow
@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_the_bug_of_its_twin_is_found(stack: Stack, vendorsim: Vendorsim) -> None:
    with receiver(stack, stack.bug) as url:
        done = vendorsim("check", "--vendor", "smartsupp", "--to", url, "--json")
    assert done.code == 1
    assert {check for finding in done.json["findings"] for check in finding["checks"]} == stack.finds
