"""What the tests of the control API share: a server with a journal of its own, its client, and an integration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from receiver import Receiver
from vendorsim.cli.served_captures import ServedCaptures
from vendorsim.cli.served_checks import ServedChecks

from control.client import Client, serving


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The file that the server keeps its journal in."""
    return tmp_path / "server.sqlite"


@pytest.fixture
def fresh(journal: Path) -> Iterator[Client]:
    """The control API of a server of one's own, which keeps its journal in `journal`."""
    with serving(journal) as client:
        yield client


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server for many tests."""
    with serving(
        tmp_path_factory.mktemp("shared") / "server.sqlite", checker=ServedChecks, capturer=ServedCaptures
    ) as client:
        yield client


@pytest.fixture
def api(server: Client) -> Iterator[Client]:
    """The control API of a running server that knows nothing of earlier tests."""
    yield server
    server.done("POST", "/reset")
    server.done("PUT", "/seed", {"seed": 0})


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One server for all tests of a module that change nothing of it."""
    with serving(tmp_path_factory.mktemp("idle") / "server.sqlite") as client:
        yield client


@pytest.fixture
def target() -> Iterator[Receiver]:
    """The integration under test: it takes everything."""
    with Receiver() as receiver:
        yield receiver
