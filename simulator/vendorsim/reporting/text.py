"""Makes texts fit for reports: what an integration answers may hold any character, and some forge or break a report."""

from __future__ import annotations

import re
from typing import Any

# Control characters (tab and line feed aside), marks that turn the direction of writing, halves of surrogate pairs, and
# the two that no character will ever be: XML 1.0 allows almost none of them, and a terminal obeys them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    """The text with characters that can't be seen written as escapes such as `\\x1b`; lines and tabs stay."""
    return _HIDDEN.sub(_escaped, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same on one line."""
    return visible(text).replace("\n", "\\n").replace("\t", " ")


def encodable(document: Any) -> Any:
    """A JSON document with halves of surrogate pairs, which UTF-8 can't carry, written as escapes."""
    if isinstance(document, str):
        return _SURROGATE.sub(_escaped, document)
    if isinstance(document, dict):
        return {encodable(key): encodable(value) for key, value in document.items()}
    return [encodable(item) for item in document] if isinstance(document, (list, tuple)) else document


def _escaped(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]
