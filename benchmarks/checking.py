"""How long `vendorsim check` takes: every vendor and profile against the example helpdesk, with a probe.

The helpdesk takes 5 ms more for each POST. It answers several requests at a time, or one after the other. Every check
must pass: a check that fails stops early, or looks at less. One round each, since it waits more than it computes.
"""

from __future__ import annotations

import logging
import multiprocessing
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from processes import cost
from results import Effort, Goal, Part, Series, Table

REPOSITORY = Path(__file__).parent.parent
sys.path += [str(REPOSITORY / folder) for folder in ("tests", "examples")]

import waitress  # noqa: E402
from helpdesk.app import create_app  # noqa: E402
from helpdesk.store import Store  # noqa: E402
from ports import free_port  # noqa: E402
from vendorsim.vendorkit import registry  # noqa: E402
from vendorsim.vendorkit.profile import Profile  # noqa: E402

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

THREADS, MILLISECONDS = 8, 5
SECRET = "a-secret-of-the-benchmark"
LONGEST, LONGEST_SINGLE, LONGEST_FUZZ = 8.0, 15.0, 10.0
# What is checked against a receiver of one thread, and with --fuzz.
SINGLE, FUZZED, BODIES = ("userlike", "documented"), ("userlike", "documented"), 30
SEE = "see [Checking](#the-wall-of-checking)"
WALL = f"processor time, most of it the helpdesk's: {SEE}"
IN_TURN, MADE = f"its requests, in turn: {SEE}", f"Hypothesis makes them: {SEE}"


def measure(effort: Effort) -> Part:
    profiles = [
        (vendor.name, profile)
        for vendor in map(registry.get, registry.names())
        for profile in vendor.profiles.values()
        if profile.events
    ]
    if effort.quick:
        profiles = profiles[:1]
    took = [
        Series(f"{vendor}, {profile.name}", f"{THREADS} threads", [check(vendor, profile)])
        for vendor, profile in profiles
    ]
    single = Series(", ".join(SINGLE), "one thread")
    fuzzed = Series(", ".join(FUZZED), f"--fuzz alone, {BODIES} bodies for each event")
    if not effort.quick:
        single.values.append(check(SINGLE[0], registry.get(SINGLE[0]).profile(SINGLE[1]), threads=1))
        options = ("--only", "fuzz", "--fuzz", "--max-examples", str(BODIES))
        fuzzed.values.append(check(FUZZED[0], registry.get(FUZZED[0]).profile(FUZZED[1]), *options))
    slowest = max(series.median for series in took)
    with_probe = f"check: with a probe, a threaded receiver of {MILLISECONDS} ms, the slowest profile ≤ {LONGEST:g} s"
    goals = [Goal(with_probe, LONGEST, "s", slowest, False, "", WALL, "check")]
    for series, limit, row, what, wall in (
        (single, LONGEST_SINGLE, "check-single", "with a probe, a receiver of one thread", IN_TURN),
        (
            fuzzed,
            LONGEST_FUZZ,
            "check-fuzz",
            f"`--fuzz`, {BODIES} bodies for each of 18 events",
            MADE,
        ),
    ):
        if series.values:
            goals.append(Goal(f"check: {what} ≤ {limit:g} s", limit, "s", series.median, False, "", wall, row))
    table = Table("check", "s by the clock", [*took, *(each for each in (single, fuzzed) if each.values)])
    return Part("checking", "Checking", [table], goals, rounds=1)


def check(vendor: str, profile: Profile, *options: str, threads: int = THREADS) -> float:
    """The seconds of one check. Raises CalledProcessError if it does not pass."""
    signs = profile.policy.signing.value is not None
    with tempfile.TemporaryDirectory() as name, helpdesk(Path(name), vendor if signs else None, threads) as url:
        probe = f"{url}/tickets/by-conversation/{{conversation_id}}"
        command = ["check", "--vendor", vendor, "--profile", profile.name, "--to", f"{url}/hooks/{vendor}"]
        secret = ["--secret-env", "CHECKED_SECRET"] if signs else []
        known = {"CHECKED_SECRET": SECRET, "VENDORSIM_JOURNAL": str(Path(name) / "journal.sqlite")}
        return cost(
            [sys.executable, "-m", "vendorsim", *command, "--probe", probe, *secret, *options], variables=known
        ).wall


@contextmanager
def helpdesk(folder: Path, signed: str | None, threads: int) -> Iterator[str]:
    """The example helpdesk in its own process; yields its URL. `signed` is a vendor whose signatures it verifies."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(folder, signed, threads, port))
    process.start()
    try:
        until = time.monotonic() + 20
        while not _is_up(port):
            if time.monotonic() > until:
                raise SystemExit("the helpdesk does not answer")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.join()


def serve(folder: Path, signed: str | None, threads: int, port: int) -> None:
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    app = create_app(Store(folder / "tickets.sqlite"), None, secrets={signed: [SECRET]} if signed else None)
    app.logger.disabled = True
    inner = app.wsgi_app

    def slowly(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST":
            time.sleep(MILLISECONDS / 1000)
        return inner(environ, start_response)

    waitress.serve(slowly, host="127.0.0.1", port=port, threads=threads, _quiet=True, connection_limit=500)


def _is_up(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    from run import alone

    alone("checking")
