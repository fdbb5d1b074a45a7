"""`vendorsim lint`: reports every problem of every scenario and traffic file in one run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from vendorsim.cli import options
from vendorsim.core.errors import DocumentError, Problem, UnknownNameError
from vendorsim.reporting.console import print_json

if TYPE_CHECKING:
    from vendorsim.runs.lint import LintReport


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


def _check(name: str) -> LintReport:
    from vendorsim.core.yaml_nodes import read_file, read_stream
    from vendorsim.runs import library
    from vendorsim.runs.lint import LintReport

    shown = "<stdin>" if name == "-" else click.format_filename(name)
    try:
        if name == "-":
            return _lint(read_stream(sys.stdin.buffer, shown), shown)
        path = library.locate(name)
        shown = click.format_filename(path)
        return _lint(read_file(path, shown), shown)
    except DocumentError as error:
        return LintReport(shown, None, error.problems)
    except UnknownNameError as error:
        return LintReport(shown, None, (Problem(shown, 1, 1, str(error).replace(name, shown)),))


def _lint(text: str, shown: str) -> LintReport:
    from vendorsim.runs.lint import lint

    return _lint_traffic(text, shown) if _is_traffic(text) else lint(text, shown)


def _is_traffic(text: str) -> bool:
    """Whether the text is meant as a traffic file: it has the key for a title of one, and not that of a scenario."""
    from vendorsim.core.yaml_nodes import Mapping, Problems, read

    if "traffic" not in text:  # most files: they are parsed once
        return False
    root = read(text, Problems(""))
    return isinstance(root, Mapping) and root.get("traffic") is not None and root.get("scenario") is None


def _lint_traffic(text: str, shown: str) -> LintReport:
    """Raises DocumentError with all problems, those of the scenarios included."""
    from vendorsim.core.clock import wall_clock_second
    from vendorsim.load.mixing import mix
    from vendorsim.load.traffic import parse
    from vendorsim.runs.lint import Linted, LintReport

    traffic = parse(text, shown)
    mix(traffic, wall_clock_second())
    vendors = tuple(dict.fromkeys(part.vendor for part in traffic.scenarios))
    return LintReport(shown, Linted(traffic.title, vendors, "scenario", len(traffic.scenarios)))
