"""`vendorsim capture`: real traffic of a vendor and an integration, recorded and used. One module per command."""

from __future__ import annotations

import click

from vendorsim.cli import options


@click.group("capture", cls=options.SuggestingGroup)
def command() -> None:
    """Record real traffic, remove personal data from it, replay it, and compare it with the contract."""
