"""docs/scenario-format.md tells the format as it is."""

from __future__ import annotations

import yaml
from golden import ROOT, hold
from vendorsim.runs.library import load_text
from vendorsim.scenario.parse import MODIFIERS
from vendorsim.scenario.parse import ROOT as KEYS
from vendorsim.scenario.verbs import PERSON, VERBS, Verb

DOCUMENT = ROOT / "docs" / "scenario-format.md"
BEGIN, END = "<!-- verbs -->\n", "<!-- /verbs -->\n"


def arguments(verb: type[Verb]) -> str:
    """The keys of a verb, shorthand first; or what it takes in place of keys."""
    if verb.shape.whole:
        return verb.shape.expected
    keys = list(verb.shape.record.keys)
    ordered = sorted(keys, key=lambda key: key != verb.shorthand)
    return ", ".join(f"**`{key}`**" if key == verb.shorthand else f"`{key}`" for key in ordered) or "–"


def verb_table() -> str:
    rows = [f"| `{name}` | {arguments(verb)} | {verb.__doc__} |" for name, verb in VERBS.items()]
    return "\n".join(("| verb | arguments (the shorthand in bold) | what happens |", "|---|---|---|", *rows)) + "\n"


def test_the_table_of_verbs_is_the_programs_own() -> None:
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    expected = f"{before}{BEGIN}{verb_table()}{END}{after}"
    hold(DOCUMENT, expected.encode(), "scenario/test_format_document.py")


def test_every_key_and_modifier_is_explained() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    assert rows == {*KEYS.keys, *MODIFIERS, *VERBS}
    visitor = text.partition("The **visitor** can have")[2].partition("**Agents**")[0]
    assert [key for key in PERSON if f"`{key}`" not in visitor] == []


def test_the_example_is_sound() -> None:
    example = DOCUMENT.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    assert yaml.safe_load(example)["scenario"] == load_text(example, "scenario-format.md").title
