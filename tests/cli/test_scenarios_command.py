"""`vendorsim scenarios`: the list, one file, the schema."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from command_line import Vendorsim
from vendorsim.runs import library

FILES = library.built_in()


def test_json_is_a_list_of_names_titles_vendors_and_paths(vendorsim: Vendorsim) -> None:
    done = vendorsim("scenarios", "--json")
    assert (done.code, done.err) == (0, "")
    found = {entry["name"]: entry for entry in done.json}
    assert list(found) == sorted(FILES)
    for name, entry in found.items():
        document = yaml.safe_load(Path(entry["path"]).read_text(encoding="utf-8"))
        assert entry == {
            "name": name,
            "title": document["scenario"],
            "vendors": document["vendors"],
            "path": str(FILES[name]),
        }


def test_the_table_names_every_scenario(vendorsim: Vendorsim) -> None:
    done = vendorsim("scenarios")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines() if line.split()[0] in FILES] == sorted(FILES)


def test_show_prints_the_file_as_it_is(vendorsim: Vendorsim) -> None:
    done = vendorsim("scenarios", "show", "emoji-and-right-to-left")
    assert (done.code, done.err) == (0, "")
    assert done.out.encode() == FILES["emoji-and-right-to-left"].read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "returning-custmer"], "unknown scenario 'returning-custmer'; did you mean 'returning-customer'?"),
        (["show", "../pyproject"], "unknown scenario '../pyproject'; known: agent-goes-away, "),
        (["show"], "Missing argument 'NAME'"),
        (["shwo", "missed-chat"], "unknown command 'shwo'; did you mean 'show'?"),
        (["missed-chat"], "unknown command 'missed-chat'; known: show, schema"),
    ],
)
def test_what_does_not_exist(vendorsim: Vendorsim, arguments: list[str], message: str) -> None:
    done = vendorsim("scenarios", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


@pytest.mark.parametrize("arguments", [[], ["show"], ["schema"]])
def test_help_has_an_example(vendorsim: Vendorsim, arguments: list[str]) -> None:
    assert (
        "vendorsim scenarios"
        in vendorsim("scenarios", *arguments, "--help").out.split("Options:")[0].partition("\n\n")[2]
    )
