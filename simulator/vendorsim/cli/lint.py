"""`vendorsim lint`: reports every problem of every scenario file in one run."""

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


def _check(name: str) -> LintReport:
    from vendorsim.core.yaml_nodes import read_file, read_stream
    from vendorsim.runs import library
    from vendorsim.runs.lint import LintReport, lint

    shown = "<stdin>" if name == "-" else click.format_filename(name)
    try:
        if name == "-":
            return lint(read_stream(sys.stdin.buffer, shown), shown)
        path = library.locate(name)
        shown = click.format_filename(path)
        return lint(read_file(path, shown), shown)
    except DocumentError as error:
        return LintReport(shown, None, error.problems)
    except UnknownNameError as error:
        return LintReport(shown, None, (Problem(shown, 1, 1, str(error).replace(name, shown)),))
