"""Where `contracts/` and `scenarios/` lie: beside the package in a checkout, inside it when installed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def _base() -> Path:
    inside = _PACKAGE / "_data"
    return inside if inside.is_dir() else _PACKAGE.parent


def contracts() -> Path:
    """The folder of the vendors' contracts."""
    return _base() / "contracts"


def scenarios() -> Path:
    """The folder of the built-in scenarios."""
    return _base() / "scenarios"
