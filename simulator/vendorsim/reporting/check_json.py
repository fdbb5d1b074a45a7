"""The verdict of a run of checks as one JSON document: on standard output, or in a file."""

from __future__ import annotations

import orjson

from vendorsim.checks.engine import CheckEvent
from vendorsim.checks.model import Verdict
from vendorsim.reporting.console import write_line
from vendorsim.reporting.outcome import Outcome
from vendorsim.reporting.text import encodable


class CheckJson:
    """Prints nothing before the verdict."""

    def handle(self, event: CheckEvent) -> None:
        """Handles one event of the run."""
        if isinstance(event, Verdict):
            write_line(line(event))

    def close(self) -> None:
        """Does nothing: no resource is held."""


def line(verdict: Verdict) -> bytes:
    """Returns the document on one line in UTF-8, without a line feed."""
    return orjson.dumps(encodable(verdict.document()))


def render(outcome: Outcome) -> bytes:
    """Returns the same document in UTF-8, for a report file."""
    document = encodable(outcome.verdict.document())
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
