"""How fast `capture scrub` is, how its memory grows with the capture, and what it finds in the planted corpus."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import captured
from results import Effort, Goal, Part, Series, Table

TESTS = Path(__file__).parents[1] / "tests"
VENDOR = ("--vendor", "messagehub", "--profile", "observed-4.18")
GROWTH = 40.0
WALL = (
    "one Python thread, two passes: each string is looked at by its field, by recognisers, and once more in the output"
)


class Found(NamedTuple):
    """What became of the planted corpus: of so many planted values, and of so many harmless ones."""

    planted: int
    left: list[str]
    harmless: int
    lost: list[str]


def corpus(folder: Path) -> Found:
    """Scrubs the planted corpus."""
    sys.path.insert(0, str(TESTS))
    import planted

    path = folder / "planted.har"
    path.write_bytes(planted.capture())
    command = [sys.executable, "-m", "vendorsim", "capture", "scrub", str(path), *VENDOR, "--ids", "-o", f"{path}.out"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    output = Path(f"{path}.out").read_text()
    everything = planted.GONE + planted.GONE_WORDS + planted.GONE_DIGITS + planted.GONE_IDS
    harmless = [*planted.STAYS, *planted.TAKEN_FOR_NAMES]
    lost = planted.lost(output) + [each for each in planted.TAKEN_FOR_NAMES if each not in output]
    return Found(len(everything), planted.left(output, ids=True), len(harmless), lost)


def measure(effort: Effort) -> Part:
    large = effort.events
    small = large // 10
    rates = Series(f"{large:,} events", "`everyday-chat`, JSON Lines, most values of each event seen before")
    memory = [Series(f"{count:,} events") for count in (small, large)]
    with tempfile.TemporaryDirectory() as folder:
        for count, series in zip((small, large), memory, strict=True):
            path = Path(folder, f"{count}.jsonl")
            captured.write(path, count, *VENDOR)
            done = captured.used("capture", "scrub", str(path), *VENDOR, "-o", f"{path}.out")
            series.values.append(done.memory)
            if count == large:
                rates.values.append(count / done.seconds)
        found = corpus(Path(folder))
    recall = 100 * (found.planted - len(found.left)) / found.planted
    precision = 100 * (found.harmless - len(found.lost)) / found.harmless
    growth = memory[1].median - memory[0].median
    goals = [
        Goal(
            f"scrub: memory grows by ≤ {GROWTH:.0f} MB from {small:,} to {large:,} events", GROWTH, "MB", growth, False
        ),
        Goal("scrub: the planted values that are found", 100.0, "%", recall),
    ]
    notes = [
        f"Of {found.planted} planted values {len(found.left)} are left; of {found.harmless} harmless ones "
        f"{len(found.lost)} are replaced ({precision:.0f} % stay): {json.dumps(found.lost)}.",
        f"The wall: {WALL}.",
    ]
    tables = [
        Table("scrubbed, both passes and the search", "events/s of one core", [rates]),
        Table("peak memory of the command", "MB", memory),
    ]
    return Part("scrubbing", "Scrubbing captures", tables, goals, [], notes, rounds=1)


if __name__ == "__main__":
    from run import alone

    alone("scrubbing")
