"""Starts Locust as a process of its own, and brings its report back. Nothing here imports Locust or gevent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from vendorsim.core.errors import VendorsimError
from vendorsim.load.options import LoadOptions
from vendorsim.vendorkit import registry

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
# Environment variables of Locust's processes: the options of the command, the file that the report goes to, and, where
# nobody reads Locust's own tables, that figures are printed as lines.
OPTIONS, REPORT, LIVE = "VENDORSIM_LOAD", "VENDORSIM_LOAD_REPORT", "VENDORSIM_LOAD_LIVE"


class LocustMissingError(VendorsimError):
    """Locust is not installed."""

    exit_code = 3

    def __init__(self) -> None:
        super().__init__("Locust is not installed; it comes with the extra 'load': pip install 'vendorsim[load]'")


def local(workers: int) -> list[str]:
    """Locust's arguments for so many workers on this machine, without its page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    where = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-host", "127.0.0.1"]
    quiet = ["--only-summary", "--loglevel", "WARNING"]
    return ["--headless", "--processes", str(workers), *where, "--master-port", port, *quiet]


def run(options: LoadOptions, arguments: Sequence[str], *, live: bool) -> tuple[int, dict[str, Any] | None]:
    """Runs Locust to its end: its exit code, and the report where this process held the coordinator and a test was run.

    What Locust prints goes to standard error. Raises LocustMissingError.
    """
    if find_spec("locust") is None:
        raise LocustMissingError
    with tempfile.TemporaryDirectory(prefix="vendorsim-load-") as folder:
        report = Path(folder) / "report.json"
        environment = os.environ | {OPTIONS: options.text(), REPORT: str(report)}
        environment |= {LIVE: "1"} if live else {}
        environment[registry.PACKS] = os.pathsep.join(map(str, registry.folders()))
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *arguments]
        # In a session of its own Ctrl-C doesn't reach it by the terminal, too: one signal is one signal.
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True)
        code = _ended(process)
        return code, orjson.loads(report.read_bytes()) if report.exists() else None


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Waits for the process; hands the first Ctrl-C or SIGTERM on."""
    with _terminable():
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.kill()
        process.wait()
        raise


@contextmanager
def _terminable() -> Iterator[None]:
    """Meanwhile SIGTERM is a Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
