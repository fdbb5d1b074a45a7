"""Runs `vendorsim check` with every report, and holds each to the schema that its readers use."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import xmlschema
from command_line import Completed, Vendorsim

HERE = Path(__file__).parent
# Those with an option of their own, and those of --report.
FILES = {"junit": "junit.xml", "html": "report.html", "sarif": "report.sarif"}
MORE_FILES = ("report.ctrf.json", "report.codequality.json", "report.md", "report.json", "report.github.txt")
# What GitLab's documentation of code quality reports asks for.
CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "pattern": "^[^\\n]+$"},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]+$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^./]"},
                    "lines": {"properties": {"begin": {"type": "integer", "minimum": 1}}, "required": ["begin"]},
                },
            },
        },
    },
}
# A workflow command of GitHub Actions.
ANNOTATION = re.compile(r"::(error|warning) (?:file=([^,:]+),line=(\d+),)?title=([^:,]+)::([^\r\n]+)")


@dataclass(frozen=True)
class Reports:
    """What a run left behind, each part parsed."""

    code: int
    out: str
    junit: ElementTree.Element
    html: Page
    sarif: Any
    json: Any
    ctrf: Any
    quality: Any
    markdown: str
    annotations: list[tuple[str, str, str, str, str]]
    """Level, file, line, title and message; file and line may be empty."""

    def cases(self, kind: str) -> list[str]:
        """The ids of the checks whose test case holds such an element."""
        return [case.get("name", "") for case in self.junit.iter("testcase") if case.find(kind) is not None]


def options(folder: Path) -> list[str]:
    """The options that ask for every report file."""
    named = [word for kind, name in FILES.items() for word in (f"--{kind}", str(folder / name))]
    return named + [word for name in MORE_FILES for word in ("--report", str(folder / name))]


def run(vendorsim: Vendorsim, folder: Path, *arguments: object, vendor: str = "smartsupp") -> Reports:
    """`vendorsim check --json` with every report."""
    return read(vendorsim("check", "--vendor", vendor, *arguments, "--json", *options(folder)), folder)


def read(completed: Completed, folder: Path) -> Reports:
    """Reads and validates the files of a run."""
    assert completed.out, completed.err
    junit = (folder / FILES["junit"]).read_bytes()
    _junit_schema().validate(junit.decode())
    sarif = json.loads((folder / FILES["sarif"]).read_bytes())
    jsonschema.Draft4Validator(_sarif_schema()).validate(sarif)
    ctrf, quality, markdown, document, commands = ((folder / name).read_text("utf-8") for name in MORE_FILES)
    jsonschema.Draft7Validator(_ctrf_schema()).validate(json.loads(ctrf))
    jsonschema.Draft202012Validator(CODE_QUALITY).validate(json.loads(quality))
    assert json.loads(document) == json.loads(completed.out)
    annotations = [ANNOTATION.fullmatch(line) for line in commands.splitlines()]
    assert None not in annotations, commands
    return Reports(
        code=completed.code,
        out=completed.out,
        junit=ElementTree.fromstring(junit),
        html=page((folder / FILES["html"]).read_text("utf-8")),
        sarif=sarif["runs"][0],
        json=json.loads(completed.out),
        ctrf=json.loads(ctrf)["results"],
        quality=json.loads(quality),
        markdown=markdown,
        annotations=[tuple(part or "" for part in found.groups()) for found in annotations if found],  # type: ignore[misc]
    )


@cache
def _junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(HERE / "jenkins-junit.xsd")


@cache
def _sarif_schema() -> Any:
    return json.loads((HERE / "sarif-2.1.0.schema.json").read_bytes())


@cache
def _ctrf_schema() -> Any:
    return json.loads((HERE / "ctrf.schema.json").read_bytes())


def steady(text: str) -> str:
    """The text of a report without what differs between two runs: ports, times, versions."""
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r'time="[\d.]+"', 'time="0.000"', text)
    text = re.sub(r"; \d+ s$", "; 0 s", text, flags=re.MULTILINE)
    text = re.sub(r'timestamp="[^"]+"', 'timestamp="NOW"', text)
    text = re.sub(r'(name="(?:vendorsim|Faker)" value=)"[^"]+"', r'\1"VERSION"', text)
    text = re.sub(r"(?i)((?:user-agent|content-length): )[^\n]+", r"\1…", text)
    return re.sub(r"\n    {.*", "\n    {…}", text)


class Page(HTMLParser):
    """An HTML page: its elements, and the text in them."""

    VOID = frozenset({"meta", "br", "img", "input", "link", "hr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def attributes(self, name: str) -> list[str]:
        """The values of an attribute, wherever it stands."""
        return [value or "" for _, attributes in self.elements for key, value in attributes.items() if key == name]

    def text(self, tag: str) -> list[str]:
        """The texts of the elements of that name."""
        return [text.strip() for text in self.texts.get(tag, []) if text.strip()]


def page(text: str) -> Page:
    """Parses a page; every element must be closed."""
    parsed = Page()
    parsed.feed(text)
    parsed.close()
    assert not parsed.open
    return parsed
