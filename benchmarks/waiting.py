"""The cost of 10,000 conversations that wait an hour for a retry: memory and processor time.

A receiver answers 500 to every request, and the policy retries after one hour. When all events were refused, the
process is watched for a while and then interrupted.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sink
from processes import megabytes, processor_seconds, switches
from results import Effort, Goal, Part, Series, Table

PORT = 18_421
CONVERSATIONS = 10_000
SETTLING_SECONDS, WATCHED_SECONDS = 3, 10
MOST_MEGABYTES = 300
# A busy loop takes 100 % of a core, a waiting process almost nothing.
MOST_PERCENT = 1.0
VENDOR = "smartsupp"
SCENARIO = """\
scenario: One conversation, one event
vendors: [smartsupp]
cast:
  agents:
    ana: {name: Ana Novak}
steps:
  - say: Hello
  - say: {by: ana, text: "Hi, how can I help?"}
  - close: {by: visitor}
"""


def play(url: str, folder: Path, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "vendorsim", "play", "one-event.yaml", "--vendor", VENDOR, "--to", url + "/hook"]
    command += ["--count", str(count), "--spacing", "0s", "--speed", "1x", "--policy", "retries=1h"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def measure(effort: Effort) -> Part:
    """Measures once: it is a state, not a race."""
    count = 1_000 if effort.quick else CONVERSATIONS
    with tempfile.TemporaryDirectory() as name, sink.running(PORT, Path(name), status=500) as receiver:
        folder = Path(name)
        (folder / "one-event.yaml").write_text(SCENARIO)
        process = play(receiver.url, folder, count)
        try:
            arrived = receiver.settled(count)
            # Wait until the last refusals are in the journal.
            time.sleep(SETTLING_SECONDS)
            before, woken, began = processor_seconds(process.pid), switches(process.pid), time.monotonic()
            time.sleep(WATCHED_SECONDS)
            seconds = time.monotonic() - began
            percent = (processor_seconds(process.pid) - before) / seconds * 100
            woken_per_second = (switches(process.pid) - woken) / seconds
            resident, peak = megabytes(process.pid), megabytes(process.pid, "VmHWM")
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait()
    figures = [
        Series("resident memory, MB", f"at most {peak:.0f} MB so far", [resident]),
        Series("processor, % of a core", f"woken {woken_per_second:.1f} times a second", [percent]),
    ]
    size = arrived.bytes // max(1, arrived.posts)
    note = (
        f"{arrived.posts:,} conversations of one event ({size:,} bytes) were refused and wait an hour for the retry; "
        f"watched for {seconds:.0f} s, then interrupted (exit code {code})."
    )
    goals = [
        Goal(
            f"waiting: {count:,} conversations in ≤ {MOST_MEGABYTES} MB",
            MOST_MEGABYTES,
            "MB",
            peak,
            more_is_better=False,
            wall="the conversations themselves, each with its event's bytes",
        ),
        Goal(
            f"waiting: no busy loop (≤ {MOST_PERCENT:g} % of a core)",
            MOST_PERCENT,
            "%",
            percent,
            more_is_better=False,
            wall="none: the event loop sleeps",
        ),
    ]
    return Part("waiting", "Waiting", [Table("while all wait", "measured", figures)], goals, notes=[note], rounds=1)


if __name__ == "__main__":
    from run import alone

    alone("waiting")
