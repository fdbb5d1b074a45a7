"""`vendorsim scenarios from`: a scenario file for each conversation of a capture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Vendorsim

CHATVISOR = ("--vendor", "chatvisor", "--profile", "engage")
STORY = """\
scenario: Small chat
vendors: [chatvisor]
starts: 2026-01-05T09:00:00Z
steps:
  - say: Hello
  - say: {text: Bye}
    after: 20s
"""


@pytest.fixture
def capture(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two conversations."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "story.yaml").write_text(STORY)
    path = tmp_path / "hooks.jsonl"
    path.write_text(vendorsim("generate", "story.yaml", *CHATVISOR, "--count", 2, "--no-vary").out)
    return path


def test_each_conversation_becomes_a_file(vendorsim: Vendorsim, capture: Path, tmp_path: Path) -> None:
    done = vendorsim("scenarios", "from", capture, *CHATVISOR, "-o", "made/here")
    assert (done.code, done.out) == (0, "")
    files = sorted((tmp_path / "made" / "here").iterdir())
    assert len(files) == 2
    for file in files:
        assert f"{file.relative_to(tmp_path)}: 2 steps for 3 webhooks" in done.err
        assert vendorsim("lint", file).code == 0
        assert file.read_text().partition("steps:")[2] == "\n  - say: Hello\n  - say: Bye\n    after: 20s\n"


def test_a_scenario_is_printed_without_a_folder(vendorsim: Vendorsim, capture: Path) -> None:
    done = vendorsim("scenarios", "from", capture, *CHATVISOR)
    assert done.code == 0
    first, second = done.out.split("---\n")
    assert first.startswith(f"# {capture}: 3 webhooks of chatvisor (engage).\n")
    assert "steps:" in second


def test_json_has_the_text_or_the_file(vendorsim: Vendorsim, capture: Path) -> None:
    printed = vendorsim("scenarios", "from", capture, *CHATVISOR, "--json").json
    assert [(each["webhooks"], each["steps"], each["raw"], each["differing"]) for each in printed] == [(3, 2, 0, 0)] * 2
    assert all(each["text"].startswith("# ") for each in printed)
    written = vendorsim("scenarios", "from", capture, *CHATVISOR, "--json", "-o", "made").json
    assert [Path(each["file"]).read_text() for each in written] == [each["text"] for each in printed]


def test_a_file_is_overwritten_only_by_force(vendorsim: Vendorsim, capture: Path) -> None:
    command = ("scenarios", "from", capture, *CHATVISOR, "-o", "made")
    assert vendorsim(*command).code == 0
    again = vendorsim(*command)
    assert again.code == 2
    assert "the file exists; --force overwrites it" in again.err
    assert vendorsim(*command, "--force").code == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the capture holds no webhook"),
        ("no JSON", "the capture holds no webhook"),
        (json.dumps({"log": {"entries": []}}), "the capture holds no webhook"),
    ],
)
def test_bad_input(vendorsim: Vendorsim, tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    done = vendorsim("scenarios", "from", path, *CHATVISOR)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_folder_that_is_a_file(vendorsim: Vendorsim, capture: Path) -> None:
    done = vendorsim("scenarios", "from", capture, *CHATVISOR, "-o", capture)
    assert done.code == 2
    assert "the folder can't be made" in done.err


def test_what_is_no_json_object_has_no_scenario(vendorsim: Vendorsim, tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    path.write_text("[1, 2]")
    done = vendorsim("scenarios", "from", path, *CHATVISOR)
    assert (done.code, done.out) == (0, "")
    assert "no webhook is a JSON object" in done.err
