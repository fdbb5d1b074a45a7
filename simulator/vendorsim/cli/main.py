"""The command `vendorsim`: finds the subcommand, runs it, and turns every ending into an exit code.

0 all well, 1 the integration fell short, 2 the input is wrong, 3 the target can't be reached or a needed
component is missing, 130 interrupted. A command returns its code; errors carry theirs.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from vendorsim.core.errors import VendorsimError, unknown
from vendorsim.core.version import __version__

FAILED = 3
INTERRUPTED = 130
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}

# Subcommands are imported when they are called, so that `--help` stays quick.
COMMANDS = {
    "vendors": "the vendors, their profiles, events and delivery policy",
    "scenarios": "the built-in scenarios",
    "lint": "check scenario files",
    "generate": "print the events of a scenario; no network",
    "play": "play a scenario against an integration",
    "load": "send a mix of scenarios as load, from one machine or many",
    "check": "hold an integration to the vendor's contract",
    "serve": "answer the vendors' APIs",
    "validate": "hold captured payloads to a vendor's contract",
    "journal": "what was sent and received: list, show, resend, export",
    "faults": "how a delivery can misbehave on purpose",
    "pack": "packages with vendors of your own: a new one, and whether one is complete",
}


@contextmanager
def _first_of_group() -> Iterator[None]:
    """Conversations that are played side by side fail in a group; its first error is the one to tell."""
    try:
        yield
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


class _ReaderGone(Exception):
    """Nobody reads the output any more."""


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _first_of_group():
                result = super().invoke(ctx)
                sys.stdout.flush()
                return result
        except BrokenPipeError:
            # click would end with 1, which means here that the integration fell short.
            raise _ReaderGone from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"vendorsim.cli.{name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        if args[0] not in COMMANDS:
            raise click.UsageError(unknown("command", args[0], COMMANDS), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"vendorsim {__version__}, Faker {version('Faker')}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show versions."
)
def group() -> None:
    """Plays chat vendors against your integration.

    \b
    vendorsim play returning-customer --vendor smartsupp --to http://localhost:8000/hook
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code; only a bug of ours is raised."""
    try:
        code = group.main(args=arguments, prog_name="vendorsim", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return 2
    except VendorsimError as error:
        click.echo(str(error) if getattr(error, "problems", None) else f"Error: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except _ReaderGone:
        # `head`, say, has what it wanted.
        _discard_output()
        return 0
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _discard_output()
        click.echo(f"Error: the output can't be written: {error.strerror}", err=True)
        return FAILED


def _discard_output() -> None:
    """What is still buffered can't be written either; Python must not complain of it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> NoReturn:
    """Entry point of the command."""
    if sys.stdout is None:  # closed by the caller
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files and people may hold characters that the terminal's encoding lacks.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run())
