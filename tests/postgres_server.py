"""A PostgreSQL of one's own for the tests: made in a temporary folder, on a free port of this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ports import free_port

_DEBIAN = Path("/usr/lib/postgresql")
HINT = "there is no PostgreSQL (initdb, pg_ctl); on Debian: apt-get install postgresql, or .ci/postgres"
_TRIES = 3


@dataclass(frozen=True)
class PostgresServer:
    """`url` names its first database; `new_database()` makes an empty one and gives its URL."""

    folder: Path
    programs: Path
    port: int
    numbers: Iterator[int]

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://tester:pa55-w0rd@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        import psycopg

        name = f"test_{next(self.numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self.control("-o", options, "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """As if the machine was switched off: no connection is closed in an orderly way."""
        self.control("-m", "immediate", "stop")

    def control(self, *arguments: str) -> None:
        _run(self.programs / "pg_ctl", "-w", "-D", str(self.folder / "data"), *arguments)


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, which Debian does not put on the path."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(_DEBIAN.glob("*/bin"), key=lambda folder: folder.parent.name.zfill(4), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


@contextmanager
def running_postgres(found: Path) -> Iterator[PostgresServer]:
    """A server that is gone afterwards, with all its data."""
    # Not one of pytest's folders: those are only for the user who runs the tests.
    folder = Path(tempfile.mkdtemp(prefix="vendorsim-postgres-"))
    try:
        if (user := _user()) is not None:
            shutil.chown(folder, user)
        _run(found / "initdb", "-D", str(folder / "data"), "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync")
        server = _started(folder, found)
        try:
            yield server
        finally:
            with suppress(subprocess.CalledProcessError):
                server.stop()
    finally:
        shutil.rmtree(folder)


def _started(folder: Path, found: Path) -> PostgresServer:
    for left in reversed(range(_TRIES)):
        server = PostgresServer(folder, found, free_port(), count(1))
        try:
            server.start()
        except subprocess.CalledProcessError:
            # Somebody else may have taken the port meanwhile.
            if not left:
                raise RuntimeError((folder / "log").read_text()) from None
        else:
            return server
    raise AssertionError


def _user() -> str | None:
    """Who runs it: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _run(program: Path, *arguments: str) -> None:
    user = _user()
    group = None if user is None else pwd.getpwnam(user).pw_gid
    # The server must not hold the pipes of whoever starts it.
    with tempfile.TemporaryFile() as output:
        subprocess.run(
            [program, *arguments],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            check=True,
        )
