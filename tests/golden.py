"""Stored documents that tests hold the program to.

`UPDATE_STORED=1 pytest -n0 FILE` writes them anew; look at the difference before you keep it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def hold(path: Path, expected: bytes, test_file: str) -> None:
    """Fails when `path` does not hold these bytes; says how to store them."""
    if os.environ.get("UPDATE_STORED"):
        path.write_bytes(expected)
    stored = path.read_bytes() if path.exists() else b""
    if stored != expected:
        name = path.relative_to(ROOT)
        pytest.fail(
            f"{name} is stale; look at the change, and store it with: UPDATE_STORED=1 pytest -n0 tests/{test_file}"
        )
