"""`vendorsim lint`: reports every problem of every scenario file in one run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from vendorsim.cli import options
from vendorsim.core.errors import DocumentError, Problem, UnknownNameError
from vendorsim.reporting.console import print_json

if TYPE_CHECKING:
    from vendorsim.scenario import Scenario


@dataclass(frozen=True, slots=True)
class _Report:
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


@click.command("lint", cls=options.Command)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@options.packs
@options.json_output
def command(files: tuple[str, ...], packs: tuple[str, ...], as_json: bool) -> int:
    """Check scenario files. Reports all problems in one run, each as file:line:column: message.
    Warnings are reported too; with warnings alone, the exit code is 0.

    FILE can also be the name of a built-in scenario, or - for standard input.

    \b
    vendorsim lint my-chat.yaml returning-customer
    """
    reports = [_check(name) for name in files]
    if as_json:
        print_json({"files": [report.document() for report in reports]})
    else:
        for report in reports:
            for line in report.findings():
                click.echo(line)
            if (confirmed := report.confirmation()) is not None:
                click.echo(confirmed, err=True)
    return 0 if all(report.scenario is not None for report in reports) else 2


def _check(name: str) -> _Report:
    from vendorsim.core.yaml_nodes import read_file, read_stream
    from vendorsim.runs import library

    shown = "<stdin>" if name == "-" else click.format_filename(name)
    try:
        if name == "-":
            text = read_stream(sys.stdin.buffer, shown)
        else:
            path = library.locate(name)
            shown = click.format_filename(path)
            text = read_file(path, shown)
        scenario = library.load_text(text, shown)
        return _Report(shown, scenario, warnings=tuple(library.warnings(scenario)))
    except DocumentError as error:
        return _Report(shown, None, error.problems)
    except UnknownNameError as error:
        return _Report(shown, None, (Problem(shown, 1, 1, str(error).replace(name, shown)),))
