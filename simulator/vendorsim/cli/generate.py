"""`vendorsim generate`: prints the events of a scenario as JSON Lines, without network."""

from __future__ import annotations

import click
from msgspec.structs import asdict

from vendorsim.cli import completion, options
from vendorsim.cli.running import note_prevented
from vendorsim.reporting.console import write_line


@click.command("generate", cls=options.Command)
@click.argument("scenario", shell_complete=completion.scenarios)
@options.vendor
@options.seeded
@options.run
def command(scenario: str, run: options.RunOptions) -> None:
    """Print the events of SCENARIO (a file, or the name of a built-in one) as JSON Lines.

    Every event is validated against its contract. The same seed and start give the same bytes.

    \b
    vendorsim generate returning-customer --vendor smartsupp --seed 1 --start 2026-01-05T09:00:00Z
    """
    from vendorsim.runs.planning import RunRequest, plan
    from vendorsim.runs.timeline import events

    planned = plan(RunRequest(scenario, **asdict(run))).run
    note_prevented(planned)
    for event in events(planned, run.count):
        write_line(event.line())
