"""What the tests of the control API share: a server with a journal of its own, its client, and an integration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from control.client import Client, serving
from delivery.receiver import Receiver


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The file that the server keeps its journal in."""
    return tmp_path / "server.sqlite"


@pytest.fixture
def api(journal: Path) -> Iterator[Client]:
    """The control API of a running server."""
    with serving(journal) as client:
        yield client


@pytest.fixture
def target() -> Iterator[Receiver]:
    """The integration under test: it takes everything."""
    with Receiver() as receiver:
        yield receiver
