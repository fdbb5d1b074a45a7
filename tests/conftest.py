"""What many tests use: the command line, run in this process as a user would run it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest
from command_line import Completed, Vendorsim, run_here
from hypothesis import settings
from postgres_server import HINT, PostgresServer, programs, running_postgres

# Nothing is timed in tests: how long an example takes says more about the machine.
settings.register_profile("vendorsim", deadline=None)
settings.load_profile("vendorsim")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files come in an order that mixes rooms: those that wait and those that compute share the time of pytest-xdist's
    workers. Tests of a file stay together."""
    items.sort(key=lambda item: crc32(item.path.relative_to(Path(__file__).parent).as_posix().encode()))


def pytest_collection_finish() -> None:
    """What is there now stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture
def vendorsim(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Vendorsim:
    """`vendorsim("lint", path, input=b"…")` runs the command and gives its exit code and output. `settings` are what no
    option sets (`vendorsim.cli.main.run`)."""
    # The default place of the journal is the working directory: the checkout.
    monkeypatch.setenv("VENDORSIM_JOURNAL", str(tmp_path / "journal.sqlite"))

    def call(*arguments: object, input: bytes = b"", settings: object = None) -> Completed:
        return run_here(*arguments, input=input, settings=settings)

    return call


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says both numbers: test functions, and cases, which are what pytest counts as tests."""
    groups = terminalreporter.stats.values()
    cases = {report.nodeid for group in groups for report in group if isinstance(report, pytest.TestReport)}
    functions = {case.partition("[")[0] for case in cases}
    if cases:
        terminalreporter.write_line(f"{len(functions)} test functions, {len(cases)} cases")
