"""The surface that docs/stability.md promises is that of tests/surface.txt.

A line that goes away breaks somebody: it needs a new major version. A line that is new is for the changelog.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import surface
from command_line import Completed, Vendorsim
from ports import free_port
from receiver import Receiver, status

KEPT = Path(__file__).with_name("surface.txt")
TRAFFIC = """\
traffic: Three chats
scenarios: [{scenario: everyday-chat, vendor: smartsupp, weight: 1}]
arrivals: {process: constant, rate: 100/s}
conversations: 3
"""
STORY = """\
scenario: A number
vendors: [messagehub]
starts: 2026-01-05T09:00:00Z
cast: {visitor: {}}
steps: [say: Hello]
"""


class Runs:
    """Commands that are run for their exit codes and their JSON documents."""

    def __init__(self, vendorsim: Vendorsim, folder: Path) -> None:
        self._vendorsim = vendorsim
        self.lines: list[str] = []
        self._documents: defaultdict[str, list[Any]] = defaultdict(list)
        self.traffic = folder / "traffic.yaml"
        self.traffic.write_text(TRAFFIC)
        self.story = folder / "story.yaml"
        self.story.write_text(STORY)

    def run(self, why: str, *arguments: object, input: bytes = b"") -> Completed:
        """Runs a command; its exit code is promised, and `why` says what for."""
        done = self._vendorsim(*arguments, input=input)
        self.lines.append(f"exit code {done.code}: {why}")
        return done

    def told(self, name: str, *arguments: object, lines: bool = False, input: bytes = b"") -> None:
        """Runs a command; the keys of its JSON document, or of its JSON Lines, are promised."""
        done = self._vendorsim(*arguments, input=input)
        for document in done.lines if lines else [done.json]:
            # Lines are of several kinds: attempts, calls, a summary.
            kind = document.get("type") if lines else None
            self._documents[f"{name}, {kind}" if kind else name].append(document)

    def keys(self) -> Iterator[str]:
        for name, documents in self._documents.items():
            yield from surface.json_keys(name, *documents)


def ran(vendorsim: Vendorsim, folder: Path) -> Iterator[str]:
    runs = Runs(vendorsim, folder)
    with Receiver() as good, Receiver(status(500)) as bad:
        played = ("play", "everyday-chat", "--vendor", "smartsupp")
        checked = ("check", "--vendor", "smartsupp", "--only", "accepts.typical,rejects.wrong_type")
        runs.run("all well", *played, "--to", good.url())
        runs.run("the integration failed (play)", *played, "--to", bad.url())
        runs.run("the integration failed (check)", *checked, "--to", bad.url())
        runs.run("a captured payload breaks its contract", "validate", "--vendor", "smartsupp", "-", input=b"{}")
        runs.run("the input is wrong (command line)", "play", "everyday-chat")
        runs.run("the input is wrong (scenario)", "lint", "-", input=b"a: b")
        runs.run("the target can't be reached", *played, "--to", f"http://127.0.0.1:{free_port()}/")
        runs.run("check could not judge what was asked for", *checked, "--require", "fuzz", "--to", good.url())
        runs.told("check", *checked, "--to", good.url(), "--json")
        runs.told("check", *checked, "--to", bad.url(), "--json")
        runs.told("play", *played, "--to", good.url(), "--json", lines=True)
        runs.told("load", "load", runs.traffic, "--to", good.url(), "--json")
        runs.told("journal list", "journal", "list", "--json")
        runs.told("journal show", "journal", "show", "1", "--json")
        runs.told("journal resend", "journal", "resend", "1", "--json")
        runs.told("journal export", "journal", "export", lines=True)
    runs.told("generate", "generate", runs.story, "--vendor", "messagehub", lines=True)
    runs.told("validate", "validate", "--vendor", "smartsupp", "-", "--json", input=b"{}")
    runs.told("lint", "lint", "-", "--json", input=b"a: b")
    runs.told("scenarios", "scenarios", "--json")
    runs.told("faults", "faults", "--json")
    runs.told("vendors", "vendors", "--json")
    runs.told("vendors --diff", "vendors", "chatvisor", "--diff", "documented", "engage", "--json")
    yield from runs.lines
    yield from runs.keys()


def test_the_surface_is_what_is_kept(vendorsim: Vendorsim, tmp_path: Path) -> None:
    parts = (
        surface.commands(),
        surface.errors(),
        surface.python_names(),
        surface.plugin(),
        surface.formats(),
        surface.checks(),
        surface.control_api(),
        ran(vendorsim, tmp_path),
    )
    found = sorted({line for part in parts for line in part})
    if os.environ.get("UPDATE_STORED"):
        KEPT.write_text("\n".join(found) + "\n")
    kept = KEPT.read_text().splitlines()
    gone, new = sorted({*kept} - {*found}), sorted({*found} - {*kept})
    if gone or new:
        told = [
            "The surface has changed.",
            *(f"- {line}" for line in gone),
            *(f"+ {line}" for line in new),
            "What is gone needs a new major version (docs/stability.md); write what is new into CHANGELOG.md.",
            "Then: UPDATE_STORED=1 pytest -n0 tests/test_surface.py",
        ]
        pytest.fail("\n".join(told), pytrace=False)
