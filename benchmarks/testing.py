"""How long the project's own `make test` takes, once its environment is set up."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

from goals import ROWS
from results import Effort, Goal, Part, Series, Table

REPOSITORY = Path(__file__).parent.parent
# The parts of `make test`, in its order.
TARGETS = ("lint", "types", "unit")
LONGEST = 180.0
WALL = "pytest; most tests are whole runs of the program over HTTP"


def measure(effort: Effort) -> Part:
    """Measures once. Raises CalledProcessError if a test fails."""
    table = Table("make", "s by the clock", [])
    for target in TARGETS[:1] if effort.quick else TARGETS:
        seconds, output = made(target)
        passed = re.findall(r"\d+ passed.*", output)
        table.series.append(Series(target, ", ".join(each.strip("= ") for each in passed), [seconds]))
    whole = sum(series.median for series in table.series)
    goal = Goal(ROWS["make-test"].text, LONGEST, "s", whole, False, "", WALL, "make-test")
    cores = os.cpu_count()
    notes = [f"On {cores} cores, one after the other, as `make test` runs them; the environment and caches exist."]
    return Part("testing", "The project's own tests", [table], [goal], notes=notes, rounds=1)


def made(target: str) -> tuple[float, str]:
    """Makes a target; returns the seconds and what it printed."""
    command = ["make", "--no-print-directory", target]
    began = time.perf_counter()
    output = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return time.perf_counter() - began, output


if __name__ == "__main__":
    from run import alone

    alone("testing")
