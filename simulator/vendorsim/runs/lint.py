"""Lints the text of a scenario: all its problems, or the scenario and the warnings about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vendorsim.core.errors import DocumentError, Problem
from vendorsim.runs import library
from vendorsim.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class LintReport:
    """The result for one file: the scenario and the warnings about it, or its problems."""

    file: str
    scenario: Scenario | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {"file": self.file, "valid": self.scenario is not None}
        if self.scenario is not None:
            found |= {
                "title": self.scenario.title,
                "vendors": self.scenario.vendors,
                "steps": len(self.scenario.steps),
            }
        found["problems"] = _places(self.problems)
        return found | ({"warnings": _places(self.warnings)} if self.warnings else {})

    def findings(self) -> list[str]:
        """The problems and warnings, one line each."""
        warned = [f"{p.file}:{p.line}:{p.column}: warning: {p.message}" for p in self.warnings]
        return [*map(str, self.problems), *warned]

    def confirmation(self) -> str | None:
        """A line about a valid scenario."""
        if self.scenario is None:
            return None
        found = _counted(len(self.warnings), "warning") if self.warnings else "no problems"
        steps = _counted(len(self.scenario.steps), "step")
        return f"{self.file}: {found}: {self.scenario.title} ({', '.join(self.scenario.vendors)}; {steps})"


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


def _places(problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    return [{"line": p.line, "column": p.column, "message": p.message} for p in problems]


def lint(text: str, file: str, load: Callable[[str, str], Scenario] = library.load_text) -> LintReport:
    """Lints a text; `file` is its name in problems. `load` returns the scenario, or raises DocumentError."""
    try:
        scenario = load(text, file)
    except DocumentError as error:
        return LintReport(file, None, error.problems)
    return LintReport(file, scenario, warnings=tuple(library.warnings(scenario)))
