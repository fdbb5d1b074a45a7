"""What our Sphinx extensions make of the pages, without Sphinx. `make docs` builds the site and checks its links."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import markdown_twins
import navigation
import pytest
import sequence_drawing
from shown import ROOT

FIRST = (ROOT / "docs" / "index.md").read_text("utf-8")
DIAGRAMS = [
    pytest.param(text, id=f"{page.name}-{number}")
    for page in sorted((ROOT / "docs").rglob("*.md"))
    for number, text in enumerate(re.findall(r"^```mermaid\n(.*?)^```", page.read_text("utf-8"), re.M | re.S))
]


def pages() -> set[Path]:
    """All pages of the site but the first."""
    found = {*(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/README.md")}
    return found - {ROOT / "docs" / "index.md"} | {ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"}


def test_the_first_page_lists_every_page_once() -> None:
    listed = [ROOT / "docs" / f"{page}.md" for page in navigation._ITEM.findall(FIRST)]
    assert len(listed) == len(set(listed))
    assert {path.resolve() for path in listed} == pages()


def test_llms_txt_has_the_form_of_llmstxt_org() -> None:
    title, empty, summary, *rest = markdown_twins.llms(FIRST, "docs").splitlines()
    assert (title, empty, summary[:2]) == ("# vendorsim", "", "> ")
    assert all(re.fullmatch(r"(## .+|- \[.+\]\(.+\.md\)(: .+)?|)", line) for line in rest)
    assert {ROOT / page for page in re.findall(r"^- \[.*?\]\((.*?)\)", "\n".join(rest), re.M)} == pages()


def test_each_section_of_the_first_page_becomes_navigation() -> None:
    source = ["# A\n\n## One\n\n- [B](b.md): text\n- [C](../c.md)\n\n## Two\n\nNo list, [D](d.md).\n"]

    class App:
        class config:
            root_doc = "docs/index"

    navigation._add_toctrees(App, "docs/index", source)  # type: ignore[arg-type]
    assert source[0].count("```{toctree}") == 1
    assert "\n:caption: One\n\nb\n../c\n```\n" in source[0]


@pytest.mark.parametrize("text", DIAGRAMS)
def test_a_diagram_of_the_pages_is_drawn_whole(text: str) -> None:
    diagram = sequence_drawing.read(text)
    drawn = ElementTree.fromstring(sequence_drawing.draw(diagram))
    shown = " ".join(element.text or "" for element in drawn.iter("text"))
    for said in re.findall(r": (.+)$", text, re.M):
        assert " ".join(said.split()) in shown
    arrows = [path for path in drawn.iter("path") if path.get("marker-end")]
    assert len(arrows) == len(re.findall(r">>", text))


@pytest.mark.parametrize("line", ["loop every minute", "A->>B", "A->>Z: to nobody", "A-xB: lost"])
def test_what_is_not_drawn_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"'{line}'")):
        sequence_drawing.read(f"sequenceDiagram\n  participant A\n  participant B\n  {line}\n")


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def test_the_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text("utf-8")):
        path, _, anchor = target.partition("#")
        assert (ROOT / path).exists(), target
        headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text("utf-8"), re.M) if anchor else []
        assert not anchor or anchor in map(slug, headings), target
