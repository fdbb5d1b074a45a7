"""Sphinx extension: the navigation of the site is the lists of links on the first page.

Below each heading of `docs/index.md`, the list items that begin with a link to a page become a part of the navigation.
So the page reads well on GitHub, and no page is in one list and not in the other: Sphinx warns of pages in none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_SECTION = re.compile(r"^## (?P<title>.+)\n(?P<text>(?:(?!^## ).*\n?)*)", re.MULTILINE)
_ITEM = re.compile(r"^- \[[^\]]+\]\((?P<page>[^)#:]+)\.md\)", re.MULTILINE)


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the extension."""
    app.connect("source-read", _add_toctrees)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add_toctrees(app: Sphinx, page: str, source: list[str]) -> None:
    if page == app.config.root_doc:
        source[0] = _SECTION.sub(_with_toctree, source[0])


def _with_toctree(section: re.Match[str]) -> str:
    pages = _ITEM.findall(section["text"])
    if not pages:
        return section[0]
    tree = "\n".join(["```{toctree}", ":hidden:", f":caption: {section['title']}", "", *pages, "```"])
    return f"{section[0].rstrip()}\n\n{tree}\n\n"
