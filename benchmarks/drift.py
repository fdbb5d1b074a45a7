"""How fast captured traffic is compared with its contract, and how much memory that takes.

    python benchmarks/drift.py [--events N]

Generates events of the largest bodies (MessageHub), then reads them as `vendorsim capture drift` does. Memory is that
of the process before and after the second half: it must not grow with the capture. Asserts nothing.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from vendorsim.captures.drift import DriftStudy
from vendorsim.captures.drift_report import report
from vendorsim.captures.reading import read
from vendorsim.runs.planning import RunRequest, plan
from vendorsim.runs.timeline import events
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.deviations import read_fail_on

START = 1_767_607_200_000
# The profile that is played, and those that its events are compared with: one that fits, one that all bodies break.
PLAYED, COMPARED = "observed-4.18", ("observed-4.18", "observed-2.5")


def write(path: Path, count: int) -> int:
    """Writes at least `count` events; returns how many."""
    run = plan(RunRequest("returning-customer", "messagehub", PLAYED, start=START)).run
    written = 0
    with path.open("wb") as stream:
        for event in events(run, count):
            stream.write(event.line() + b"\n")
            written += 1
            if written >= count:
                break
    return written


def memory() -> float:
    """The most memory that the process has had, in MiB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1024 * 1024 if sys.platform == "darwin" else 1024)


def compare(path: Path, profile: str, count: int) -> None:
    """Compares the capture with a profile and prints the rate and the memory."""
    vendor = registry.get("messagehub")
    study = DriftStudy(vendor, vendor.profile(profile))
    began, used, half = perf_counter(), process_time(), 0.0
    for number, exchange in enumerate(read([str(path)]), 1):
        study.add(exchange)
        if number == count // 2:
            half = memory()
    found = report(study, read_fail_on(["any"]))
    seconds, processor = perf_counter() - began, process_time() - used
    print(
        f"{profile}: {count:,} events in {seconds:.1f} s ({processor:.1f} s of the processor): "
        f"{count / processor:,.0f} events/s of one core; {len(found.findings)} findings; "
        f"{half:.0f} MiB after half of them, {memory():.0f} MiB at the end"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "capture.jsonl"
        count = write(path, given.events)
        print(f"{count:,} events, {path.stat().st_size / 1024 / 1024:.0f} MiB")
        for profile in COMPARED:
            compare(path, profile, count)


if __name__ == "__main__":
    main()
