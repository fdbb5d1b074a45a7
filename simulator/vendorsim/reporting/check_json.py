"""Prints the verdict of a run of checks as one JSON document on standard output."""

from __future__ import annotations

from vendorsim.checks.engine import CheckEvent
from vendorsim.checks.model import Verdict
from vendorsim.reporting.console import print_json
from vendorsim.reporting.text import encodable


class CheckJson:
    """Prints nothing before the verdict."""

    def handle(self, event: CheckEvent) -> None:
        """Handles one event of the run."""
        if isinstance(event, Verdict):
            print_json(encodable(event.document()))

    def close(self) -> None:
        """Does nothing: no resource is held."""
