"""Lints the text of a scenario: all its problems, or what it holds and the warnings about that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from vendorsim.core.errors import DocumentError, Problem
from vendorsim.runs import library
from vendorsim.scenario.model import Scenario


class Linted(Struct, frozen=True):
    """A valid file: its title and vendors, and how many `parts` it has: steps of a scenario, scenarios of a traffic."""

    title: str
    vendors: tuple[str, ...]
    parts: str
    count: int


class LintReport(Struct, frozen=True):
    """The result for one file: what it holds and the warnings about it, or its problems."""

    file: str
    found: Linted | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def document(self) -> dict[str, Any]:
        described: dict[str, Any] = {"file": self.file, "valid": self.found is not None}
        if self.found is not None:
            described |= {
                "title": self.found.title,
                "vendors": self.found.vendors,
                f"{self.found.parts}s": self.found.count,
            }
        described["problems"] = _places(self.problems)
        return described | ({"warnings": _places(self.warnings)} if self.warnings else {})

    def findings(self) -> list[str]:
        """The problems and warnings, one line each."""
        warned = [f"{p.file}:{p.line}:{p.column}: warning: {p.message}" for p in self.warnings]
        return [*map(str, self.problems), *warned]

    def confirmation(self) -> str | None:
        """A line about a valid file."""
        if self.found is None:
            return None
        problems = _counted(len(self.warnings), "warning") if self.warnings else "no problems"
        parts = _counted(self.found.count, self.found.parts)
        return f"{self.file}: {problems}: {self.found.title} ({', '.join(self.found.vendors)}; {parts})"


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


def _places(problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    return [{"line": p.line, "column": p.column, "message": p.message} for p in problems]


def lint(text: str, file: str, load: Callable[[str, str], Scenario] = library.load_text) -> LintReport:
    """Lints a scenario; `file` is its name in problems. `load` returns the scenario, or raises DocumentError."""
    try:
        scenario = load(text, file)
    except DocumentError as error:
        return LintReport(file, None, error.problems)
    found = Linted(scenario.title, tuple(scenario.vendors), "step", len(scenario.steps))
    return LintReport(file, found, warnings=tuple(library.warnings(scenario)))
