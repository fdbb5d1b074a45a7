"""The processes that a command has started."""

from __future__ import annotations

from pathlib import Path

import pytest


def children(process: int) -> list[int]:
    """The ids of a process's children. Skips the test where the system doesn't tell them."""
    found = Path(f"/proc/{process}/task/{process}/children")
    if not found.exists():
        pytest.skip("needs /proc")
    return [int(number) for number in found.read_text().split()]
