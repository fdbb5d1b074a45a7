"""The two streams of a command: results on standard output, messages and progress on standard error.

rich colours only on a terminal and honours NO_COLOR.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def results() -> Console:
    """The console of standard output."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def messages() -> Console:
    """The console of standard error."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False, soft_wrap=not sys.stderr.isatty())


def print_json(document: Any) -> None:
    """One JSON document on standard output, on one line."""
    write_line(orjson.dumps(document))


def write_line(line: bytes) -> None:
    """One line of bytes on standard output, as they are."""
    sys.stdout.buffer.write(line + b"\n")


def table(*columns: str) -> Table:
    """A plain table; columns of figures are set to the right."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        figures = column in ("status", "ms", "mean ms", "max ms", "attempts")
        made.add_column(column, justify="right" if figures else "left", overflow="fold")
    return made
