"""Sphinx extension: code blocks of the language `mermaid` are drawn when the site is built."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sequence_drawing import draw, read
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Mermaid(SphinxDirective):
    """A code block of the language `mermaid`."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        try:
            picture = draw(read("\n".join(self.content)))
        except ValueError as error:
            raise self.error(str(error)) from None
        return [nodes.raw("", f'<div class="sequence">{picture}</div>', format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the extension."""
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
