"""The command `vendorsim`: runs a subcommand and returns its exit code.

0: success. 1: the integration failed. 2: the input is wrong. 3: the target can't be reached, or a needed component is
missing. 4: `check` could not judge what was asked for. 130: interrupted. A command returns its code; errors have an
`exit_code`.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from vendorsim.core.errors import VendorsimError, first_of_group, unknown
from vendorsim.core.version import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

FAILED = 3
INTERRUPTED = 130
_WRITE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}

# Subcommands are imported when they are called, so that `--help` stays quick.
COMMANDS = {
    "vendors": "list the vendors, their profiles, events and delivery policies",
    "scenarios": "list the built-in scenarios",
    "lint": "check scenario and traffic files",
    "generate": "print the events of a scenario, without network",
    "play": "play a scenario against an integration",
    "load": "send a mix of scenarios as load, from one machine or many",
    "check": "check an integration against the vendor's contract",
    "serve": "answer the vendors' APIs",
    "validate": "check captured payloads against a vendor's contract",
    "capture": "record real traffic, remove personal data, replay it, compare it with the contract",
    "journal": "list, show, resend and export what was sent and received",
    "faults": "list the faults: deliberate errors in deliveries",
    "export": "print types of bodies, and signed requests, for code in any language",
    "mcp": "serve tools for AI agents (Model Context Protocol)",
    "pack": "create and check packages with vendors of your own",
}


class _ReaderGone(Exception):
    """The reader of standard output has closed it."""


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            with first_of_group():
                result = super().invoke(ctx)
                sys.stdout.flush()
                return result
        except BrokenPipeError:
            # click would exit with 1, which here means that the integration failed.
            raise _ReaderGone from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"vendorsim.cli.{name}").command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from vendorsim.cli.completion import commands

        # click would import every command for its help.
        named = commands(COMMANDS.items(), incomplete)
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise click.UsageError(unknown("command", args[0], COMMANDS), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, option: click.Parameter, requested: bool) -> None:
    if requested and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"vendorsim {__version__}, Faker {version('Faker')}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show versions."
)
def group() -> None:
    """Simulate chat vendors, and test your integration with them.

    \b
    vendorsim play returning-customer --vendor smartsupp --to http://localhost:8000/hook
    """


def run(arguments: Sequence[str] | None = None, settings: object = None) -> int:
    """Runs a command line and returns its exit code. Raises only unexpected errors: bugs of vendorsim.

    `settings` are settings that no option has, for the command: `check` takes a `vendorsim.checks.waiting.Waiting`.
    """
    try:
        code = group.main(args=arguments, prog_name="vendorsim", standalone_mode=False, obj=settings)
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
        # For example, `| head` has read enough.
        _discard_output()
        return 0
    except OSError as error:
        if error.errno not in _WRITE_ERRORS:
            raise
        _discard_output()
        click.echo(f"Error: the output can't be written: {error.strerror}", err=True)
        return FAILED


def _discard_output() -> None:
    """Redirects standard output to the null device, so that Python can flush its buffer at exit without an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> NoReturn:
    """Runs the command line of this process, and ends it."""
    if sys.stdout is None:  # closed by the caller
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files and people may have characters that the terminal's encoding lacks.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run())
