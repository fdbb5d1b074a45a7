"""What someone sees who writes our files in an editor: the real YAML language server reads the schemas that we ship."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from language_server import LanguageServer, language_server

SCHEMAS = Path(__file__).parents[2] / "docs/share/vendorsim/schemas"
PAGE = (Path(__file__).parents[2] / "docs" / "editors.md").read_text("utf-8")
# What the page shows for VS Code.
SETTINGS = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])["yaml.schemas"]
MODELINE = re.findall(r"^# yaml-language-server: .*\n", PAGE, re.MULTILINE)[0]
STORY = "scenario: A question\nvendors: [smartsupp]\nsteps:\n  - say: Where is my order?\n    after: 2s\n  - {}\n"
CONFIG = (
    "targets:\n  smartsupp:\n    - url: http://localhost:8000/hook\n      {}\npolicy:\n  smartsupp: {{redirects: 1}}\n"
)
TRAFFIC = (
    "traffic: Evening\nscenarios:\n  - scenario: missed-chat\n    vendor: smartsupp\n    {}\n"
    "arrivals: {{process: constant, rate: 5/s}}\nconversations: 2\n"
)
# Schema, text, and what is offered at the place `{}`.
OFFERS = [
    ("scenario", STORY, ["say", "close", "rate", "expect_call"]),
    ("config", CONFIG, ["secret_env", "probe", "events"]),
    ("traffic", TRAFFIC, ["weight", "profile", "faults"]),
]
# Schema, text, the typo at the place `{}`, and how the message begins.
TYPOS = [
    ("scenario", STORY, "sya: Hello", "Property sya is not allowed."),
    ("scenario", STORY, "say: {txt: Hello}", "Property txt is not allowed."),
    ("config", CONFIG, "secret_evn: SECRET", "Property secret_evn is not allowed."),
    ("traffic", TRAFFIC, "weigth: 3", "Property weigth is not allowed."),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("editor")
    # What an environment in the folder would have.
    shutil.copytree(SCHEMAS, folder / ".venv" / "share" / "vendorsim" / "schemas")
    return folder


@pytest.fixture(scope="module")
def editor(folder: Path) -> Iterator[LanguageServer]:
    with language_server(folder, SETTINGS) as server:
        yield server


def written(folder: Path, schema: str, text: str, name: str) -> Path:
    """A file whose first line names the schema, as in docs/editors.md."""
    modeline = MODELINE.replace("config-1", f"{schema}-1")
    path = folder / f"{name}.yaml"
    path.write_text(modeline + text)
    return path


def place(text: str, part: str) -> tuple[int, int]:
    """The line and column of a part of a text in its file, counted from 0. The modeline is line 0."""
    before = text[: text.index(part)]
    return before.count("\n") + 1, len(before) - before.rfind("\n") - 1


@pytest.mark.parametrize(("schema", "text", "offered"), OFFERS, ids=[row[0] for row in OFFERS])
def test_it_offers_the_keys_of_a_place(
    editor: LanguageServer, folder: Path, schema: str, text: str, offered: list[str]
) -> None:
    path = written(folder, schema, text.format(""), f"offers-{schema}")
    line, character = place(text.format("¦"), "¦")
    editor.open(path)
    found = editor.completions(path, line, character)
    assert [name for name in offered if name not in found] == []
    assert [name for name in offered if not found[name].get("documentation")] == []


def test_it_offers_the_vendors(editor: LanguageServer, folder: Path) -> None:
    path = written(folder, "config", "targets:\n  \n", "vendors")
    editor.open(path)
    assert {"userlike", "smartsupp", "messagehub", "chatvisor", "ccai"} <= editor.completions(path, 2, 2).keys()


@pytest.mark.parametrize(("schema", "text", "typo", "message"), TYPOS, ids=[row[2] for row in TYPOS])
def test_it_underlines_a_typo_at_its_place(
    editor: LanguageServer, folder: Path, schema: str, text: str, typo: str, message: str
) -> None:
    path = written(folder, schema, text.format(typo), f"typo-{schema}-{typo[:3]}")
    found = editor.open(path)
    key = typo.partition("{")[2].partition(":")[0] or typo.partition(":")[0]
    line, character = place(text.format(typo), key)
    # A step with a misspelt verb also lacks one: that is told at the same place.
    assert {tuple(told["range"]["start"].values()) for told in found} == {(line, character)}
    assert found[0]["message"] == message


def test_a_right_file_has_no_diagnostics(editor: LanguageServer, folder: Path) -> None:
    for schema, text, right in (
        ("scenario", STORY, "close"),
        ("config", CONFIG, "account: 3"),
        ("traffic", TRAFFIC, "weight: 3"),
    ):
        path = written(folder, schema, text.format(right), f"right-{schema}")
        assert editor.open(path) == []


@pytest.mark.parametrize(
    "name", ["vendorsim.yaml", "scenarios/refund.yaml", "refund.scenario.yaml", "evening.traffic.yaml"]
)
def test_the_settings_of_the_page_find_the_schema_by_the_name_of_a_file(
    editor: LanguageServer, folder: Path, name: str
) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("wrong: 1\n")
    assert "Property wrong is not allowed." in [told["message"] for told in editor.open(path)]


HOVERS = [
    ("scenario", STORY.format("close"), "after", "pause before this step"),
    ("scenario", STORY.format("close"), "say", "Someone writes a message"),
    ("config", CONFIG.format("account: 3"), "url", "where the webhooks go"),
    ("config", CONFIG.format("account: 3"), "redirects", "the maximum of redirects"),
    ("traffic", TRAFFIC.format("weight: 3"), "weight", "its share of the conversations"),
]


@pytest.mark.parametrize(("schema", "text", "key", "help"), HOVERS, ids=[row[2] for row in HOVERS])
def test_it_explains_a_key(editor: LanguageServer, folder: Path, schema: str, text: str, key: str, help: str) -> None:
    path = written(folder, schema, text, f"hover-{schema}-{key}")
    editor.open(path)
    line, character = place(text, f"{key}:")
    assert help in editor.hover(path, line, character + 1)
