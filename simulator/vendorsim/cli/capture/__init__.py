"""`vendorsim capture`: real traffic of a vendor and an integration, recorded and used. One module per command."""

from __future__ import annotations

import importlib
import pkgutil

import click

from vendorsim.cli import options


@click.group("capture", cls=options.SuggestingGroup)
def command() -> None:
    """Record real traffic, remove personal data from it, replay it, and compare it with the contract."""


for _module in pkgutil.iter_modules(__path__):
    command.add_command(importlib.import_module(f"{__name__}.{_module.name}").command)
