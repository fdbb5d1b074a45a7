"""What tests of the journal share: a short chat, played with a journal of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from command_line import Completed, Vendorsim
from receiver import Receiver

STORY = """\
scenario: Short chat
vendors: [userlike, messagehub, smartsupp]
seed: 7
starts: 2026-01-05T09:00:00Z
cast:
  visitor: {name: Dana Kessler, identifier: crm-4711}
  agents: {ana: {name: Ana Novak}}
steps:
  - say: Grüße 👋
  - join: ana
    after: 5s
  - say: {by: ana, text: Hi}
  - close: {by: ana}
    after: 19s
"""
"""Five events of Userlike, five of MessageHub, one of Smartsupp."""
ONCE = ("--policy", "retries=none")


class Desk:
    """Plays the story and asks the journal, `file`, about it."""

    def __init__(self, vendorsim: Vendorsim, folder: Path) -> None:
        self._vendorsim = vendorsim
        self.file = folder / "kept.sqlite"
        self.story = folder / "story.yaml"
        self.story.write_text(STORY, encoding="utf-8")

    def play(self, target: Receiver | str, *arguments: object, vendor: str = "userlike") -> Completed:
        url = target if isinstance(target, str) else target.url()
        given = ("--vendor", vendor, "--to", url, "--journal", self.file, "--json")
        return self._vendorsim("play", self.story, *given, *arguments)

    def start(self, target: Receiver, *arguments: object) -> subprocess.Popen[str]:
        """The same in a process of its own."""
        given = ("play", self.story, "--vendor", "userlike", "--to", target.url(), "--journal", self.file, "--json")
        return subprocess.Popen(
            [sys.executable, "-m", "vendorsim", *map(str, (*given, *arguments))],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def journal(self, name: str, *arguments: object) -> Completed:
        return self._vendorsim("journal", name, "--journal", self.file, *arguments)

    def rows(self, *arguments: object) -> list[dict[str, Any]]:
        """What `journal list` lists."""
        listed: list[dict[str, Any]] = self.journal("list", "--json", *arguments).json
        return listed

    def show(self, number: int) -> dict[str, Any]:
        shown: dict[str, Any] = self.journal("show", number, "--json").json
        return shown

    @property
    def bytes(self) -> bytes:
        """Every byte that is kept, SQLite's own helper files included."""
        return b"".join(path.read_bytes() for path in sorted(self.file.parent.glob(self.file.name + "*")))


def attempts(played: Completed) -> list[dict[str, Any]]:
    assert played.lines, played.err
    return [line for line in played.lines if line["type"] == "attempt"]
