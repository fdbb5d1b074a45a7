"""The commands that documents show, as a reader types them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SHELL = ("", "sh", "console")
# The keys of CI systems below which commands stand.
RUN = ("run", "script", "command", "bash")
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^\*\*`(?P<name>[^`]+)`\*\*\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
# What a line of a terminal begins with, where the block holds no prompts.
_PROGRAM = re.compile(
    r"(?:[A-Z_]+=\S+ )*(?:vendorsim|pip|pipx|curl|python3?|flask|pytest|make|man|export|docker|npm|php|node)\b"
)


@dataclass(frozen=True)
class Line:
    """A line of a terminal. `settings` stand before the command, as in `A=1 python app.py`; its output goes to the file
    `output`."""

    text: str
    words: tuple[str, ...]
    settings: dict[str, str]
    output: str | None

    @property
    def program(self) -> str:
        return self.words[0] if self.words else ""


def documents() -> list[Path]:
    """All pages, and the documents beside them."""
    pages = sorted((ROOT / "docs").rglob("*.md"))
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *pages, *sorted((ROOT / "examples").rglob("README.md"))]


def files(document: Path) -> dict[str, str]:
    """The files that a page shows whole, by the names that stand before them."""
    return {found["name"]: found["text"] for found in _FILE.finditer(document.read_text(encoding="utf-8"))}


def lines(document: Path) -> Iterator[Line]:
    """The commands of the terminal in a document, in order; those in recipes of CI systems, too."""
    for block in _FENCE.finditer(document.read_text(encoding="utf-8")):
        text = re.sub(rf"^{block['indent']}", "", block["text"], flags=re.MULTILINE)
        if block["language"] in SHELL:
            commands = _whole(text)
        elif block["language"] in ("yaml", "yml"):
            commands = iter(_of_recipe(text))
        else:
            continue
        for command in commands:
            if block["language"] == "console":
                prompt, _, command = command.partition("$ ")
                if prompt:
                    continue
            if _PROGRAM.match(command):
                yield _line(command)


def _whole(text: str) -> Iterator[str]:
    """The lines of a block, each with those that continue it: by a backslash, or within quotes."""
    whole = ""
    for line in text.splitlines():
        whole += line
        if whole.endswith("\\"):
            whole = whole[:-1].rstrip() + " "
            continue
        try:
            shlex.split(whole, comments=True)
        except ValueError:
            whole += "\n"
            continue
        yield whole.strip()
        whole = ""


def _of_recipe(text: str) -> Iterator[str]:
    """The commands of vendorsim in a recipe of a CI system."""

    def walk(node: Any, runs: bool = False) -> Iterator[str]:
        if isinstance(node, dict):
            for key, inner in node.items():
                yield from walk(inner, key in RUN)
        elif isinstance(node, list):
            for inner in node:
                yield from walk(inner, runs)
        elif isinstance(node, str) and runs:
            yield from (line for line in _whole(node) if line.startswith("vendorsim "))

    try:
        return walk(yaml.safe_load(text))
    except yaml.YAMLError:
        return iter(())


def _line(text: str) -> Line:
    """The words up to a pipe or the end, what stands before them, and where the output goes."""
    words = shlex.split(text, comments=True)
    settings = {}
    while words and re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        settings[name] = value
    output = None
    for sign in ("|", ">", "&"):
        if sign in words:
            position = words.index(sign)
            output = words[position + 1] if sign == ">" else output
            words = words[:position]
    return Line(text, tuple(words), settings, output)
