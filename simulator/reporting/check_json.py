"""A run of checks as one JSON document on standard output."""

from __future__ import annotations

from simulator.checks.engine import CheckEvent
from simulator.checks.model import Verdict
from simulator.reporting.console import print_json
from simulator.reporting.text import encodable


class CheckJson:
    """Says nothing before the verdict."""

    def handle(self, event: CheckEvent) -> None:
        """One event of the run."""
        if isinstance(event, Verdict):
            print_json(encodable(event.document()))

    def close(self) -> None:
        """There is nothing to close."""
