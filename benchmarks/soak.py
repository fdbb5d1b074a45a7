"""Ten minutes of `vendorsim load` at 70 % of its maximum rate: resident memory and latency over time.

python benchmarks/soak.py [--minutes N]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import sink
from processes import megabytes
from results import Effort, Goal, Line, Part, Plot, Series, Table
from vendorsim.runs.planning import RunRequest, plan
from vendorsim.runs.timeline import events

PORT = 18_441
SCENARIO, VENDOR = "returning-customer", "userlike"
SHARE = 0.7
# Enough for a few seconds at full speed.
FASTEST_CONVERSATIONS = 3_000
STEP = 10
# Second half divided by first half, without the first tenth, in which caches fill. Halves, because single minutes vary
# with the machine. A steady growth by these factors is twice as much from start to end.
MEMORY_GROWTH, LATENCY_GROWTH = 1.06, 1.15


def measure(effort: Effort) -> Part:
    seconds = effort.minutes * 60
    with tempfile.TemporaryDirectory() as name, sink.running(PORT, Path(name)) as receiver:
        folder = Path(name)
        fastest = median(maximum(receiver, folder, effort) for _ in range(min(effort.rounds, 3)))
        report, memory = watched(receiver, folder, fastest * SHARE / each(), seconds)
    return found(report, memory, fastest)


def each() -> int:
    """Returns the number of events of one conversation."""
    return sum(1 for _ in events(plan(RunRequest(SCENARIO, VENDOR, start=0)).run, 1))


def maximum(receiver: sink.Sink, folder: Path, effort: Effort) -> float:
    """Returns the events per second when conversations arrive as fast as they can be sent."""
    count = FASTEST_CONVERSATIONS // (5 if effort.quick else 1)
    traffic = f"conversations: {count}\narrivals: {{process: constant, rate: 1000000/s}}"
    receiver.reset()
    process = start(receiver, folder, traffic, count)
    process.communicate()
    return receiver.count().rate


def watched(
    receiver: sink.Sink, folder: Path, rate: float, seconds: float
) -> tuple[dict[str, Any], list[tuple[float, float]]]:
    """Runs for that many seconds; returns the report and samples of (seconds, MB resident)."""
    traffic = f"duration: {seconds:.0f}s\narrivals: {{process: poisson, rate: {rate:.3f}/s}}"
    process = start(receiver, folder, traffic, 100_000)
    memory, began = [], time.monotonic()
    while process.poll() is None:
        time.sleep(min(STEP, seconds / 20))
        at = time.monotonic() - began
        if at >= seconds:
            break
        memory.append((at, megabytes(process.pid)))
        if len(memory) % 6 == 0:
            print(f"soak: {at:.0f} s, {memory[-1][1]:.0f} MB", file=sys.stderr, flush=True)
    output, errors = process.communicate()
    if not output:
        raise SystemExit(f"vendorsim load: {errors}")
    return json.loads(output), memory


def start(receiver: sink.Sink, folder: Path, traffic: str, most_open: int, *options: str) -> subprocess.Popen[str]:
    """Starts `vendorsim load`, which prints its report on standard output."""
    file = folder / "traffic.yaml"
    scenarios = f"scenarios: [{{scenario: {SCENARIO}, vendor: {VENDOR}}}]"
    file.write_text(f"traffic: Soak\n{scenarios}\n{traffic}\nseed: 1\n")
    command = [sys.executable, "-m", "vendorsim", "load", str(file), "--to", receiver.url + "/hook"]
    command += ["--most-open", str(most_open), "--json", *options]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def found(report: dict[str, Any], memory: list[tuple[float, float]], fastest: float) -> Part:
    width = report["series"]["seconds"]
    slots = [slot for slot in report["series"]["slots"] if slot["latency_ms"]["p50"] is not None]
    together = max(1, STEP // width) if len(slots) * width > 5 * STEP else 1
    # Drops the last slot, which is incomplete.
    slots = slots[: len(slots) // together * together]
    steps = [slots[number : number + together] for number in range(0, len(slots), together)]
    middle = [_median(step, "p50") for step in steps]
    late = [_median(step, "p99") for step in steps]
    at = [number * together * width for number in range(len(steps))]
    lines = [Line("p50", list(zip(at, middle, strict=True))), Line("p99", list(zip(at, late, strict=True)))]
    resident = [Line("resident memory", memory)]
    rate, from_plan = report["requests"]["per_second"], report["from_plan_ms"]["p99"]
    title = f"{report['seconds'] / 60:.3g} minutes at {rate:,.0f} events/s, {SHARE:.0%} of the maximum"
    plot = Plot("benchmarks-soak.svg", title, "seconds", "ms to the answer", lines, right="MB", right_lines=resident)
    figures = [
        Series("maximum, events/s", "conversations arrive as fast as they can be sent", [fastest]),
        Series("sent, events/s", f"{report['requests']['sent']:,} events, verdict: {report['verdict']}", [rate]),
        Series("p50, ms", f"medians of {together * width} s each", middle),
        Series("p99, ms", f"medians of {together * width} s each", late),
        Series("p99 from plan, ms", "of the whole run: from the time that an event was planned for", [from_plan]),
        Series("resident memory, MB", "", [megabytes for _, megabytes in memory]),
    ]
    missing = "" if len(steps) >= 10 and len(memory) >= 10 else "too short a run"
    resident_now = [value for _, value in memory]
    grown = None if missing else _growth(resident_now)
    slower = None if missing else _growth(late)
    goals = [
        Goal(
            f"soak: flat memory (the second half ≤ {MEMORY_GROWTH:.2f} × the first)",
            MEMORY_GROWTH,
            "x",
            grown,
            more_is_better=False,
            missing=missing,
            wall="the report's histograms, one more each second, up to 600 of them",
        ),
        Goal(
            f"soak: flat latency (p99 of the second half ≤ {LATENCY_GROWTH:.2f} × the first)",
            LATENCY_GROWTH,
            "x",
            slower,
            more_is_better=False,
            missing=missing,
            wall="one Python thread: what waits for its turn",
        ),
    ]
    notes = [] if missing else [_minutes(resident_now, late)]
    return Part("soak", "Soak", [Table("soak", "measured", figures)], goals, [plot], notes, rounds=1)


def _median(step: list[dict[str, Any]], percentile: str) -> float:
    return float(median(slot["latency_ms"][percentile] for slot in step))


def _growth(values: list[float]) -> float:
    """Returns the median of the second half over that of the first, without the first tenth."""
    steady = values[len(values) // 10 :]
    half = len(steady) // 2
    return float(median(steady[half:]) / median(steady[:half]))


def _minutes(memory: list[float], late: list[float]) -> str:
    """Returns a note with the ratio of the last tenth to the second one."""
    ratios = []
    for values in (memory, late):
        tenth = len(values) // 10
        ratios.append(f"{median(values[-tenth:]) / median(values[tenth : 2 * tenth]):.2f}")
    return "The last tenth of the run alone against the second: memory {} x, p99 {} x.".format(*ratios)


if __name__ == "__main__":
    from run import alone

    alone("soak")
