"""Finds `contracts/` and `scenarios/`: at the top of a checkout, or inside the installed package."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parents[1]


@cache
def _base() -> Path:
    inside = _PACKAGE / "_data"
    return inside if inside.is_dir() else _CHECKOUT


def contracts() -> Path:
    """The folder of the vendors' contracts."""
    return _base() / "contracts"


def scenarios() -> Path:
    """The folder of the built-in scenarios."""
    return _base() / "scenarios"
