"""How fast webhooks are sent, compared with `wrk`, WireMock, MockServer and Mockoon, to the same receiver.

The receiver measures the rates, from the first post to the last one, so start-up does not count. Ours is a new process
with a new journal in every round; `wrk` and the peers send one body of the mean size. What is sent per second of
processor time does count our start-up.
"""

from __future__ import annotations

import cProfile
import json
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
from itertools import zip_longest
from pathlib import Path
from statistics import median

import peers
import sink
from goals import ROWS
from msgspec.structs import replace
from processes import Cost, cost, processor_seconds
from results import Effort, Goal, Part, Series, Table, compared
from vendorsim.core.event import Event
from vendorsim.delivery.planning import prepare
from vendorsim.delivery.playing import run_to_end
from vendorsim.journal.recorder import Recorder
from vendorsim.runs.config import Config, Target
from vendorsim.runs.planning import RunRequest, plan
from vendorsim.runs.timeline import LiveConversation, Run, Scheduled, events

PORT = 18_401
SCENARIO, VENDOR = "returning-customer", "userlike"
CONVERSATIONS = 3_078
START = "2026-01-05T09:00:00Z"
CONCURRENCY = 16
CALLERS = 32
WRK_SECONDS = 1
FULL, ALONE, UNJOURNALED = "everything on", "everything on, one worker", "journal off, one worker"
BARE, WRK = "events made beforehand", "wrk"
SENDERS = {
    FULL: "`vendorsim play`: generation, validation, journal; as many workers as pay",
    ALONE: "the same with `--workers 1`",
    UNJOURNALED: "the same with `--workers 1 --no-journal`",
    BARE: "the same player, neither generation nor journal",
    WRK: "one thread, one fixed body",
}
# Webhooks per round, by peer and webhooks per call: enough for a second or more.
PEERS_SEND = {
    ("WireMock", 1): 4_000,
    ("WireMock", 10): 20_000,
    ("MockServer", 1): 4_000,
    ("MockServer", 10): 20_000,
    ("Mockoon", 1): 1_000,
    ("Mockoon", 10): 3_000,
}
# What the goals compare: the best peers are these, whatever the machine.
RIVALS = (FULL, BARE, WRK, "WireMock, ten a call", "MockServer, ten a call")
RATE, PER_CORE, SHARE_OF_WRK = 1.5, 3.0, 60.0
WALL = "see [Sending](#the-wall-of-sending)"


@dataclass
class Contestant:
    """A sender. `send` returns when all was sent, with the cost of a command: the sender itself, or who calls the
    sender if that is running already (`process`).

    `expected` is the number of posts that end a round; `fresh` is the rate of a peer just after its start. `per_core`
    are the posts per second of processor time.
    """

    series: Series
    send: Callable[[], Cost] | None
    expected: int = 0
    process: int = 0
    per_core: Series = field(default_factory=lambda: Series(""))
    fresh: float | None = None
    receiver_busy: list[float] = field(default_factory=list)
    caller_busy: list[float] = field(default_factory=list)


def measure(effort: Effort) -> Part:
    conversations = 500 if effort.quick else CONVERSATIONS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receiver = stack.enter_context(sink.running(PORT, folder))
        body, mean = mean_body()
        contestants = [*ours(receiver, folder, conversations), wrk(receiver, folder, body)]
        contestants += mocks(receiver, body, stack, effort)
        for number in range(effort.rounds):
            for contestant in contestants:
                if effort.turns(number, contestant.series.name in RIVALS):
                    run_once(contestant, receiver)
        series = {each.series.name: each.series for each in contestants}
        per_core = {each.series.name: each.per_core for each in contestants}
        parts = walls(series, receiver.url, conversations)
    table = Table("webhooks sent", "webhooks/s", list(series.values()))
    notes = [
        f"{SCENARIO} as {VENDOR}, {mean:,} bytes an event on average; `wrk` and the peers send {len(body):,} bytes. "
        f"Ours keeps {CONCURRENCY} requests in flight, `wrk` {CONCURRENCY}; the peers are called by {CALLERS}.",
        *just_started(contestants),
        *not_the_bottleneck(contestants, receiver),
        *parts,
    ]
    used = Table("webhooks sent", "webhooks/s of processor time", list(per_core.values()))
    return Part("delivery", "Sending", [table, used], goals(series, per_core), notes=notes)


def goals(series: dict[str, Series], per_core: dict[str, Series]) -> list[Goal]:
    """Returns the goals: rate and processor time against the best peer of each round, and a share of `wrk`."""
    compared_with_best = [
        compared(ROWS[row].text, wanted, all_of[FULL], best_peer(all_of), wall=f"the cores: {WALL}", row=row)
        for row, wanted, all_of in (("sending-rate", RATE, series), ("sending-core", PER_CORE, per_core))
    ]
    text = f"sending, events made beforehand: ≥ {SHARE_OF_WRK:g} % of `wrk` from one core"
    share = compared(text, SHARE_OF_WRK, series[BARE], series[WRK], unit="%", wall=f"one Python thread: {WALL}")
    return [*compared_with_best, share]


def best_peer(series: dict[str, Series]) -> Series:
    """Returns the best value of all peers in each round."""
    peers = [each.values for name, each in series.items() if name not in SENDERS and each.values]
    best = [max(values) for values in zip_longest(*peers, fillvalue=0.0)]
    return Series("the best peer", values=best, missing="no peers")


def _a_call(sent: int) -> str:
    return "one webhook a call" if sent == 1 else "ten a call"


# The senders


def ours(receiver: sink.Sink, folder: Path, conversations: int) -> list[Contestant]:
    play = [sys.executable, "-m", "vendorsim", "play", SCENARIO, "--vendor", VENDOR, "--to", receiver.url + "/hook"]
    play += ["--count", str(conversations), "--start", START, "--concurrency", str(CONCURRENCY)]
    bare = [sys.executable, __file__, "--play-bare", receiver.url + "/hook", str(conversations)]
    alone = [*play, "--workers", "1"]
    commands = {FULL: play, ALONE: alone, UNJOURNALED: [*alone, "--no-journal"], BARE: bare}
    count = conversations * sum(1 for _ in events(plan(RunRequest(SCENARIO, VENDOR, start=0)).run, 1))
    return [
        Contestant(
            Series(name, SENDERS[name], base=WRK), _command(command, folder), count, per_core=Series(name, base=WRK)
        )
        for name, command in commands.items()
    ]


def wrk(receiver: sink.Sink, folder: Path, body: bytes) -> Contestant:
    if shutil.which("wrk") is None:
        return Contestant(Series(WRK, SENDERS[WRK], missing="no wrk"), None, per_core=Series(WRK, missing="no wrk"))
    (folder / "body.json").write_bytes(body)
    script = folder / "post.lua"
    script.write_text(
        f'wrk.method = "POST"\nlocal f = io.open("{folder}/body.json", "rb")\nwrk.body = f:read("*a")\n'
        'f:close()\nwrk.headers["Content-Type"] = "application/json"\n'
    )
    command = ["wrk", "-t1", f"-c{CONCURRENCY}", f"-d{WRK_SECONDS}s", "-s", str(script), receiver.url + "/hook"]
    return Contestant(Series(WRK, SENDERS[WRK]), _command(command, folder), per_core=Series(WRK))


def mocks(receiver: sink.Sink, body: bytes, stack: ExitStack, effort: Effort) -> list[Contestant]:
    """Starts the peers and warms them up, so that their virtual machines have compiled the hot code."""
    found = []
    for peer in peers.PEERS:
        for sent in peer.sends:
            count = PEERS_SEND[peer.name, sent] // (10 if effort.quick else 1)
            name = f"{peer.name}, {_a_call(sent)}"
            series, per_core = (Series(name, base=FULL, missing=peer.missing) for _ in range(2))
            contestant = Contestant(series, None, count, per_core=per_core)
            if not peer.missing:
                contestant.send = _calls(peer, count // sent, sent)
            found.append(contestant)
        if peer.sends and not peer.missing:
            process = stack.enter_context(peers.running(peer, receiver.url + "/hook", body))
            for contestant in found[-len(peer.sends) :]:
                contestant.process = process
                warm_up(contestant, receiver)
    return found


def warm_up(contestant: Contestant, receiver: sink.Sink) -> None:
    """Runs two rounds that don't count. The first one's rate is noted, because ours starts anew in every round."""
    run_once(contestant, receiver)
    run_once(contestant, receiver)
    contestant.fresh = contestant.series.values[0]
    contestant.series.about = f"warm; its first {contestant.expected:,} came at {contestant.fresh:,.0f}/s"
    contestant.series.values.clear()
    contestant.per_core.values.clear()
    contestant.receiver_busy.clear()
    contestant.caller_busy.clear()


def _calls(peer: peers.Peer, calls: int, sent: int) -> Callable[[], Cost]:
    return lambda: peers.call(peer, calls, sent, CALLERS)


def _command(command: list[str], folder: Path) -> Callable[[], Cost]:
    def send() -> Cost:
        # A new folder each time, and so a new journal.
        with tempfile.TemporaryDirectory(dir=folder) as place:
            return cost(command, Path(place))

    return send


def run_once(contestant: Contestant, receiver: sink.Sink) -> None:
    """Runs one round of one contestant; measures its rate and how busy receiver and caller were."""
    if contestant.send is None:
        return
    receiver.reset()
    before = processor_seconds(receiver.process)
    used = -processor_seconds(contestant.process) if contestant.process else 0.0
    spent = contestant.send()
    arrived = receiver.settled(contestant.expected)
    contestant.series.values.append(arrived.rate)
    seconds = arrived.nanoseconds / 1e9
    contestant.receiver_busy.append((processor_seconds(receiver.process) - before) / seconds)
    if contestant.process:
        contestant.caller_busy.append(spent.processor / spent.wall)
        used += processor_seconds(contestant.process)
    else:
        used = spent.processor
    contestant.per_core.values.append(arrived.posts / used if used else 0.0)


def just_started(contestants: list[Contestant]) -> list[str]:
    """Returns the same ratios with peers just started, as ours is in every round."""
    full = contestants[0].series.median
    shown = [f"{full / each.fresh:.1f} × {each.series.name}" for each in contestants if each.fresh]
    return [f"Both just started, everything on sends {', '.join(shown)}."] if shown else []


def not_the_bottleneck(contestants: list[Contestant], receiver: sink.Sink) -> list[str]:
    """Returns how busy the receiver and the callers were."""
    busy = {each.series.name: median(each.receiver_busy) for each in contestants if each.receiver_busy}
    shown = ", ".join(f"{share:.0%} with {name}" for name, share in busy.items())
    found = [f"The receiver ({receiver.made_of}) took, of a core: {shown}."]
    callers = [median(each.caller_busy) for each in contestants if each.caller_busy]
    if callers:
        found.append(f"Whoever calls the peers took at most {max(callers):.0%} of a core.")
    return found


def mean_body() -> tuple[bytes, int]:
    """Returns the body of our run whose size is nearest to the mean, and the mean in bytes."""
    bodies = [event.body for event in events(plan(RunRequest(SCENARIO, VENDOR, start=0)).run, 200)]
    mean = sum(map(len, bodies)) // len(bodies)
    return min(bodies, key=lambda body: abs(len(body) - mean)), mean


# Our run in this process


class PregeneratedConversation(LiveConversation):
    """A conversation whose events were generated beforehand."""

    def __init__(self, live: LiveConversation) -> None:
        super().__init__(live.run, live.state)
        self._steps = iter([live.advance(scheduled) for scheduled in live.run.schedule(live.state.index)])

    def advance(self, scheduled: Scheduled) -> list[Event]:
        return next(self._steps)


class PregeneratedRun(Run):
    """A run whose events are generated before it is played."""

    def generate(self, count: int) -> PregeneratedRun:
        conversations = [PregeneratedConversation(Run.conversation(self, index)) for index in range(count)]
        object.__setattr__(self, "conversations", conversations)
        return self

    def conversation(self, index: int) -> LiveConversation:
        found: LiveConversation = self.conversations[index]  # type: ignore[attr-defined]
        return found


def play_here(url: str, count: int, *, bare: bool) -> None:
    """Plays as the command does, without journal: with events generated beforehand (`bare`), or profiled."""
    request = RunRequest(
        SCENARIO, VENDOR, start=1_767_603_600_000, count=count, to=Target(url), concurrency=CONCURRENCY
    )
    prepared = prepare(request, Config())
    recorder = Recorder(None, 0, None)
    if bare:
        run = prepared.run
        pregenerated = PregeneratedRun(
            run.scenario, run.vendor, run.profile, run.seed, run.starts, run.spacing, vary=run.vary
        )
        run_to_end(replace(prepared, run=pregenerated.generate(count)), recorder)
    else:
        profile = cProfile.Profile()
        profile.runcall(run_to_end, prepared, recorder)
        print(json.dumps(shares(pstats.Stats(profile))))
    recorder.close()


# Where the time goes


def walls(series: dict[str, Series], url: str, conversations: int) -> list[str]:
    """Returns how the time of an event is spent, in microseconds, and the profile of the playing thread."""
    full, unjournaled, bare = (1e6 / series[name].median for name in (ALONE, UNJOURNALED, BARE))
    making = seconds_of_making(conversations) * 1e6
    parts = (
        f"Of an event's {full:.0f} µs with everything on and one worker, making it up, validating and encoding takes "
        f"{making:.0f} (measured alone), sending and judging it {bare:.0f} (events made beforehand), the journal "
        f"{full - unjournaled:.0f} (everything on less journal off)."
    )
    command = [sys.executable, __file__, "--profile", url + "/hook", str(conversations)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    shown = ", ".join(f"{area} {share:.0%}" for area, share in json.loads(output).items())
    return [parts, f"Profile of the playing thread, journal off: {shown}."]


def seconds_of_making(count: int) -> float:
    """Returns the seconds to generate one event, without sending."""
    run = plan(RunRequest(SCENARIO, VENDOR, start=0)).run
    rounds = []
    for _ in range(3):
        began = time.perf_counter()
        made = sum(1 for _ in events(run, count))
        rounds.append((time.perf_counter() - began) / made)
    return median(rounds)


AREAS = (
    ("http/transport.py", "transport (HTTP on the socket, with the system's calls)"),
    ("delivery/", "player (agenda, verdicts, records)"),
    ("journal/", "recorder"),
    ("queue", "recorder"),
    ("vendorkit/contract.py", "validation"),
    ("jsonschema", "validation"),
    ("vendors/", "bodies"),
    ("simulator/", "conversation"),
    ("asyncio", "event loop"),
)


def shares(stats: pstats.Stats) -> dict[str, float]:
    """Returns each area's share of the time, the largest first."""
    found: Counter[str] = Counter()
    for (file, _, function), (_, _, own, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        place = f"{file}:{function}"
        found[next((area for part, area in AREAS if part in place), "Python's built-in functions")] += own
    total = sum(found.values())
    return {area: seconds / total for area, seconds in found.most_common()}


if __name__ == "__main__":
    if sys.argv[1:2] in (["--play-bare"], ["--profile"]):
        play_here(sys.argv[2], int(sys.argv[3]), bare=sys.argv[1] == "--play-bare")
    else:
        from run import alone

        alone("delivery")
