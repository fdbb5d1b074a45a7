"""Escapes texts for reports: answers of an integration may have characters that break or forge a report."""

from __future__ import annotations

import re
import textwrap
from typing import Any

# Columns of a text report that is not on a terminal.
COLUMNS = 100

# Control characters except tab and line feed, bidirectional marks, surrogates, and the noncharacters U+FFFE and U+FFFF.
# XML 1.0 forbids most of them, and a terminal interprets some.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    """Returns the text with invisible characters as escapes such as `\\x1b`; line feeds and tabs stay."""
    return _HIDDEN.sub(_escaped, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Returns the text like `visible`, on one line."""
    return visible(text).replace("\n", "\\n").replace("\t", " ")


def wrapped(text: str, indent: int = 0, *, hang: int = 0, columns: int = COLUMNS) -> list[str]:
    """Returns the text as lines of at most so many columns; `hang` is the extra indentation of all but the first.

    A word that is longer than a line, such as a URL, stays whole.
    """
    return textwrap.wrap(
        text,
        columns,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hang),
        break_long_words=False,
        break_on_hyphens=False,
    )


def encodable(document: Any) -> Any:
    """Returns a JSON document with surrogates, which UTF-8 can't encode, as escapes."""
    if isinstance(document, str):
        return _SURROGATE.sub(_escaped, document)
    if isinstance(document, dict):
        return {encodable(key): encodable(value) for key, value in document.items()}
    return [encodable(item) for item in document] if isinstance(document, (list, tuple)) else document


def _escaped(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


def counted(count: int, noun: str) -> str:
    """Returns the number with the noun: `1 finding`, `2 findings`."""
    return f"{count} {noun}{'s' * (count != 1)}"
