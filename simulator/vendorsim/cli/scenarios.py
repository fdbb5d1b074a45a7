"""`vendorsim scenarios`: lists and prints the built-in scenarios and those of packs."""

from __future__ import annotations

import click

from vendorsim.cli import completion, options
from vendorsim.reporting import console


@click.group("scenarios", cls=options.SuggestingGroup, invoke_without_command=True)
@options.json_output
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the built-in scenarios, and those of packs.

    \b
    vendorsim scenarios
    vendorsim scenarios show returning-customer
    """
    if ctx.invoked_subcommand is not None:
        return
    from vendorsim.runs import library

    found = list(library.load_all())
    if as_json:
        console.print_json(
            [
                {"name": name, "title": scenario.title, "vendors": scenario.vendors, "path": str(path)}
                for name, path, scenario in found
            ]
        )
        return
    table = console.table("name", "title", "vendors")
    table.columns[0].no_wrap = True
    for name, _, scenario in found:
        table.add_row(name, scenario.title, " ".join(scenario.vendors))
    console.results().print(table)


@command.command("show")
@click.argument("name", shell_complete=completion.scenario_names)
def show(name: str) -> None:
    """Print the file of a built-in scenario, or of a pack, for example as a start for your own.

    \b
    vendorsim scenarios show returning-customer > my-chat.yaml
    """
    from vendorsim.runs import library

    path = library.built_in_path(name)
    console.write_line(path.read_bytes().rstrip(b"\n"))


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of the scenario format, for editors.

    \b
    vendorsim scenarios schema > scenario.schema.json
    """
    from vendorsim.scenario import json_schema
    from vendorsim.vendorkit import registry

    console.print_indented(json_schema(registry.vocabulary()))
