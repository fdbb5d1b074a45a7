"""Sphinx extension: the Markdown of each page beside it in the site, and `llms.txt`, a list of all pages.

See llmstxt.org for the form. Readers of both are programs that do without HTML.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

_START = """\
<!doctype html>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={page}">
<a href="{page}">{title}</a>
"""
_LINE = re.compile(r"^[A-Za-z`*].*?(?=\n\n|\n```|\n\||\Z)", re.MULTILINE | re.DOTALL)


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
    out, pages = Path(app.outdir), app.env.found_docs
    for page in pages:
        twin = out / f"{page}.md"
        twin.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(app.env.doc2path(page), twin)
    titles = {page: app.env.titles[page].astext() for page in pages}
    root = app.config.root_doc
    lines = [f"# {app.config.project}", "", f"> {_summary(app, root)}", ""]
    for caption, group in _groups(app, root):
        lines += [f"## {caption}", ""]
        lines += [f"- [{titles[page]}]({page}.md): {_summary(app, page)}" for page in group]
        lines.append("")
    (out / "llms.txt").write_text("\n".join(lines), encoding="utf-8")
    (out / "index.html").write_text(_START.format(page=f"{root}.html", title=app.config.project), encoding="utf-8")


def _groups(app: Sphinx, root: str) -> list[tuple[str, list[str]]]:
    """The pages below each caption of the navigation."""
    from sphinx.addnodes import toctree

    found = []
    for tree in app.env.get_doctree(root).findall(toctree):
        pages = [page for _, page in tree["entries"]]
        found.append((tree["caption"] or app.config.project, [p for page in pages for p in _below(app, page)]))
    return found


def _below(app: Sphinx, page: str) -> list[str]:
    """A page and all pages of its own navigation."""
    return [page, *(p for below in app.env.toctree_includes.get(page, []) for p in _below(app, below))]


def _summary(app: Sphinx, page: str) -> str:
    """The first paragraph of a page, on one line, without the targets of links."""
    text = Path(app.env.doc2path(page)).read_text(encoding="utf-8")
    found = _LINE.search(re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))
    line = " ".join(found[0].split()) if found else ""
    line = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", line)
    return line if len(line) <= 300 else line[:297].rpartition(" ")[0] + " …"
