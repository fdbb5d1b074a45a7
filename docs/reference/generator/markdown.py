"""Pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def table(*columns: str, rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A table; cells are Markdown already, but for `|` and line breaks."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(' '.join(text.split()).replace('|', chr(92) + '|') for text in row)} |" for row in rows]
    return [*lines, ""]


def code(text: str) -> str:
    """Text as code; none for none."""
    return f"`{text}`" if text else ""
