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
    """The result for one file: the scenario, or its problems."""

    file: str
    scenario: Scenario | None
    problems: tuple[Problem, ...] = ()

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {"file": self.file, "valid": self.scenario is not None}
        if self.scenario is not None:
            found |= {
                "title": self.scenario.title,
                "vendors": self.scenario.vendors,
                "steps": len(self.scenario.steps),
            }
        problems = [{"line": p.line, "column": p.column, "message": p.message} for p in self.problems]
        return found | {"problems": problems}

    def lines(self) -> list[str]:
        if self.scenario is None:
            return [str(problem) for problem in self.problems]
        count = len(self.scenario.steps)
        steps = "1 step" if count == 1 else f"{count} steps"
        return [f"{self.file}: no problems: {self.scenario.title} ({', '.join(self.scenario.vendors)}; {steps})"]


@click.command("lint", cls=options.Command)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@options.packs
@options.json_output
def command(files: tuple[str, ...], packs: tuple[str, ...], as_json: bool) -> int:
    """Check scenario files. Reports all problems in one run, each as file:line:column: message.

    FILE can also be the name of a built-in scenario, or - for standard input.

    \b
    vendorsim lint my-chat.yaml returning-customer
    """
    reports = [_check(name) for name in files]
    if as_json:
        print_json({"files": [report.document() for report in reports]})
    else:
        for report in reports:
            for line in report.lines():
                click.echo(line, err=report.scenario is not None)
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
        return _Report(shown, library.load_text(text, shown))
    except DocumentError as error:
        return _Report(shown, None, error.problems)
    except UnknownNameError as error:
        return _Report(shown, None, (Problem(shown, 1, 1, str(error).replace(name, shown)),))
