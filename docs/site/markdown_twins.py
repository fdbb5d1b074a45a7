"""Sphinx extension: the Markdown of each page beside it in the site, and `llms.txt`, a list of all pages.

See llmstxt.org for its form, which is nearly that of the first page. Readers of both are programs that do without HTML.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_START = """\
<!doctype html>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={page}">
<a href="{page}">{title}</a>
"""
_LINK = re.compile(r"\]\((?P<page>[^):]+\.md)")


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the extension."""
    app.connect("html-page-context", _link_twin)
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _link_twin(app: Sphinx, page: str, template: str, context: dict[str, Any], document: Any) -> None:
    """Names the twin in the page's head."""
    if document is not None:
        twin = f'<link rel="alternate" type="text/markdown" href="{page.rpartition("/")[2]}.md">'
        context["metatags"] = context.get("metatags", "") + twin


def _write(app: Sphinx, error: Exception | None) -> None:
    """Writes the twins, `llms.txt`, and a start page that leads to the first page."""
    if error is not None or app.builder.format != "html":
        return
    out, root = Path(app.outdir), app.config.root_doc
    for page in app.env.found_docs:
        twin = out / f"{page}.md"
        twin.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(app.env.doc2path(page), twin)
    first = Path(app.env.doc2path(root)).read_text(encoding="utf-8")
    (out / "llms.txt").write_text(llms(first, posixpath.dirname(root)), encoding="utf-8")
    (out / "index.html").write_text(_START.format(page=f"{root}.html", title=app.config.project), encoding="utf-8")


def llms(first: str, folder: str) -> str:
    """`llms.txt`, from the Markdown of the first page, which lies in the folder: title, summary, sections of links."""
    title, summary, _ = first.split("\n\n", 2)
    sections = first[first.index("\n## ") :]
    linked = _LINK.sub(lambda link: f"]({posixpath.normpath(posixpath.join(folder, link['page']))}", sections)
    return f"{title}\n\n> {' '.join(summary.split())}\n{linked}"
