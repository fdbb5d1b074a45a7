"""The two streams of a command: results on standard output, messages and progress on standard error.

Text is styled on terminals only; NO_COLOR switches that off. rich is imported when something is printed: its import
takes as long as the sending of a hundred events.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

import orjson
from msgspec.structs import asdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_UNWRAPPED = 10_000


def results() -> Console:
    """Returns a console on standard output."""
    return _console(sys.stdout)


def messages() -> Console:
    """Returns a console on standard error."""
    return _console(sys.stderr)


def plain(stream: TextIO) -> Console:
    """Returns a console that writes plain text, whatever the environment says about colours."""
    from rich.console import Console

    return Console(file=stream, highlight=False, emoji=False, soft_wrap=True, width=_UNWRAPPED, force_terminal=False)


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    class PipeAwareConsole(Console):
        def on_broken_pipe(self) -> None:
            raise  # rich would exit here; the command decides what a closed pipe means

    # Names and texts are shown as they are: rich would make an emoji of a word between colons.
    if stream.isatty():
        # With NO_COLOR rich still prints bold and dim; without a colour system it prints neither.
        plain = bool(os.environ.get("NO_COLOR"))
        return PipeAwareConsole(file=stream, highlight=False, emoji=False, color_system=None if plain else "auto")
    # Don't wrap in files, pipes and CI logs: wrapped cells are hard to read and to search.
    return PipeAwareConsole(file=stream, highlight=False, emoji=False, soft_wrap=True, width=_UNWRAPPED)


def print_json(document: Any) -> None:
    """Prints a JSON document, or a struct as one, on standard output, on one line."""
    write_line(orjson.dumps(document, default=asdict))


def print_indented(document: Any) -> None:
    """Prints a JSON document on standard output, indented: for files that people read, such as schemas."""
    write_line(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def write_line(line: bytes) -> None:
    """Writes the bytes and a line feed to standard output."""
    sys.stdout.buffer.write(line + b"\n")


def escape(text: str) -> str:
    """Returns the text so that rich finds no markup in it."""
    from rich.markup import escape

    return escape(text)


def table(*columns: str) -> Table:
    """Returns a table without borders; columns of numbers are right-aligned."""
    from rich.table import Table

    rows = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        numeric = column in ("status", "ms", "mean ms", "max ms", "attempts")
        rows.add_column(column, justify="right" if numeric else "left", overflow="fold")
    return rows
