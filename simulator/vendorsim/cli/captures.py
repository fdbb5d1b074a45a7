"""Shared by commands that read captures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendorsim.reporting.console import messages

if TYPE_CHECKING:
    from vendorsim.captures.files import Skipped


def name_unreadable(skipped: Skipped) -> None:
    """Prints the place and the reason of what can't be read on standard error; the rest of the capture goes on."""
    if skipped.unreadable:
        messages().print(f"left out: {skipped}", markup=False)
