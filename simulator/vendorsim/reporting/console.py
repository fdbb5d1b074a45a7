"""The two streams of a command: results on standard output, messages and progress on standard error.

Styles are for terminals only, and NO_COLOR switches them off there.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

import orjson

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_UNFOLDED = 10_000


def results() -> Console:
    """The console of standard output."""
    return _console(sys.stdout)


def messages() -> Console:
    """The console of standard error."""
    return _console(sys.stderr)


def plain(stream: TextIO) -> Console:
    """A console that writes text and nothing else, whatever the environment says of colours."""
    from rich.console import Console

    return Console(file=stream, highlight=False, soft_wrap=True, width=_UNFOLDED, force_terminal=False)


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            raise  # rich would exit; what it means that nobody reads is for the command to say

    if stream.isatty():
        # rich takes NO_COLOR to mean no colours; here it means no bold and no dim either.
        plain = bool(os.environ.get("NO_COLOR"))
        return Ours(file=stream, highlight=False, color_system=None if plain else "auto")
    # Files, pipes and CI logs have no edge: folded cells could neither be read nor searched there.
    return Ours(file=stream, highlight=False, soft_wrap=True, width=_UNFOLDED)


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
