"""`vendorsim capture drift`, overlays in commands, and `vendors --diff --fail-on`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from command_line import Vendorsim
from syrupy.assertion import SnapshotAssertion

STORY = """\
scenario: Small chat
vendors: [messagehub]
seed: 7
starts: 2026-01-05T09:00:00Z
cast:
  agents:
    ana: {name: Ana Novak, email: ana@example.com}
steps:
  - say: Hello
  - join: ana
    after: 6s
  - say: {by: ana, text: Hi}
    after: 2m
  - close: {by: ana}
    after: 3m
"""
BASE = "observed-4.18"
DRIFT = ("capture", "drift", "--vendor", "messagehub")
SARIF = Path(__file__).parents[1] / "reporting" / "sarif-2.1.0.schema.json"


@pytest.fixture
def capture(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A capture in which conversations have a new field, and messages have ids that are texts."""
    monkeypatch.chdir(tmp_path)
    Path("story.yaml").write_text(STORY)
    lines = vendorsim("generate", "story.yaml", "--vendor", "messagehub", "--profile", BASE).lines
    Path("clean.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for line in lines:
        body = line["body"]
        if body["event"] == "message_created":
            body["id"] = str(body["id"])
        conversation = body.get("conversation", body)
        if "can_reply" in conversation:
            conversation["kanban_state"] = "in progress"
    Path("seen.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Path("seen.jsonl")


@pytest.mark.usefixtures("capture")
class TestTheReport:
    def test_for_people(self, vendorsim: Vendorsim, snapshot: SnapshotAssertion) -> None:
        shown = vendorsim(*DRIFT, "--profile", BASE, "seen.jsonl")
        assert (shown.code, shown.err) == (1, "")
        assert shown.out == snapshot

    def test_without_drift(self, vendorsim: Vendorsim) -> None:
        shown = vendorsim(*DRIFT, "clean.jsonl", "--fail-on", "any")
        assert (shown.code, shown.err) == (0, "")
        assert shown.out.splitlines()[0] == "messagehub (observed-4.18)"
        assert shown.out.splitlines()[-1] == "passed: no drift"

    def test_for_programs(self, vendorsim: Vendorsim) -> None:
        """Every document is held to its schema where it is run."""
        document = vendorsim(*DRIFT, "--profile", BASE, "seen.jsonl", "--json").json
        assert (document["verdict"], document["fail_on"]) == ("failed", ["breaking"])
        assert [(each["kind"], each["field"], each["breaking"]) for each in document["findings"]] == [
            ("unknown", "/kanban_state", False),
            ("types", "/id", True),
        ]
        assert "in progress" not in json.dumps(document)

    def test_as_files(self, vendorsim: Vendorsim) -> None:
        files = ("--html", "drift.html", "--sarif", "drift.sarif", "--junit", "drift.xml")
        assert vendorsim(*DRIFT, "--profile", BASE, "seen.jsonl", *files).code == 1
        sarif = json.loads(Path("drift.sarif").read_bytes())
        jsonschema.Draft4Validator(json.loads(SARIF.read_bytes())).validate(sarif)
        assert [(row["ruleId"], row["level"]) for row in sarif["runs"][0]["results"]] == [
            ("drift.unknown", "note"),
            ("drift.types", "error"),
        ]
        suites = ElementTree.parse("drift.xml").getroot()
        assert (suites.get("failures"), suites.get("errors")) == ("1", "0")
        page = Path("drift.html").read_text("utf-8")
        assert "no contract describes this field" in page
        assert "kanban_state" in page
        assert "in progress" not in page

    @pytest.mark.parametrize(
        ("classes", "code"), [("breaking", 1), ("unknown", 1), ("missing,order", 0), ("any", 1), ("none", 0)]
    )
    def test_fails_on_what_was_asked(self, classes: str, code: int, vendorsim: Vendorsim) -> None:
        assert vendorsim(*DRIFT, "--profile", BASE, "seen.jsonl", "--fail-on", classes).code == code


@pytest.mark.usefixtures("capture")
class TestAnOverlay:
    @pytest.fixture
    def seen(self, vendorsim: Vendorsim) -> str:
        done = vendorsim(*DRIFT, "--profile", BASE, "seen.jsonl", "--propose", "seen")
        assert done.code == 1
        assert done.err.startswith(f"wrote seen: 6 changes of {BASE}; use it with --profile ./seen\n")
        return "./seen"

    def test_is_a_profile_of_every_command(self, seen: str, vendorsim: Vendorsim) -> None:
        chosen = ("--vendor", "messagehub", "--profile", seen)
        assert vendorsim(*DRIFT, "--profile", seen, "seen.jsonl", "--fail-on", "any").code == 0
        assert vendorsim("validate", *chosen, "seen.jsonl").code == 0
        lines = vendorsim("generate", "story.yaml", *chosen).lines
        messages = [line["body"] for line in lines if line["event"] == "message_created"]
        assert messages
        assert all(isinstance(body["id"], str) and body["conversation"]["kanban_state"] for body in messages)
        assert {line["profile"] for line in lines} == {seen}
        differing = vendorsim("vendors", "messagehub", "--diff", BASE, seen, "--fail-on", "breaking")
        assert differing.code == 1
        assert "✗ types message_created /id: another type is possible now" in differing.out

    def test_is_written_anew(self, seen: str, vendorsim: Vendorsim) -> None:
        done = vendorsim(*DRIFT, "--profile", BASE, "clean.jsonl", "--propose", "seen")
        assert (done.code, done.err) == (0, f"wrote seen: 0 changes of {BASE}; use it with --profile ./seen\n")
        assert vendorsim("validate", "--vendor", "messagehub", "--profile", seen, "seen.jsonl").code == 1


@pytest.mark.usefixtures("capture")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.jsonl",), "nowhere.jsonl"),
        (("seen.jsonl", "--fail-on", "unknwon"), "Error: --fail-on: unknown class 'unknwon'; did you mean 'unknown'?"),
        (("seen.jsonl", "--fail-on", "none,any"), "Error: --fail-on: 'none' can't be combined with other classes"),
        (("seen.jsonl", "--profile", "./nowhere"), "Error: nowhere: there is no such folder; --profile takes a name"),
        (("seen.jsonl", "--profile", "observd"), "Error: unknown profile of messagehub 'observd'"),
        (
            ("seen.jsonl", "--html", "x", "--junit", "x"),
            "Error: --junit x: --html writes to the same file",
        ),
        (("seen.jsonl", "--html", "no/x"), "Error: --html no/x: can't be written: "),
        (("seen.jsonl", "--propose", "."), "Error: .: is not empty ("),
        (("seen.jsonl", "--propose", "seen.jsonl"), "Error: seen.jsonl: can't be written: Not a directory"),
        ((), "Missing argument 'FILE...'"),
    ],
)
def test_wrong_input(arguments: tuple[Any, ...], message: str, vendorsim: Vendorsim) -> None:
    done = vendorsim(*DRIFT, *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


class TestVendorsDiff:
    def test_says_what_fails_once_and_last(self, vendorsim: Vendorsim) -> None:
        versions = ("observed-4.17", "observed-4.18")
        done = vendorsim("vendors", "messagehub", "--diff", *versions, "--fail-on", "breaking")
        assert done.code == 1
        assert done.out.splitlines()[-3:] == [
            "✗ values conversation_created /meta/assignee_type, and 10 other places: other values are possible now",
            "✗ values conversation_created /meta/assignee/type, and 10 other places: other values are possible now",
            "failed: 2 differences of the class breaking",
        ]
        assert vendorsim("vendors", "messagehub", "--diff", *versions, "--fail-on", "missing").code == 0
        assert vendorsim("vendors", "messagehub", "--diff", *versions).code == 0

    def test_for_programs(self, vendorsim: Vendorsim) -> None:
        done = vendorsim("vendors", "messagehub", "--diff", "observed-4.17", BASE, "--fail-on", "any", "--json")
        assert done.code == 1
        assert {"class", "breaking", "event", "path", "message"} == set(done.json["for_receivers"][0])

    def test_needs_two_profiles(self, vendorsim: Vendorsim) -> None:
        done = vendorsim("vendors", "messagehub", "--fail-on", "any")
        assert done.code == 2
        assert "--fail-on says which differences fail: give --diff, too" in done.err
