"""`vendorsim mcp`: serves tools for AI agents over the Model Context Protocol."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from vendorsim.cli import options
from vendorsim.cli.journals import journal_path

if TYPE_CHECKING:
    from vendorsim.http.transport_options import TransportOptions


@click.command("mcp", cls=options.Command)
@click.option("--allow-send", is_flag=True, help="Let the tools play, check and resend; default: they only read.")
@click.option(
    "--allow-target",
    "allowed_targets",
    multiple=True,
    metavar="HOST",
    help="Host that the tools may send to, besides this machine and the targets of vendorsim.yaml; repeatable.",
)
@options.transport
@options.journal
@options.packs
@options.config_file
def command(
    allow_send: bool,
    allowed_targets: tuple[str, ...],
    transport: TransportOptions,
    journal: options.JournalOptions,
    packs: tuple[str, ...],
    config_file: str | None,
) -> int:
    """Serve tools for AI agents on standard input and output (Model Context Protocol), until the input ends.

    Agents start this command themselves. The tools list vendors, scenarios and checks, lint and generate, and read the
    journal. With --allow-send they also play, check and resend, to this machine, the targets of vendorsim.yaml and
    allowed hosts only.

    \b
    vendorsim mcp
    vendorsim mcp --allow-send
    """
    from vendorsim.core.errors import InputError
    from vendorsim.runs import config

    if allowed_targets and not allow_send:
        raise InputError("--allow-target says where the tools may send; add --allow-send")
    try:
        import mcp  # noqa: F401
    except ImportError:
        raise InputError("vendorsim mcp needs the MCP SDK: pip install 'vendorsim[mcp]'") from None
    from vendorsim.agents.server import serve
    from vendorsim.agents.workplace import Workplace

    place = Workplace(
        config=config.load(config_file),
        journal=None if journal.no_journal else journal_path(journal.file),
        transport=transport.load(),
        allow_send=allow_send,
        allowed_targets=frozenset(name.lower() for name in allowed_targets),
    )
    if sys.stdin.isatty():
        click.echo("An agent starts this command and talks to it on standard input; Ctrl-C ends it.", err=True)
    serve(place)
    return 0
