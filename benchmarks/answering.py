"""How fast `end_user` is answered by `vendorsim serve`, beside the peers: `wrk` at 1 and 32 connections, and memory.

All servers run at once and get requests in turn. Ours runs with a new journal, as users start it, and without one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import peers
import sink
from goals import ROWS
from processes import megabytes, processor_seconds
from results import Effort, Goal, Part, Series, Table, compared
from startup import answered, serving

PORT, CEILING_PORT = 18_402, 18_404
OURS, UNJOURNALED, TUNED = "vendorsim serve", "vendorsim serve --no-journal", "WireMock"
CEILING = "a fixed answer"
CONNECTIONS = (1, 32)
# The goals compare these two.
RIVALS = (OURS, TUNED)
SECONDS, WARM_SECONDS = 1, 3
# Every request has another session id, so that no answer is a 409 or can be cached.
SCRIPT = """\
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer 0123456789abcdef0123456789abcdef"
wrk.body = '{"identifier":"unique_external_id","name":"John Doe","email":"johndoe@example.com"}'
local number = tonumber(os.getenv("FIRST"))
request = function()
  number = number + 1
  return wrk.format(nil, "/apps/api/v1/chats/" .. number .. "/end_user")
end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('FOUND {"requests":%d,"us":%d,"p99":%d,"bad":%d}\\n', summary.requests, summary.duration,
    latency:percentile(99), errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
"""
MILLION, MOST_MEGABYTES = 1_000_000, 80
WALL = "one Python process: see [Serving](#the-wall-of-serving)"


@dataclass
class Server:
    """A server. `rates` (requests/s) and `latest` (p99 in ms) are by number of connections."""

    name: str
    port: int
    process: int
    rates: dict[int, Series]
    latest: dict[int, Series]
    busy: list[float]
    asked: int = 0
    errors: int = 0
    # Next session id. Ids that wrk may have used when its time was up are skipped.
    next: int = 1


def server(name: str, port: int, process: int, missing: str = "") -> Server:
    base = "" if name in (TUNED, CEILING) else TUNED
    rates = {count: Series(name, "", base=base, missing=missing) for count in CONNECTIONS}
    latest = {count: Series(name, "", base=base, missing=missing) for count in CONNECTIONS}
    return Server(name, port, process, rates, latest, [])


def measure(effort: Effort) -> Part:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "post.lua").write_text(SCRIPT)
        servers = started(stack, folder)
        if shutil.which("wrk") is None:
            for each in servers:
                for series in (*each.rates.values(), *each.latest.values()):
                    series.missing = "no wrk"
            return part(servers, None, 0)
        asked = [each for each in servers if each.process]
        for each in asked:
            ask(each, 32, 1 if effort.quick else WARM_SECONDS, folder)
        for number in range(effort.rounds):
            for each in asked:
                for connections in CONNECTIONS if effort.turns(number, each.name in RIVALS) else ():
                    requests, microseconds, p99 = ask(each, connections, SECONDS, folder)
                    each.rates[connections].values.append(requests / microseconds * 1e6)
                    each.latest[connections].values.append(p99 / 1000)
        ours = servers[0]
        wanted = 20_000 if effort.quick else MILLION
        while ours.asked < wanted:
            ask(ours, 32, SECONDS, folder)
        return part(servers, megabytes(ours.process), ours.asked)


def started(stack: ExitStack, folder: Path) -> list[Server]:
    """Starts all servers and waits until they answer. A server that can't run has a `missing` reason."""
    found = []
    for number, (name, arguments) in enumerate(((OURS, ()), (UNJOURNALED, ("--no-journal",)))):
        port = PORT + number
        found.append(server(name, port, stack.enter_context(serving(port, *arguments))))
        answered(port)
    for peer in peers.PEERS:
        process = 0 if peer.missing else stack.enter_context(peers.running(peer))
        found.append(server(peer.name, peer.port, process, peer.missing))
    receiver = stack.enter_context(sink.running(CEILING_PORT, folder, status=202))
    ceiling = server(CEILING, CEILING_PORT, receiver.process)
    for series in (*ceiling.rates.values(), *ceiling.latest.values()):
        series.about = receiver.made_of
    return [*found, ceiling]


def ask(each: Server, connections: int, seconds: int, folder: Path) -> tuple[int, int, int]:
    """Runs wrk; returns the number of requests, the duration and the p99 (both in microseconds)."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(folder / "post.lua")]
    command.append(f"http://127.0.0.1:{each.port}")
    before = processor_seconds(each.process)
    output = subprocess.run(
        command, env={**os.environ, "FIRST": str(each.next)}, capture_output=True, text=True, check=True
    ).stdout
    line = next(line for line in output.splitlines() if line.startswith("FOUND "))
    found = json.loads(line.removeprefix("FOUND "))
    each.errors += found["bad"]
    each.busy.append((processor_seconds(each.process) - before) / seconds)
    each.asked += found["requests"]
    each.next += found["requests"] + 1_000
    return found["requests"], found["us"], found["p99"]


def part(servers: list[Server], resident: float | None, asked: int) -> Part:
    tables = []
    for connections in CONNECTIONS:
        label = f"{connections} connection{'s' if connections > 1 else ''}"
        rates = [each.rates[connections] for each in servers]
        latest = [each.latest[connections] for each in servers]
        tables += [Table(f"end_user, {label}", "requests/s", rates), Table(f"p99, {label}", "ms", latest)]
    ours, tuned = servers[0], next(each for each in servers if each.name == TUNED)
    goals = []
    for connections in CONNECTIONS:
        row = f"end-user-{connections}"
        pairs = (
            (ours.rates[connections], tuned.rates[connections]),
            (ours.latest[connections], tuned.latest[connections]),
        )
        goals += [
            compared(ROWS[row].text, 1, *pairs[0], row=row, in_each=True, wall=WALL),
            compared(
                ROWS[f"{row}-p99"].text,
                1,
                *pairs[1],
                row=f"{row}-p99",
                in_each=True,
                wall=WALL,
                more_is_better=False,
            ),
        ]
    wall = "what is kept of sessions, which is bounded"
    missing = "" if resident is not None else "no wrk"
    memory = "end-user-memory"
    goals.append(Goal(ROWS[memory].text, MOST_MEGABYTES, "MB", resident, False, missing, wall, memory))
    notes = []
    if resident is not None:
        notes.append(f"{ours.name} was asked {asked:,} times in all, and then had {resident:.0f} MB resident.")
        told = ", ".join(f"{each.name} {max(each.busy):.0%}" for each in servers if each.busy)
        notes.append(
            "`wrk`, one thread, asks for another session each time. It is not the bottleneck: the row of "
            f"{CEILING} shows how much it can ask. The servers took at most, of a core: {told}."
        )
        notes += [
            f"{each.name}: {each.errors:,} of {each.asked:,} answers were errors." for each in servers if each.errors
        ]
    return Part("answering", "Serving", tables, goals, notes=notes)


if __name__ == "__main__":
    from run import alone

    alone("answering")
