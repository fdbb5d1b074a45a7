"""What 10,000 conversations cost that all wait an hour for a retry: memory and processor time. Asserts nothing.

    python benchmarks/waiting.py

A receiver answers 500 to everything, the policy retries after one hour by the clock; once all events were refused,
the process is watched for a while and then interrupted. Reads /proc, so Linux only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sink

PORT = 18_421
CONVERSATIONS = 10_000
SETTLING_SECONDS, WATCHED_SECONDS = 3, 10
MOST_MEGABYTES = 300
# A process that spins takes 100 % of a core; one that only waits, next to nothing.
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


def megabytes(process: int, what: str) -> float:
    """A figure of /proc/PID/status such as VmRSS, in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024
    raise LookupError(what)


def processor_seconds(process: int) -> float:
    """User and system time so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def switches(process: int) -> int:
    """How often its threads have been woken so far."""
    found = 0
    for status in Path(f"/proc/{process}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                found += int(line.split()[1])
    return found


def play(url: str, folder: Path) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "simulator"]
    command = [
        *program,
        "play",
        "one-event.yaml",
        "--vendor",
        VENDOR,
        "--to",
        url + "/hook",
        "--count",
        str(CONVERSATIONS),
    ]
    command += ["--spacing", "0s", "--speed", "1x", "--policy", "retries=1h"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sink.running(PORT, Path(name), status=500) as receiver:
        folder = Path(name)
        (folder / "one-event.yaml").write_text(SCENARIO)
        process = play(receiver.url, folder)
        try:
            arrived = receiver.settled(CONVERSATIONS)
            # The last refusals have still to reach the journal.
            time.sleep(SETTLING_SECONDS)
            before, woken, began = processor_seconds(process.pid), switches(process.pid), time.monotonic()
            time.sleep(WATCHED_SECONDS)
            seconds = time.monotonic() - began
            percent = (processor_seconds(process.pid) - before) / seconds * 100
            woken_per_second = (switches(process.pid) - woken) / seconds
            resident, peak = megabytes(process.pid, "VmRSS"), megabytes(process.pid, "VmHWM")
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait()
    size = arrived.bytes // max(1, arrived.posts)
    print(f"{arrived.posts:,} conversations of one event ({size:,} bytes) were refused and wait an hour for the retry.")
    print(f"Watched for {seconds:.0f} s, then interrupted: exit code {code}.")
    memory, busy = _met(peak, MOST_MEGABYTES), _met(percent, MOST_PERCENT)
    print(f"memory     {resident:6.0f} MB, at most {peak:.0f} MB so far; limit {MOST_MEGABYTES} MB: {memory}")
    print(f"processor  {percent:6.2f} % of a core, woken {woken_per_second:.1f} x/s; limit {MOST_PERCENT:g} %: {busy}")


def _met(value: float, limit: float) -> str:
    return "met" if value < limit else "NOT met"


if __name__ == "__main__":
    main()
