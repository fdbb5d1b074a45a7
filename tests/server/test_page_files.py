"""The files of the workbench: small, and with nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

from vendorsim.server.page import FILES
from vendorsim.vendorkit.web_pages import STYLES

MOST_BYTES = 400_000
# What loads something: an address of another host in a link, an import, or a style.
FOREIGN = re.compile(
    r"""(?:src|href)=["'](?:https?:)?//|@import|url\(["']?https?:|from ["']https?:|import\(["']https?:"""
)


def files() -> list[Path]:
    """The page's own files. The editor is built of others' packages, and has tests of its own."""
    own = (path for path in FILES.rglob("*") if path.is_file() and path.parent.name != "codemirror")
    return sorted([*own, *STYLES.values()])


def test_they_are_small_together() -> None:
    assert sum(path.stat().st_size for path in files()) < MOST_BYTES


def test_they_load_nothing_from_elsewhere() -> None:
    assert [path.name for path in files() if FOREIGN.search(path.read_text(encoding="utf-8"))] == []


def test_the_page_has_no_script_or_style_of_its_own() -> None:
    page = FILES.joinpath("index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bon\w+=|\bstyle=", page) == []
