"""A capture to measure with, and the cost of a command that reads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_WATCHED = """\
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=2).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(code, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


class Used(NamedTuple):
    """What a command has used: seconds of processor time, and the peak of its memory in MB."""

    seconds: float
    memory: float


def write(path: Path, count: int, *vendor: str) -> None:
    """Writes so many events of an everyday chat. `vendor` are the options that say who sends them."""
    command = [sys.executable, "-m", "vendorsim", "generate", "everyday-chat", *vendor, "--count", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process, path.open("wb") as file:
        assert process.stdout is not None
        for _ in range(count):
            file.write(process.stdout.readline())
        process.kill()


def used(*arguments: str, codes: tuple[int, ...] = (0,)) -> Used:
    """Runs a command of vendorsim from a small process of its own, since a child counts the memory of its parent.
    Raises RuntimeError for an exit code that is none of `codes`."""
    command = [sys.executable, "-c", _WATCHED, sys.executable, "-m", "vendorsim", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    code, seconds, kilobytes = map(float, done.stdout.split())
    if code not in codes:
        raise RuntimeError(f"vendorsim {' '.join(arguments)} ended with {code:.0f}")
    return Used(seconds, kilobytes / 1024)
