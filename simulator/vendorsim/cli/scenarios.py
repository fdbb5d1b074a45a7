"""`vendorsim scenarios`: lists and prints the built-in scenarios and those of packs, and makes some of captures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vendorsim.cli import completion, options
from vendorsim.cli.captures import name_unreadable
from vendorsim.reporting import console

if TYPE_CHECKING:
    from vendorsim.runs.derived import DerivedScenario


@click.group("scenarios", cls=options.SuggestingGroup, invoke_without_command=True)
@options.json_output
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the built-in scenarios, and those of packs.

    \b
    vendorsim scenarios
    vendorsim scenarios show returning-customer
    vendorsim scenarios from hooks.har --vendor messagehub -o scenarios
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


@command.command("from", cls=options.Command)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@options.vendor
@click.option("-o", "--output", "folder", metavar="DIR", help="Write one file per conversation here; default: print.")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@options.json_output
def from_capture(
    files: tuple[str, ...], vendor: str, profile: str | None, folder: str | None, force: bool, as_json: bool
) -> None:
    """Make a scenario of each conversation in captured traffic.

    A FILE is a HAR, JSON Lines, JSON, raw requests (as curl -v prints them) or a journal of vendorsim. A folder means
    its files, - is standard input.

    Steps that would send the captured webhooks are looked for with the profile; what no step explains becomes a step
    "emit", with a comment. People are those of the capture: run "capture scrub" first if they are real.

    \b
    vendorsim scenarios from hooks.har --vendor messagehub --profile observed-4.18 -o stories
    """
    from vendorsim.journal.exchanges import read
    from vendorsim.runs.derived import derived_scenarios
    from vendorsim.vendorkit import registry

    known = registry.get(vendor)
    chosen = known.profile(profile)
    found, scenarios = derived_scenarios(read(files, name_unreadable), ", ".join(files), known, chosen)
    for problem in found.unusable:
        console.messages().print(f"left out: {problem}", markup=False)
    written: list[dict[str, Any]] = []
    target = None if folder is None else _folder(folder)
    for number, scenario in enumerate(scenarios):
        path = None if target is None else target / scenario.file
        if not scenario.text:
            console.messages().print(f"left out: {scenario.conversation}: no webhook is a JSON object", markup=False)
            continue
        if path is not None:
            _write(path, scenario.text, force=force)
        elif not as_json:
            console.write_line(("---\n" * bool(number) + scenario.text.rstrip("\n")).encode())
        console.messages().print(_told(scenario, path), markup=False)
        written.append(
            {
                "conversation": scenario.conversation,
                "file": scenario.file if path is None else str(path),
                "webhooks": scenario.webhooks,
                "steps": scenario.steps,
                "raw": scenario.raw,
                "differing": scenario.differing,
                **({} if path is not None else {"text": scenario.text}),
            }
        )
    if as_json:
        console.print_json(written)


def _told(scenario: DerivedScenario, path: Path | None) -> str:
    """What was made of a conversation, for the terminal."""
    webhooks = f"{scenario.webhooks} webhook{'' if scenario.webhooks == 1 else 's'}"
    left = [
        f"{scenario.raw} of them as they were (emit)" if scenario.raw else "",
        f"{scenario.differing} step{'' if scenario.differing == 1 else 's'} with fields not explained"
        if scenario.differing
        else "",
    ]
    rest = "".join(f", {part}" for part in left if part)
    return f"{path or scenario.file}: {scenario.steps} steps for {webhooks}{rest}"


def _folder(name: str) -> Path:
    from vendorsim.core.errors import InputError

    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: the folder can't be made: {error}") from None
    return folder


def _write(path: Path, text: str, *, force: bool) -> None:
    from vendorsim.core.errors import InputError

    if path.exists() and not force:
        raise InputError(f"{path}: the file exists; --force overwrites it")
    path.write_text(text, encoding="utf-8")
