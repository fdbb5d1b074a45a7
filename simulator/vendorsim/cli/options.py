"""Options and parameter types that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from vendorsim.core import times
from vendorsim.core.errors import unknown

F = TypeVar("F", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose options can also come from the environment: `--duplicate-interval` from
    `VENDORSIM_DUPLICATE_INTERVAL`. The command line wins. Flags and repeated options are left out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for parameter in self.params:
            if isinstance(parameter, click.Option) and not parameter.is_flag and not parameter.multiple:
                parameter.envvar = parameter.envvar or f"VENDORSIM_{(parameter.name or '').upper()}"


class SuggestingGroup(click.Group):
    """A group that offers the closest name for an unknown subcommand."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        if args[0] not in self.commands:
            raise click.UsageError(unknown("command", args[0], self.commands), ctx)
        return super().resolve_command(ctx, args)


class Duration(click.ParamType[int]):
    """A duration such as 6s; gives milliseconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return times.duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Point(click.ParamType[int]):
    """A date and time with a zone; gives milliseconds since 1970."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return times.point(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class VendorName(click.ParamType[str]):
    """The name of a vendor, with the closest one when it is none. The folder of a pack stands for its vendor, which
    becomes known."""

    name = "vendor"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from vendorsim.vendorkit import registry

        name = vendor_name(value)
        if name not in registry.names():
            self.fail(unknown("vendor", name, registry.names()), param, ctx)
        return name


def vendor_name(value: str) -> str:
    """The value, or the name of the vendor in the pack whose folder it is; that vendor becomes known."""
    from vendorsim.vendorkit import registry

    is_folder = value not in registry.names() and (os.path.isdir(value) or os.sep in value)
    return registry.add_folder(Path(value)) if is_folder else value


class PackPath(click.ParamType[str]):
    """The folder of a pack, whose vendor becomes known; gives the vendor's name."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from vendorsim.vendorkit import registry

        return registry.add_folder(Path(value))


class Port(click.IntRange):
    """A TCP port; 0 takes a free one."""

    def __init__(self) -> None:
        super().__init__(0, 65_535)


def vendor(command: F) -> F:
    """`--vendor V --profile P`."""
    help = "The vendor to play: its name, or the folder of a pack."
    command = click.option("--profile", metavar="P", help="The dialect of the vendor; default: as documented.")(command)
    return click.option("--vendor", metavar="V", type=VendorName(), required=True, help=help)(command)


def packs(command: F) -> F:
    """`--vendor FOLDER`, for commands that play no vendor in particular."""
    help = "The folder of a pack whose vendor is to be known without being installed; repeatable."
    return click.option("--vendor", "packs", metavar="FOLDER", type=PackPath(), multiple=True, help=help)(command)


def seeded(command: F) -> F:
    """What decides the bytes of a run: `--seed --start --count --spacing`."""
    for option in (
        click.option("--spacing", type=Duration(), default="1s", show_default=True, help="Between two starts."),
        click.option("--count", type=click.IntRange(1), default=1, show_default=True, help="How many conversations."),
        click.option("--start", type=Point(), help="When the first step happens; default: the scenario's, or now."),
        click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of made-up data; default: the scenario's."),
    ):
        command = option(command)
    return command


def json_output(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on standard output.")(
        command
    )


def config_file(command: F) -> F:
    """`--config FILE`."""
    help = "Instead of the nearest vendorsim.yaml."
    return click.option("--config", "config_file", metavar="FILE", help=help)(command)


def journal(command: F) -> F:
    """`--journal FILE` and `--no-journal`."""
    command = click.option("--no-journal", is_flag=True, help="Keep no journal of this run.")(command)
    help = "Where attempts and calls are kept; default: .vendorsim/journal.sqlite of the project."
    return click.option("--journal", metavar="FILE", help=help)(command)


def secret_env(command: F) -> F:
    """`--secret-env NAME`."""
    help = "The environment variable that holds the secret of --to; once more for the next secret, while both count."
    return click.option("--secret-env", multiple=True, metavar="NAME", help=help)(command)


def tls(command: F) -> F:
    """`--ca FILE`, `--cert FILE`, `--cert-key FILE` and `--proxy URL`."""
    for option in (
        click.option("--proxy", metavar="URL", help="Send through this HTTP proxy; default: none."),
        click.option("--cert-key", metavar="FILE", help="The key of --cert, where it is a file of its own."),
        click.option("--cert", metavar="FILE", help="A client certificate (PEM)."),
        click.option("--ca", metavar="FILE", help="The authorities to trust (PEM) instead of the system's."),
    ):
        command = option(command)
    return command
