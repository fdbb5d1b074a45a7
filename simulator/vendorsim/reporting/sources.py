"""Numbers the sources of statements, so that a table refers to each and a list at its end names it once."""

from __future__ import annotations

from vendorsim.reporting.text import wrapped


class NumberedSources:
    """The sources in the order in which they were first referred to."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def refer(self, provenance: str, source: str) -> str:
        """Returns a statement's provenance and the number of its source: `documented [2]`."""
        number = self._numbers.setdefault(source, len(self._numbers) + 1)
        return f"{provenance} [{number}]"

    def numbered(self) -> list[tuple[int, str]]:
        """Returns the sources with their numbers."""
        return [(number, source) for source, number in self._numbers.items()]

    def lines(self) -> list[str]:
        """Returns the list of the sources, in lines of 100 columns at most."""
        width = len(str(len(self._numbers))) + 2
        found: list[str] = []
        for source, number in self._numbers.items():
            label = f"[{number}]".rjust(width)
            found += wrapped(f"{label} {source}", 2, hang=width + 1)
        return found
