"""How fast events are delivered, beside `wrk`, MockServer and WireMock. Asserts nothing.

    python benchmarks/delivery.py [--rounds N] [--install-peers]

All send to the same receiver, in interleaved rounds; rates are taken at the receiver, from the first post to the last
one, so start-up is not in them. Ours is a fresh process in every round; `wrk` and the peers send one body of the same
mean size, which they neither make up nor validate. Medians are printed, with the goals and, for what falls short of
them, where the time goes.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import platform
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

import peers
import sink

from simulator.config import Target
from simulator.delivery.player import Options
from simulator.delivery.playing import Playing
from simulator.delivery.requests import destination
from simulator.events import Event
from simulator.journal import Recorder
from simulator.runs import prepare
from simulator.timeline import LiveConversation, Run, Scheduled, events

PORT = 18_401
SCENARIO, VENDOR = "returning-customer", "userlike"
CONVERSATIONS = 1_539
EVENTS = CONVERSATIONS * 13
START = "2026-01-05T09:00:00Z"
CONCURRENCY = 16
WRK_SECONDS = 2
FULL, BARE, UNJOURNALED, WRK = "everything on", "bare", "journal off", "wrk"
GOALS = ((FULL, "MockServer", 5.0), (FULL, WRK, 0.10), (BARE, WRK, 0.50))
MADE_OF = {
    FULL: "vendorsim play: generation, validation, journal",
    UNJOURNALED: "the same with --no-journal",
    BARE: "events made beforehand, no journal",
    WRK: "one thread, 16 connections, one fixed body",
}


@dataclass
class Contestant:
    """Who sends. `send` returns when everything was handed over; None where it is not installed, says `missing`.

    `expected` is how many posts must have arrived before a round is over, `fresh` the rate of a peer right after its
    start, which is how ours is measured in every round.
    """

    name: str
    about: str
    send: Callable[[], None] | None
    missing: str = ""
    expected: int = 0
    rates: list[float] = field(default_factory=list)
    walls: list[float] = field(default_factory=list)
    posts: int = 0
    fresh: float | None = None

    @property
    def rate(self) -> float:
        return median(self.rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--install-peers", action="store_true", help="fetch MockServer and WireMock by npm")
    parser.add_argument("--bare", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--profile", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare or given.profile:
        play_here(given.bare or given.profile, bare=bool(given.bare))
        return
    if given.install_peers:
        peers.install()
    busy = os.getloadavg()[0]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receiver = stack.enter_context(sink.running(PORT, folder))
        body, mean = mean_body()
        contestants = [*ours(receiver, folder), wrk(receiver, folder, body)]
        contestants += [peer(each, receiver, body, stack) for each in peers.PEERS]
        for _ in range(given.rounds):
            for contestant in contestants:
                measure(contestant, receiver)
        describe(receiver, mean, len(body), given.rounds, busy)
        table(contestants)
        goals(contestants, receiver.url)


# Who sends


def ours(receiver: sink.Sink, folder: Path) -> list[Contestant]:
    play = [sys.executable, "-m", "simulator", "play", SCENARIO, "--vendor", VENDOR, "--to", receiver.url + "/hook"]
    play += ["--count", str(CONVERSATIONS), "--start", START, "--concurrency", str(CONCURRENCY)]
    bare = [sys.executable, __file__, "--bare", receiver.url + "/hook"]
    commands = {
        FULL: play,
        UNJOURNALED: [*play, "--no-journal"],
        BARE: bare,
    }
    return [
        Contestant(name, MADE_OF[name], _command(command, folder), expected=EVENTS)
        for name, command in commands.items()
    ]


def wrk(receiver: sink.Sink, folder: Path, body: bytes) -> Contestant:
    if shutil.which("wrk") is None:
        return Contestant(WRK, MADE_OF[WRK], None, "not installed (Debian package wrk)")
    (folder / "body.json").write_bytes(body)
    script = folder / "post.lua"
    script.write_text(
        f'wrk.method = "POST"\nlocal f = io.open("{folder}/body.json", "rb")\nwrk.body = f:read("*a")\n'
        'f:close()\nwrk.headers["Content-Type"] = "application/json"\n'
    )
    command = ["wrk", "-t1", f"-c{CONCURRENCY}", f"-d{WRK_SECONDS}s", "-s", str(script), receiver.url + "/hook"]
    return Contestant(WRK, MADE_OF[WRK], _command(command, folder))


def peer(each: peers.Peer, receiver: sink.Sink, body: bytes, stack: ExitStack) -> Contestant:
    """A peer, started and warm: its virtual machine has compiled what it runs often."""
    about = f"{peers.PER_CALL} webhooks a call, {peers.CONNECTIONS} callers"
    if each.installed is None:
        return Contestant(each.name, about, None, "not installed: run with --install-peers (needs npm and java)")
    stack.enter_context(peers.running(each, receiver.url + "/hook", body))
    calls = EVENTS // peers.PER_CALL
    contestant = Contestant(each.name, about, lambda: peers.call(each, calls), expected=calls * peers.PER_CALL)
    measure(contestant, receiver)
    contestant.fresh = contestant.rate
    contestant.about += f"; its first {contestant.posts:,}: {contestant.fresh:,.0f}/s"
    measure(contestant, receiver)
    contestant.rates.clear()
    contestant.walls.clear()
    return contestant


def _command(command: list[str], folder: Path) -> Callable[[], None]:
    def send() -> None:
        # A folder of its own each time, and so a new journal.
        with tempfile.TemporaryDirectory(dir=folder) as place:
            subprocess.run(command, cwd=place, stdout=subprocess.DEVNULL, check=True)

    return send


def measure(contestant: Contestant, receiver: sink.Sink) -> None:
    if contestant.send is None:
        return
    receiver.reset()
    began = time.perf_counter()
    contestant.send()
    contestant.walls.append(time.perf_counter() - began)
    arrived = receiver.settled(contestant.expected)
    contestant.rates.append(arrived.rate)
    contestant.posts = arrived.posts


# Our run, within this process


class ToldConversation(LiveConversation):
    """A conversation whose events were made beforehand."""

    def __init__(self, run: Run, index: int) -> None:
        super().__init__(run, index)
        live = LiveConversation(run, index)
        self._told = iter([live.advance(scheduled) for scheduled in run.schedule(index)])

    def advance(self, scheduled: Scheduled) -> list[Event]:
        return next(self._told)


class ToldRun(Run):
    """A run that is told before it is played."""

    def tell(self) -> ToldRun:
        told = [ToldConversation(self, index) for index in range(CONVERSATIONS)]
        object.__setattr__(self, "told", told)
        return self

    def conversation(self, index: int) -> LiveConversation:
        found: LiveConversation = self.told[index]  # type: ignore[attr-defined]
        return found


def play_here(url: str, *, bare: bool) -> None:
    """Plays as the command does, without its journal: with events made beforehand, or profiled."""
    run = prepare(SCENARIO, VENDOR, start=1_767_603_600_000, count=CONVERSATIONS)
    if bare:
        run = ToldRun(run.scenario, run.vendor, run.profile, run.seed, run.starts, run.spacing).tell()
    places = [destination(Target(url), {})]
    options = Options(count=CONVERSATIONS, concurrency=CONCURRENCY)
    recorder = Recorder(None, 0, lambda record: None)
    playing = Playing(run, run.profile.policy, places, options, None, None, None, recorder)
    if bare:
        playing.run_to_end()
    else:
        profile = cProfile.Profile()
        profile.runcall(playing.run_to_end)
        print(json.dumps(shares(pstats.Stats(profile))))
    recorder.close()


# What is printed


def mean_body() -> tuple[bytes, int]:
    """The event of our run whose size is nearest to the mean, and the mean in bytes."""
    bodies = [event.body for event in events(prepare(SCENARIO, VENDOR, start=0), 200)]
    mean = sum(map(len, bodies)) // len(bodies)
    return min(bodies, key=lambda body: abs(len(body) - mean)), mean


def describe(receiver: sink.Sink, mean: int, size: int, rounds: int, busy: float) -> None:
    machine = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores shared by senders and receiver, loopback"
    )
    print(f"{machine}; load average before: {busy:.1f}")
    ours = f"Python {platform.python_version()}, vendorsim {version('vendorsim')}, uvloop {uvloop_version()}"
    print(f"{ours}; {wrk_version()}")
    print(f"receiver: {receiver.made_of}; medians of {rounds} interleaved rounds, rates at the receiver")
    print(f"{SCENARIO} as {VENDOR}: {mean:,} bytes an event on average; wrk and the peers send {size:,} bytes")


def uvloop_version() -> str:
    try:
        return version("uvloop")
    except ImportError:
        return "not installed"


def wrk_version() -> str:
    if shutil.which("wrk") is None:
        return "no wrk"
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False)
    return " ".join((said.stdout or said.stderr).split()[:2])


def table(contestants: list[Contestant]) -> None:
    print(f"\n{'':<20}{'events/s':>10}{'slowest':>10}{'fastest':>10}{'posts':>10}{'command s':>11}   what")
    for each in contestants:
        if each.rates:
            low, high, wall = min(each.rates), max(each.rates), median(each.walls)
            print(
                f"{each.name:<20}{each.rate:>10,.0f}{low:>10,.0f}{high:>10,.0f}{each.posts:>10,}{wall:>11.2f}"
                f"   {each.about}"
            )
        else:
            print(f"{each.name:<20}{each.missing}")


def goals(contestants: list[Contestant], url: str) -> None:
    """Every goal with the ratio that was reached (of each round, then the median)."""
    print()
    short = set()
    for mine, theirs, wanted in GOALS:
        one, other = (next(each for each in contestants if each.name.startswith(name)) for name in (mine, theirs))
        if not other.rates:
            print(f"{mine} / {other.name}: not measured, {other.missing}")
            continue
        reached = median(a / b for a, b in zip(one.rates, other.rates, strict=True))
        if reached < wanted:
            short.add(mine)
        need = f"NOT met, it takes {1e6 / wanted / other.rate:.1f} microseconds an event"
        verdict = "met" if reached >= wanted else need
        print(f"{mine} / {other.name}: {_ratio(reached, wanted)}, goal {_ratio(wanted, wanted)}: {verdict}")
        if other.fresh is not None:
            print(f"{mine} / {other.name}, both just started: {_ratio(one.rate / other.fresh, wanted)}")
    if short:
        walls({each.name: each.rate for each in contestants if each.rates}, url)


def walls(rates: dict[str, float], url: str) -> None:
    """Where the time of an event goes, in microseconds, and what the profile says about it."""
    full, unjournaled, bare = (1e6 / rates[name] for name in (FULL, UNJOURNALED, BARE))
    making = seconds_of_making() * 1e6
    print("\nThe wall, in microseconds of one core per event:")
    print(f"  made up, validated, encoded  {making:6.1f}   (measured alone: at most {1e6 / making:,.0f} events/s)")
    print(f"  sent and judged              {bare:6.1f}   (bare)")
    print(f"  journal                      {full - unjournaled:6.1f}   (everything on, less journal off)")
    print(f"  everything on                {full:6.1f}")
    if WRK in rates:
        print(f"  wrk                          {1e6 / rates[WRK]:6.1f}   (C)")
    print("All of it runs in one Python process, and so one thread at a time. Its profile, without the journal:")
    command = [sys.executable, __file__, "--profile", url + "/hook"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for area, share in json.loads(said).items():
        print(f"  {share:5.1%}  {area}")


def _ratio(value: float, goal: float) -> str:
    return f"{value:.2f} x" if goal >= 1 else f"{value:.1%}"


def seconds_of_making() -> float:
    """Of one event, when nothing is sent."""
    run = prepare(SCENARIO, VENDOR, start=0)
    rounds = []
    for _ in range(3):
        began = time.perf_counter()
        count = sum(1 for _ in events(run, CONVERSATIONS))
        rounds.append((time.perf_counter() - began) / count)
    return median(rounds)


AREAS = (
    ("delivery/transport.py", "transport: HTTP on the socket, with the system's calls"),
    ("delivery/", "player: agenda, verdicts, records"),
    ("journal.py", "recorder: hands records on"),
    ("queue", "recorder: hands records on"),
    ("contracts.py", "making: validation"),
    ("jsonschema", "making: validation"),
    ("vendors/", "making: bodies"),
    ("simulator/", "making: conversation"),
    ("asyncio", "event loop, with the system's calls"),
)


def shares(stats: pstats.Stats) -> dict[str, float]:
    """Area -> its share of the time, the largest first."""
    found: Counter[str] = Counter()
    for (file, _, function), (_, _, own, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        place = f"{file}:{function}"
        found[next((area for part, area in AREAS if part in place), "Python's built-in functions")] += own
    total = sum(found.values())
    return {area: seconds / total for area, seconds in found.most_common()}


if __name__ == "__main__":
    main()
