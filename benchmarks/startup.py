"""The cost of starting: processor time of short commands, their imports, and the first event and first answer."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from processes import cost
from results import Effort, Goal, Part, Series, Table
from vendorsim.http.server import running_server

HERE = Path(__file__).parent
SCENARIOS = sorted(map(str, (HERE.parent / "scenarios").glob("*.yaml")))
SCENARIO = "returning-customer"
VENDOR = "messagehub"
PROGRAM = [sys.executable, "-m", "vendorsim"]
COMMANDS = {
    "--help": ["--help"],
    "vendors": ["vendors"],
    "lint": ["lint", SCENARIO],
    "lint of all": ["lint", *SCENARIOS],
}
# Starts per round. The cheapest one counts, because other processes may disturb a start.
STARTS = 3
GOALS = {"--help": 0.05, "lint": 0.3, "lint of all": 0.5}
# The rows of `goals.py` that the commands measure.
ROWS = {"--help": "help", "lint of all": "lint"}
PLAYED, FIRST_EVENT, FIRST_ANSWER = 0.3, 0.25, 0.25
PORT = 18_431
REQUEST = (
    b"POST /apps/api/v1/chats/12345/end_user HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer t\r\n"
    b"Content-Type: application/json\r\nContent-Length: 20\r\nConnection: close\r\n\r\n"
    b'{"identifier":"c-1"}'
)
DEAREST = 10
WALLS = {
    "--help": "the interpreter and Click",
    "lint": "importing Faker and the vendors, and a trial of the story as each vendor",
    "lint of all": "a trial of each story as each of its vendors, in 22 locales, each with its own modules of Faker",
    "play": "importing asyncio, Faker, the entry points of installed packages, and rich for the table at the end",
    "first event": "importing asyncio and Faker, and a trial of the story",
    "serve": "importing asyncio and the servers' modules; Flask is imported afterwards",
}


def measure(effort: Effort) -> Part:
    commands = {name: Series(f"vendorsim {name}") for name in COMMANDS}
    bare = Series("python -c pass", "the interpreter alone")
    answers = Series("vendorsim serve", "from the command to its first answer 202, by the clock")
    played = Series("vendorsim play", "from the command to its end")
    first_events = Series("vendorsim play, first event", "from the command to its first request at the receiver")
    for _ in range(effort.rounds):
        bare.values.append(_cheapest([sys.executable, "-c", "pass"]))
        for name, arguments in COMMANDS.items():
            commands[name].values.append(_cheapest([*PROGRAM, *arguments]))
        answers.values.append(min(first_answer() for _ in range(3)))
        plays = [play() for _ in range(STARTS)]
        first_events.values.append(min(first for first, _ in plays))
        played.values.append(min(wall for _, wall in plays))
    starting = Table("starting", "s of processor time", [bare, *commands.values()])
    waiting = Table("waiting", "s by the clock", [played, first_events, answers])
    goals = [
        Goal(
            f"start-up: `vendorsim {name}` ≤ {limit} s CPU",
            limit,
            "s",
            commands[name].median,
            False,
            "",
            WALLS[name],
            ROWS.get(name, ""),
        )
        for name, limit in GOALS.items()
    ]
    text = f"serving: first answer within {FIRST_ANSWER} s of the command"
    goals.append(Goal(text, FIRST_ANSWER, "s", answers.median, False, "", WALLS["serve"], "serve"))
    text = f"start-up: `vendorsim play` of one scenario ends within {PLAYED} s, cold"
    goals.append(Goal(text, PLAYED, "s", played.median, False, "", WALLS["play"], "play"))
    text = f"start-up: the first event of `play` is on the wire within {FIRST_EVENT} s"
    goals.append(Goal(text, FIRST_EVENT, "s", first_events.median, False, "", WALLS["first event"], "first-event"))
    tables = [starting, waiting, *(imported(name) for name in ("--help", "lint"))]
    note = f"User and system time of the cheapest of {STARTS} starts, in each round; `.pyc` files exist."
    return Part("startup", "Starting", tables, goals, notes=[note])


def _cheapest(command: list[str]) -> float:
    return min(cost(command).processor for _ in range(STARTS))


def imported(name: str) -> Table:
    """Returns the cost of a command's imports by package, the most expensive ones."""
    command = [sys.executable, "-X", "importtime", "-m", "vendorsim", *COMMANDS[name]]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    own: Counter[str] = Counter()
    for microseconds, module in re.findall(r"^import time: +(\d+) \| +\d+ \| +(\S+)", output, re.MULTILINE):
        own[_package(module)] += int(microseconds)
    whole = Series("all", "", [own.total() / 1000])
    dearest = [Series(f"`{package}`", "", [spent / 1000]) for package, spent in own.most_common(DEAREST)]
    return Table(f"imports of `{name}`", "ms, once", [*dearest, whole])


def _package(module: str) -> str:
    """Returns the package of a module; for modules of vendorsim, two names."""
    return ".".join(module.split(".")[: 2 if module.startswith("vendorsim.") else 1])


@contextmanager
def serving(port: int, *arguments: str) -> Iterator[int]:
    """Runs `vendorsim serve` in an empty folder; yields its process id."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*PROGRAM, "serve", "--port", str(port), *arguments]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait()


def answered(port: int, seconds: float = 30.0) -> None:
    """Waits until `end_user` answers 202."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), 1.0) as connection:
                connection.sendall(REQUEST)
                if connection.recv(64).startswith(b"HTTP/1.1 202"):
                    return
        except OSError:
            pass
        time.sleep(0.002)
    raise SystemExit("vendorsim serve does not answer")


def first_answer() -> float:
    """Returns the seconds from the command to the first answer."""
    began = time.monotonic()
    with serving(PORT):
        answered(PORT)
        return time.monotonic() - began


def play() -> tuple[float, float]:
    """Plays a story; returns the seconds from the command to its first request, and to its end."""
    arrived: list[float] = []

    def receive(environ: Any, start_response: Any) -> list[bytes]:
        arrived.append(time.perf_counter())
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with running_server(receive) as server, tempfile.TemporaryDirectory() as folder:
        command = [*PROGRAM, "play", SCENARIO, "--vendor", VENDOR, "--to", server.url]
        began = time.perf_counter()
        spent = cost(command, Path(folder))
        return arrived[0] - began, spent.wall


if __name__ == "__main__":
    from run import alone

    alone("startup")
