"""`vendorsim lint`: reports every problem of every scenario and traffic file in one run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import click

from vendorsim.cli import options
from vendorsim.core.errors import DocumentError, Problem, UnknownNameError
from vendorsim.reporting.console import print_json


@dataclass(frozen=True, slots=True)
class _Report:
    """The result for one file: the valid scenario or traffic and the warnings about it, or its problems."""

    file: str
    found: _Found | None
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


@dataclass(frozen=True, slots=True)
class _Found:
    """A valid file: its title and vendors, and how many `parts` it has: steps of a scenario, scenarios of a traffic."""

    title: str
    vendors: tuple[str, ...]
    parts: str
    count: int


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


def _places(problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    return [{"line": p.line, "column": p.column, "message": p.message} for p in problems]


@click.command("lint", cls=options.Command)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@options.packs
@options.json_output
def command(files: tuple[str, ...], packs: tuple[str, ...], as_json: bool) -> int:
    """Check scenario files, and traffic files with the scenarios that they name. Reports all problems in one run, each
    as file:line:column: message. Warnings are reported too; with warnings alone, the exit code is 0.

    FILE can also be the name of a built-in scenario, or - for standard input.

    \b
    vendorsim lint my-chat.yaml returning-customer traffic.yaml
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
    return 0 if all(report.found is not None for report in reports) else 2


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
        return _check_traffic(text, shown) if _is_traffic(text) else _check_scenario(text, shown)
    except DocumentError as error:
        return _Report(shown, None, error.problems)
    except UnknownNameError as error:
        return _Report(shown, None, (Problem(shown, 1, 1, str(error).replace(name, shown)),))


def _is_traffic(text: str) -> bool:
    """Whether the text is meant as a traffic file: it has the key for a title of one, and not that of a scenario."""
    from vendorsim.core.yaml_nodes import Mapping, Problems, read

    root = read(text, Problems(""))
    return isinstance(root, Mapping) and root.get("traffic") is not None and root.get("scenario") is None


def _check_scenario(text: str, shown: str) -> _Report:
    """Raises DocumentError with all problems."""
    from vendorsim.runs import library

    scenario = library.load_text(text, shown)
    found = _Found(scenario.title, tuple(scenario.vendors), "step", len(scenario.steps))
    return _Report(shown, found, warnings=tuple(library.warnings(scenario)))


def _check_traffic(text: str, shown: str) -> _Report:
    """Raises DocumentError with all problems, those of the scenarios included."""
    from vendorsim.core.clock import wall_clock_second
    from vendorsim.load.mixing import mix
    from vendorsim.load.traffic import parse

    traffic = parse(text, shown)
    mix(traffic, wall_clock_second())
    vendors = tuple(dict.fromkeys(part.vendor for part in traffic.scenarios))
    return _Report(shown, _Found(traffic.title, vendors, "scenario", len(traffic.scenarios)))
