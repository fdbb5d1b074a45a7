"""`vendorsim faults`: lists every fault with an example."""

from __future__ import annotations

import click

from vendorsim.cli import options
from vendorsim.reporting.console import print_json, results, table


@click.command("faults", cls=options.Command)
@options.json_output
def command(as_json: bool) -> None:
    """List the faults: deliberate errors in deliveries.

    In a scenario, give a step a fault such as `fault: {duplicate: 1}`. On the command line, write
    --fault NAME[=ARG][@RATE].

    \b
    vendorsim faults
    vendorsim play returning-customer --vendor userlike --to http://localhost:8000/hook --fault reset@0.1
    """
    from vendorsim.scenario.faults import KINDS

    if as_json:
        print_json([{"name": fault.name, "help": fault.help, "example": fault.example} for fault in KINDS.values()])
        return
    rows = table("fault", "what happens", "on the command line", "on a step")
    for fault in KINDS.values():
        rows.add_row(fault.name, fault.help, f"--fault {fault.example}", f"fault: {fault.example_in_yaml}")
    results().print(rows)
