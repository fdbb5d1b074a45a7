"""Reads /proc of a process, and measures the cost of a command. Linux only, except `cost`."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


def megabytes(process: int, what: str = "VmRSS") -> float:
    """Returns a value of /proc/PID/status in MB: `VmRSS` is resident now, `VmHWM` the maximum so far."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024
    raise LookupError(what)


def processor_seconds(process: int) -> float:
    """Returns user and system time so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def written(process: int) -> int:
    """Returns the bytes written so far, to any file."""
    for line in Path(f"/proc/{process}/io").read_text().splitlines():
        if line.startswith("wchar:"):
            return int(line.split()[1])
    raise LookupError("wchar")


def switches(process: int) -> int:
    """Returns how often its threads have been woken so far."""
    found = 0
    for status in Path(f"/proc/{process}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                found += int(line.split()[1])
    return found


class Cost(NamedTuple):
    """Seconds of processor time (user and system) and of wall-clock time."""

    processor: float
    wall: float


def cost(command: list[str], folder: Path | None = None, variables: Mapping[str, str] | None = None) -> Cost:
    """Runs a command to its end and discards its output. `variables` are added to its environment. Raises
    CalledProcessError."""
    environment = {**os.environ, **(variables or {})}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(used.ru_utime + used.ru_stime, wall)
