"""Runs Locust in a process of its own, and reads its report. This module imports neither Locust nor gevent."""

from __future__ import annotations

import os
import signal
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

from vendorsim.core.errors import MissingExtraError
from vendorsim.load.options import LoadOptions
from vendorsim.vendorkit import registry

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
# Environment variables of Locust's processes: the options of the command, and the file for the report.
OPTIONS, REPORT = "VENDORSIM_LOAD", "VENDORSIM_LOAD_REPORT"


def run(options: LoadOptions, arguments: Sequence[str]) -> tuple[int, dict[str, Any] | None]:
    """Runs Locust to its end. Returns its exit code and the report.

    The report is None where the coordinator ran on another host, or no test was run. Locust's output goes to standard
    error. Raises MissingExtraError if Locust is not installed.
    """
    if find_spec("locust") is None:
        raise MissingExtraError("load from several hosts", "Locust", "load")
    with tempfile.TemporaryDirectory(prefix="vendorsim-load-") as folder:
        report = Path(folder) / "report.json"
        environment = os.environ | {OPTIONS: options.text(), REPORT: str(report)}
        environment[registry.PACKS] = os.pathsep.join(map(str, registry.folders()))
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *arguments]
        # A session of its own: Ctrl-C must reach Locust once, from this process, and not also from the terminal.
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True)
        code = _wait(process)
        return code, orjson.loads(report.read_bytes()) if report.exists() else None


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Waits for the process. Passes on the first Ctrl-C or SIGTERM; a second Ctrl-C kills the process."""
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
    """Treats SIGTERM like Ctrl-C, in the main thread."""
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
