"""Self-contained HTML pages from the templates of this room."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vendorsim.reporting.text import counted, one_line, visible

PAGES_STYLE = "report.css"
"""The style of reports that have no style of their own."""


def page(template: str, style: str = PAGES_STYLE, **values: Any) -> bytes:
    """Renders a template with its style in it, in UTF-8. Invisible characters in values are shown as escapes."""
    text = environment().get_template(template).render(style=Markup(source(style)), **values)
    return text.encode("utf-8", "backslashreplace")


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("vendorsim.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Jinja calls this for every printed value, so that no template can forget it.
    made.finalize = lambda value: visible(value) if type(value) is str else value
    made.filters |= {
        "line": one_line,
        "plural": counted,
        "ms": lambda value: "–" if value is None else f"{value:.1f}",
    }
    return made


def source(name: str) -> str:
    """The text of a file beside the templates."""
    loader = environment().loader
    assert loader is not None
    return loader.get_source(environment(), name)[0]
