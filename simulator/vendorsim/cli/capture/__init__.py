"""`vendorsim capture`: real traffic of a vendor and an integration, recorded and used. One module per command."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import click

from vendorsim.cli import options
from vendorsim.core.errors import unknown


class _CaptureCommands(options.SuggestingGroup):
    """The modules of this package, each with a `command`. They are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(__path__))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        known = self.list_commands(ctx)
        if args[0] not in known and not ctx.resilient_parsing:
            raise click.UsageError(unknown("command", args[0], known), ctx)
        return click.Group.resolve_command(self, ctx, args)


@click.group("capture", cls=_CaptureCommands)
def command() -> None:
    """Record real traffic, remove personal data from it, replay it, and compare it with the contract."""
