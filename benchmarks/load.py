"""How many events a second `vendorsim load` sends, with one worker and with two."""

from __future__ import annotations

import tempfile
from pathlib import Path

import sink
import soak
from goals import ROWS
from results import Effort, Goal, Part, Series, Table, ratio

PORT = 18_491
CONVERSATIONS = 2_000
RATE, SCALING = 20_000, 1.7
ONE, TWO = "one worker", "two workers"
WALL = "one Python thread a worker; the receiver (C) takes a part of the same cores"


def measure(effort: Effort) -> Part:
    series = [Series(ONE), Series(TWO, base=ONE)]
    with tempfile.TemporaryDirectory() as name, sink.running(PORT, Path(name)) as receiver:
        for _ in range(effort.rounds):
            for workers, each in enumerate(series, 1):
                each.values.append(rate(receiver, Path(name), workers, effort))
    one, two = series
    return Part(
        "load",
        "Load",
        [Table("sent, conversations arrive as fast as they can be sent", "events/s", series)],
        [
            Goal(ROWS["load-one"].text, RATE, "/s", one.median, wall=WALL, row="load-one"),
            Goal(ROWS["load-two"].text, SCALING, "x", ratio(two, one), wall=WALL, row="load-two"),
        ],
        notes=["From the first to the last request that the receiver has seen."],
    )


def rate(receiver: sink.Sink, folder: Path, workers: int, effort: Effort) -> float:
    """Sends at full speed; returns the events per second."""
    count = CONVERSATIONS // (5 if effort.quick else 1)
    traffic = f"conversations: {count}\narrivals: {{process: constant, rate: 1000000/s}}"
    receiver.reset()
    options = ["--workers", str(workers)] if workers > 1 else []
    process = soak.start(receiver, folder, traffic, count, *options)
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"vendorsim load: {errors}")
    return receiver.count().rate


if __name__ == "__main__":
    from run import alone

    alone("load")
