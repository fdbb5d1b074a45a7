"""A run of checks as one JSON document on standard output."""

from __future__ import annotations

from vendorsim.checks.engine import CheckEvent
from vendorsim.checks.model import Verdict
from vendorsim.reporting.console import print_json
from vendorsim.reporting.text import encodable


class CheckJson:
    """Says nothing before the verdict."""

    def handle(self, event: CheckEvent) -> None:
        """One event of the run."""
        if isinstance(event, Verdict):
            print_json(encodable(event.document()))

    def close(self) -> None:
        """There is nothing to close."""
