"""The cost of an event in runs of 10 to 1,000,000 conversations, and the memory of `generate --count 1000000`."""

from __future__ import annotations

import gc
import subprocess
import sys
import time

from generate import CASES, Case, case
from processes import megabytes, written
from results import Effort, Goal, Line, Part, Plot, Series, Table, compared
from vendorsim.runs.timeline import events, iter_events

DECADES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
MILLION = DECADES[-1]
# Conversations generated for a point of the plot; in longer runs they are spread over the run.
SAMPLED = 1_000
# Maximum seconds for which a run of a million conversations is watched.
WATCHED, WATCHED_LONGER = 5, 20
GLANCE = 0.1
# The vendor whose run of a million is watched longer: it gets farthest, with one event per conversation.
LONGER = "smartsupp"
FLAT, GROWTH = 1.10, 2.0


def measure(effort: Effort) -> Part:
    cases = [case(*each) for each in CASES]
    costs = {(each.vendor, count): Series(f"{each.vendor}, {count:,}") for each in cases for count in DECADES}
    # As in `generate.py`.
    gc.freeze()
    for _ in range(effort.rounds):
        for count in DECADES:
            for each in cases:
                costs[each.vendor, count].values.append(per_event(each, count))
    lines = [Line(each.vendor, [(count, costs[each.vendor, count].median) for count in DECADES]) for each in cases]
    title = "Processor time of an event, by the length of the run"
    plot = Plot("benchmarks-flat-cost.svg", title, "conversations in the run", "µs an event", lines, logarithmic=True)
    table = Table("cost of an event", "µs", [costs[each.vendor, count] for each in cases for count in (10, MILLION)])
    memory, growth = _memory(cases, effort)
    notes = [
        f"Up to {SAMPLED:,} conversations a run is told whole; of longer ones {SAMPLED:,} conversations, spread evenly "
        "over the run. People are made up beforehand: a pool of 512 costs some 0.2 s, once.",
        "Memory is that of the command, its output thrown away, from 1 % of what was watched to the end.",
    ]
    return Part("scaling", "Generating at scale", [table, memory], [_flat(cases, costs), growth], [plot], notes)


def per_event(each: Case, count: int) -> float:
    """Returns the microseconds of processor time per event."""
    if count < SAMPLED:
        # Repeat short runs, because the clock's resolution is limited.
        repeated = SAMPLED // count
        numbers = [number for _ in range(repeated) for number in range(count)]
    else:
        numbers = list(range(0, count, count // SAMPLED))
    found = 0
    began = time.process_time()
    for number in numbers:
        for event in iter_events(each.run.conversation(number)):
            event.line()
            found += 1
    return (time.process_time() - began) / found * 1e6


def _flat(cases: list[Case], costs: dict[tuple[str, int], Series]) -> Goal:
    """Returns the goal for the ratio of the longest run's cost to the shortest one's, for the worst vendor."""
    wall = "none: a conversation is a function of its number"
    found = []
    for each in cases:
        text = f"generating: cost per event flat from 10 to {MILLION:,} conversations (≤ {FLAT:.2f} ×"
        longest, shortest = costs[each.vendor, MILLION], costs[each.vendor, DECADES[0]]
        text += f"; {each.vendor} rises most)"
        found.append(compared(text, FLAT, longest, shortest, wall=wall, more_is_better=False))
    return max(found, key=lambda goal: goal.measured or 0.0)


def _memory(cases: list[Case], effort: Effort) -> tuple[Table, Goal]:
    series, growths = [], {}
    for (vendor, profile, scenario), each in zip(CASES, cases, strict=True):
        longest = 3 if effort.quick else WATCHED_LONGER if vendor == LONGER else WATCHED
        command = [sys.executable, "-m", "vendorsim", "generate", scenario, "--vendor", vendor]
        command += [*(("--profile", profile) if profile else ()), "--count", str(MILLION), "--spacing", "1s"]
        size = sum(len(event.line()) + 1 for event in events(each.run, 100)) / 100
        seen, ended = watched(command, longest)
        generated = seen[-1][0] / size
        steady = [resident for position, resident in seen if position >= seen[-1][0] / 100]
        grown = max(steady) - steady[0]
        how = "to its end" if ended else f"for {longest} s"
        generated = float(MILLION) if ended else generated
        series.append(Series(vendor, f"watched {how}: {generated:,.0f} conversations, grew by {grown:.1f} MB", steady))
        growths[vendor] = grown
    most = max(growths, key=lambda vendor: growths[vendor])
    text = f"generating: `--count {MILLION}` in constant memory (grows by ≤ {GROWTH:g} MB; {most} grows most)"
    goal = Goal(
        text, GROWTH, "MB", growths[most], more_is_better=False, wall="none: one conversation is kept at a time"
    )
    return Table("resident memory", "MB", series), goal


def watched(command: list[str], longest: float) -> tuple[list[tuple[int, float]], bool]:
    """Samples (bytes written, MB resident) of a command; returns the samples and whether it ended by itself."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    seen: list[tuple[int, float]] = []
    until = time.monotonic() + longest
    try:
        while process.poll() is None and time.monotonic() < until:
            try:
                seen.append((written(process.pid), megabytes(process.pid)))
            except (LookupError, OSError):
                # The process has just ended.
                break
            time.sleep(GLANCE)
        return seen, process.poll() is not None or time.monotonic() < until
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    from run import alone

    alone("scaling")
