"""How fast captured traffic is compared with its contract, and how much memory that takes: with the profile that was
played, and with one whose contract all bodies break."""

from __future__ import annotations

import tempfile
from pathlib import Path

import captured
from results import Effort, Goal, Part, Series, Table

VENDOR, PLAYED, OTHER = "messagehub", "observed-4.18", "observed-2.5"
GROWTH = 40.0
WALL = "one Python thread: each value is looked up in the contract and counted"


def measure(effort: Effort) -> Part:
    large = effort.events
    small = large // 10
    profiles = {PLAYED: "no drift", OTHER: "each body breaks the contract in 17 places"}
    rates = [Series(profile, about) for profile, about in profiles.items()]
    memory = [Series(f"{count:,} events") for count in (small, large)]
    with tempfile.TemporaryDirectory() as folder:
        for count, peaks in zip((small, large), memory, strict=True):
            path = Path(folder, f"{count}.jsonl")
            captured.write(path, count, "--vendor", VENDOR, "--profile", PLAYED)
            for series in rates:
                command = ("capture", "drift", "--vendor", VENDOR, "--profile", series.name, str(path), "--json")
                done = captured.used(*command, codes=(0, 1))
                peaks.values.append(done.memory)
                if count == large:
                    series.values.append(count / done.seconds)
    growth = max(memory[1].values) - max(memory[0].values)
    text = f"drift: memory grows by ≤ {GROWTH:.0f} MB from {small:,} to {large:,} events"
    tables = [
        Table("compared with a profile", "events/s of one core", rates),
        Table("peak memory of the command", "MB", memory),
    ]
    notes = [f"`everyday-chat` as {VENDOR}, profile {PLAYED}; JSON Lines. {large:,} events, once for each profile."]
    goal = Goal(text, GROWTH, "MB", growth, False, "", WALL)
    return Part("drift", "Drift of captures", tables, [goal], notes=notes, rounds=1)


if __name__ == "__main__":
    from run import alone

    alone("drift")
