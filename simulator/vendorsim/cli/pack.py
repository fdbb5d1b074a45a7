"""`vendorsim pack`: creates and checks packs, packages with vendors of your own."""

from __future__ import annotations

import re
from pathlib import Path

import click

from vendorsim.cli import options
from vendorsim.reporting.console import print_json

TEMPLATE = Path(__file__).with_name("pack_template")
_ENDING = ".tmpl"
_NAME = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 40


@click.group("pack", cls=options.SuggestingGroup)
def command() -> None:
    """Create and check packs: packages with vendors of your own.

    \b
    vendorsim pack new acme --python
    vendorsim pack lint vendorsim-acme
    """


@command.command("new", cls=options.Command)
@click.argument("name")
@click.argument("folder", required=False, metavar="[DIR]", type=click.Path(path_type=Path))
@click.option("--python", is_flag=True, help="Write a Python package.")
def new(name: str, folder: Path | None, python: bool) -> None:
    """Write a pack for the vendor NAME to DIR (default: vendorsim-NAME). The pack works at once, with one event.

    \b
    vendorsim pack new acme --python
    """
    from vendorsim.core.errors import InputError
    from vendorsim.vendorkit import registry

    if not python:
        raise click.UsageError("Packs are Python packages, the only kind so far: add --python.")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise InputError(
            f"'{name}' is not a name for a vendor; write lower-case letters, digits and single dashes, such as acme or "
            f"acme-chat, {_LONGEST_NAME} characters at most"
        )
    if name in registry.names():
        raise InputError(f"there is a vendor '{name}' already ({registry.origin(name).package}); choose another name")
    target = folder or Path(f"vendorsim-{name}")
    files = pack_files(name)
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise InputError(f"{target}: is there already and not empty; name another folder")
        for path, text in files.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{target}: can't be written: {error.strerror}") from None
    shown = click.format_filename(target)
    click.echo(f"wrote {len(files)} files to {shown}\nNext:")
    click.echo(f"  vendorsim pack lint {shown}")
    click.echo(f"  vendorsim generate {name}-first-message --vendor {shown}")
    click.echo(f"  pip install -e ./{shown}")


def pack_files(name: str) -> dict[Path, str]:
    """Returns the texts of a new pack's files, by their path in its folder."""
    package = f"vendorsim_{name.replace('-', '_')}"
    words = {
        "name": name,
        "package": package,
        "project": f"vendorsim-{name}",
        "title": " ".join(part.capitalize() for part in name.split("-")),
    }
    files = {}
    for path in sorted(TEMPLATE.rglob(f"*{_ENDING}")):
        text = path.read_text("utf-8")
        for word, value in words.items():
            text = text.replace(f"{{{{{word}}}}}", value)
        parts = [package if part == "package" else part for part in path.relative_to(TEMPLATE).parts]
        parts[-1] = parts[-1].removesuffix(_ENDING).replace("first-message", f"{name}-first-message")
        files[Path(*parts)] = text
    return files


@command.command("lint", cls=options.Command)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@options.json_output
def lint(folder: Path, as_json: bool) -> int:
    """Check the pack in DIR: entry point, contracts, examples and scenarios.

    Examples are looked at once the schemas are sound, and whether scenarios lead to every event once both are.

    Exit code 2: there are problems.

    \b
    vendorsim pack lint vendorsim-acme
    """
    from vendorsim.runs.pack_lint import lint as linted

    report = linted(folder)
    if as_json:
        print_json(report.document())
    else:
        for problem in report.problems:
            click.echo(str(problem))
        if report.complete:
            click.echo(f"{click.format_filename(folder)}: no problems: {report.summary()}")
    return 0 if report.complete else 2
