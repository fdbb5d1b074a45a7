"""What the tests of servers share: a real PostgreSQL, where the machine has one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from postgres_server import HINT, PostgresServer, programs, running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests of this process."""
    found = programs()
    if found is None:
        pytest.skip(HINT)
    with running_postgres(found) as server:
        yield server


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    """The URL of an empty database."""
    return postgres.new_database()
