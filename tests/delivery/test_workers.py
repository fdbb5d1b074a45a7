"""`play --workers N`: several processes send a run, and nobody can tell by what is reported, stored or received."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from command_line import Completed, Vendorsim
from msgspec.structs import replace
from processes import children
from receiver import Connection, Receiver, Request, never, status
from stories import CHAT, written
from vendorsim.delivery.planning import PreparedRun, prepare
from vendorsim.delivery.shared_play import LEAST_EVENTS, workers_that_pay
from vendorsim.journal.store import Journal
from vendorsim.runs.config import Config
from vendorsim.runs.planning import RunRequest
from vendorsim.vendorkit.target import Target

SECRET = "whsec_" + "c2VjcmV0" * 4
START = ("--start", "2026-01-05T09:00:00Z")
# What depends on the wall clock, or on who answers first.
MEASURED = {"milliseconds", "in_flight_with"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET", SECRET)


def started(*arguments: object) -> subprocess.Popen[str]:
    """`vendorsim play`, in a process of its own: a test's threads must not be forked."""
    return subprocess.Popen(
        [sys.executable, "-m", "vendorsim", "play", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def played(*arguments: object) -> Completed:
    process = started(*arguments)
    out, err = process.communicate()
    return Completed(process.returncode, out, err)


def rows(file: Path) -> list[tuple[Any, ...]]:
    """The stored attempts, but for what differs between two runs of one process, too. They are in the order in which
    they were answered."""
    journal = Journal(file)
    left_out = MEASURED | {"id", "run", "sent_at"}
    try:
        found = [tuple((key, row[key]) for key in row.keys() if key not in left_out) for row in journal.attempts()]  # noqa: SIM118
    finally:
        journal.close()
    return sorted(found, key=repr)


def conversations(file: Path) -> list[tuple[Any, ...]]:
    journal = Journal(file)
    try:
        query = "SELECT vendor, conversation, profile, visitor, opening, attempts, failed FROM conversations"
        return sorted(map(tuple, journal._db.execute(query)))
    finally:
        journal.close()


def lines(out: str) -> list[Any]:
    return [_without_measured(json.loads(line)) for line in out.splitlines()]


def _without_measured(value: Any) -> Any:
    """A document without what is measured. One process lists problems as they happen, so their order is left out."""
    if isinstance(value, dict):
        kept = {key: _without_measured(item) for key, item in value.items() if key not in MEASURED}
        return {key: sorted(item) if key == "problems" else item for key, item in kept.items()}
    return [_without_measured(item) for item in value] if isinstance(value, list) else value


def fussy(*, once: bool) -> Callable[[Connection, Request], None]:
    """Refuses some bodies, always the same ones; with `once` it takes them when they come again."""
    seen: Counter[bytes] = Counter()
    lock = threading.Lock()

    def answer(connection: Connection, request: Request) -> None:
        with lock:
            first = not seen[request.body]
            seen[request.body] += 1
        refused = crc32(request.body) % 4 == 0 and (first or not once)
        connection.send(status(503 if refused else 200, b'{"ok": 1}'))

    return answer


NOTHING, ONCE, ALWAYS = "nothing", "some at first", "some"
SIGNED = "--policy signing=standard-webhooks --secret-env SECRET --pin-clock"
# What the integration refuses, and what is played.
TABLE = {
    "nothing special": (NOTHING, "returning-customer userlike"),
    "retries": (ONCE, "returning-customer userlike --count 3"),
    "what is given up": (ALWAYS, "returning-customer chatvisor --seed 5 --no-vary"),
    "a vendor with one event": (ALWAYS, "returning-customer smartsupp --count 12"),
    "requests in flight together": (ALWAYS, "returning-customer messagehub --policy in_flight=10"),
    "signatures": (ONCE, f"returning-customer userlike {SIGNED} --fault signature@0.3"),
    "spoiled bodies": (ALWAYS, "returning-customer messagehub --fault corrupt=missing@0.5 --policy in_flight=1"),
    "spoiled connections": (
        ONCE,
        "returning-customer chatvisor --fault truncate=0.5@0.3 --fault http=chunked@0.3 --fault connection=new@0.3",
    ),
    "another order": (
        ONCE,
        "returning-customer userlike --fault duplicate=2@0.3 --fault reorder=2@0.3 --fault drop@0.2 --fault late@0.2",
    ),
    "an outage": (NOTHING, "returning-customer chatvisor --fault outage=20s..5m@0.5"),
    "a hook that is switched off": (ALWAYS, "returning-customer userlike --policy switch_off=2"),
    "a quirk": (ONCE, "returning-customer messagehub --fault quirk=updated-by-messages@0.5 --policy in_flight=1"),
    "states that no probe reads": (NOTHING, "probe.yaml userlike"),
    "calls that nobody answers": (NOTHING, "authentication-by-chat userlike"),
}
PROBING = CHAT + "  - probe: {/status: closed}\n"


class TestTheSame:
    """As with one process: records and their order, summary, exit code, journal, and what the integration gets."""

    @pytest.mark.parametrize("case", TABLE)
    def test_reports_journal_and_requests(self, vendorsim: Vendorsim, tmp_path: Path, case: str) -> None:
        refused, options = TABLE[case]
        story, vendor, *given = options.split()
        (tmp_path / "probe.yaml").write_text(PROBING, encoding="utf-8")
        many = () if "--count" in given else ("--count", 6)

        def told(play: Callable[..., Completed], name: str) -> tuple[Any, ...]:
            file = tmp_path / name
            with Receiver(status(200) if refused == NOTHING else fussy(once=refused == ONCE)) as target:
                arguments = ("--vendor", vendor, "--to", target.url(), *START, *many, *given, "--journal", file)
                done = play(story, *arguments, "--json")
                received = sorted((request.line, request.body) for request in target.requests)
            assert done.err == ""
            assert received
            out = done.out.replace(f":{target.port}/", ":PORT/")
            stored = repr(rows(file)).replace(f"127.0.0.1:{target.port}", "127.0.0.1:PORT")
            return done.code, lines(out), stored, conversations(file), received

        alone = told(lambda *arguments: vendorsim("play", *arguments, "--workers", 1), "alone.sqlite")
        assert told(lambda *arguments: played(*arguments, "--workers", 2), "together.sqlite") == alone

    def test_the_table_for_people(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        with Receiver(fussy(once=False)) as target:
            arguments = ("returning-customer", "--vendor", "chatvisor", "--to", target.url(), "--count", 20, *START)
            alone = vendorsim("play", *arguments)
            together = played(*arguments, "--workers", 4)
        assert together.code == alone.code == 1
        assert _without_times(together.out) == _without_times(alone.out)

    def test_a_run_is_ended_in_the_journal_by_its_last_worker(self, tmp_path: Path) -> None:
        file = tmp_path / "journal.sqlite"
        with Receiver() as target:
            arguments = ("--to", target.url(), "--count", 4, "--workers", 2, "--journal", file)
            assert played("returning-customer", "--vendor", "userlike", *arguments).code == 0
        journal = Journal(file)
        (row,) = journal._db.execute("SELECT ended_at FROM runs").fetchall()
        journal.close()
        assert row["ended_at"] is not None


def _without_times(out: str) -> list[list[str]]:
    """The words of each line, without those that were measured."""
    return [[word for word in line.split() if not _is_time(word)] for line in out.splitlines()]


def _is_time(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal() and "." in word


class TestOneIsEnough:
    """Where several workers would not do the same, one sends, and says why."""

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            (("--speed", "60x"), "only a run at --speed instant is limited by the processor"),
            (("--concurrency", 1), "with --concurrency 1 conversations are sent one after the other"),
            (("--count", 1), "it has one conversation"),
            (("--serve", "--port", 0), "--serve answers from the state of all conversations"),
            (("--wait", "10s"), "--launch and --wait watch the integration from one process"),
            (("--fault", "connection=keep"), "with the fault connection=keep one connection is for all requests"),
        ],
    )
    def test_a_note_says_why(self, tmp_path: Path, options: tuple[object, ...], reason: str) -> None:
        many = () if "--count" in options else ("--count", 2)
        story = written(tmp_path, "scenario: Short\nvendors: [smartsupp]\nsteps: [offline_message: Hello]\n")
        with Receiver() as target:
            done = played(
                story,
                "--vendor",
                "smartsupp",
                "--to",
                target.url(),
                "--spacing",
                "1ms",
                "--workers",
                2,
                *many,
                *options,
            )
        assert done.code == 0
        assert f"note: one worker sends, since {reason}" in done.err

    def test_by_default_a_small_run_has_one_and_a_large_one_as_many_as_pay(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(threading, "active_count", lambda: 1)
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
        prepared = self.prepared()
        assert self.paying(prepared, 10) == 1
        assert self.paying(prepared, LEAST_EVENTS // 12) == 1
        assert self.paying(prepared, 2 * LEAST_EVENTS // 12 + 1) == 2
        assert self.paying(prepared, 10 * LEAST_EVENTS) == 3
        assert workers_that_pay(replace(prepared, speed=60.0)) == 1

    def test_a_process_with_other_threads_is_not_forked(self) -> None:
        ended = threading.Event()
        thread = threading.Thread(target=ended.wait)
        thread.start()
        try:
            assert self.paying(self.prepared(), 10 * LEAST_EVENTS) == 1
        finally:
            ended.set()
            thread.join()

    @staticmethod
    def prepared() -> PreparedRun:
        return prepare(RunRequest("returning-customer", "userlike", to=Target("http://127.0.0.1:1/hook")), Config())

    @staticmethod
    def paying(prepared: PreparedRun, count: int) -> int:
        return workers_that_pay(replace(prepared, options=replace(prepared.options, count=count)))


class TestEnds:
    ARGUMENTS = ("returning-customer", "--vendor", "userlike", "--count", 400, "--workers", 2, "--json")

    def test_nothing_listens(self, vendorsim: Vendorsim) -> None:
        target = Receiver()
        target.close()
        done = played(*self.ARGUMENTS, "--to", target.url())
        assert done.code == 3
        assert json.loads(done.out.splitlines()[-1])["verdict"] == "unreachable"

    @pytest.mark.slow
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("group", [True, False], ids=["from the terminal", "to the command alone"])
    def test_a_signal_stops_all(self, tmp_path: Path, number: int, group: bool) -> None:
        file = tmp_path / "journal.sqlite"
        with Receiver(*[status(200)] * 100, never) as target:
            command = [sys.executable, "-m", "vendorsim", "play", *map(str, self.ARGUMENTS), "--to", target.url()]
            process = subprocess.Popen(
                [*command, "--journal", str(file)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
            target.wait_for(110)
            os.killpg(process.pid, number) if group else process.send_signal(number)
            out, err = process.communicate()
        assert (process.returncode, err) == (130, "")
        *records, summary = map(json.loads, out.splitlines())
        assert summary["verdict"] == "interrupted"
        assert summary["delivered"] == 100
        assert summary["conversations"]["started"] < 400
        assert len(rows(file)) == len(records)
        self.no_process_is_left(process.pid)

    def test_a_worker_that_is_killed_is_an_error_that_names_it(self, tmp_path: Path) -> None:
        file = tmp_path / "journal.sqlite"
        with Receiver(*[status(200)] * 100, never) as target:
            process = started(*self.ARGUMENTS, "--to", target.url(), "--journal", file)
            target.wait_for(110)
            _, second = sorted(children(process.pid))
            os.kill(second, signal.SIGKILL)
            out, err = process.communicate()
        assert process.returncode == 3
        assert f"Error: worker 2 of 2 (process {second}) was ended by SIGKILL before its conversations were sent" in err
        stored = Counter(dict(row)["delivery"] for row in rows(file))
        assert Counter(line["delivery"] for line in lines(out)) <= stored
        assert Counter(dict(row)["verdict"] for row in rows(file))["delivered"] > 0

    def test_workers_end_when_the_command_is_killed(self) -> None:
        with Receiver(*[status(200)] * 100, never) as target:
            process = started(*self.ARGUMENTS, "--to", target.url(), "--no-journal")
            target.wait_for(110)
            process.kill()
            # They hold the pipes of its output, too.
            process.communicate()

    def test_a_journal_that_can_not_be_written(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        file = tmp_path / "journal.sqlite"
        with Receiver() as target:
            arguments = ("--to", target.url(), "--journal", file)
            assert vendorsim("play", "missed-chat", "--vendor", "userlike", *arguments).code == 0
            with sqlite3.connect(file) as database:
                database.execute(
                    "CREATE TRIGGER full BEFORE INSERT ON attempts BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
                )
            database.close()
            done = played(*self.ARGUMENTS, *arguments)
        assert (done.code, done.out) == (2, "")
        assert done.err == f"Error: {file}: the journal can't be written: disk is full\n"

    def test_a_reader_that_has_seen_enough(self) -> None:
        with Receiver() as target:
            process = started(*self.ARGUMENTS, "--to", target.url(), "--no-journal")
            assert process.stdout is not None
            assert process.stderr is not None
            json.loads(process.stdout.readline())
            process.stdout.close()
            with process.stderr:
                assert process.stderr.read() == ""
            assert process.wait() == 0

    @staticmethod
    def no_process_is_left(group: int) -> None:
        with pytest.raises(ProcessLookupError):
            os.killpg(group, 0)
