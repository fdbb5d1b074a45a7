"""`vendorsim load` on one machine, as a user runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from at_work import AtWork
from command_line import Vendorsim
from load.stages import EVENTS, SCENARIO, START, VENDOR, digest, generated, report, written
from plays import talk
from ports import free_port
from receiver import Connection, Receiver, Request, never, status


class TestBodies:
    def test_are_those_of_generate(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        with Receiver() as target:
            told = report(vendorsim("load", written(tmp_path), "--to", target.url(), "--json"))
        bodies = generated(vendorsim, 20)
        assert Counter(target.bodies) == Counter(bodies)
        assert told["bodies"] == digest(bodies)
        assert told["bodies"] == vendorsim("load", written(tmp_path), "--digest").json

    def test_keep_their_order_within_a_conversation(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        with Receiver() as target:
            vendorsim("load", written(tmp_path, count=5), "--to", target.url())
        bodies = generated(vendorsim, 5)
        for number in range(5):
            own = bodies[number * EVENTS : (number + 1) * EVENTS]
            assert [body for body in target.bodies if body in own] == own

    def test_count_once_however_often_they_are_sent(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        path = written(tmp_path, "faults: duplicate=2", count=2)
        with Receiver(status(500), status(200)) as target:
            told = report(vendorsim("load", path, "--to", target.url(), "--policy", "retries=1s", "--json"))
        assert told["requests"]["retries"] == 1
        assert told["requests"]["sent"] == 2 * EVENTS * 3 + 1
        assert told["bodies"] == digest(generated(vendorsim, 2))

    def test_that_an_outage_has_lost_do_not_fail_the_run(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        path = written(tmp_path, "faults: outage=0s..1d", count=2)
        with Receiver() as target:
            ended = vendorsim("load", path, "--to", target.url(), "--policy", "retries=none", "--json")
            assert target.requests == []
        told = report(ended)
        assert (ended.code, told["verdict"], told["conversations"]["finished"]) == (0, "passed", 2)
        assert (told["deliveries"]["lost"], told["deliveries"]["failed"]) == (2 * EVENTS, 0)

    def test_need_no_target_to_be_counted(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        assert vendorsim("load", written(tmp_path), "--digest").json == digest(generated(vendorsim, 20))


class TestReport:
    def test_of_a_run_that_went_well(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        with Receiver() as target:
            ended = vendorsim("load", written(tmp_path), "--to", target.url(), "--json")
        told = report(ended)
        assert (ended.code, told["verdict"], told["reason"], told["errors"]) == (0, "passed", None, [])
        counted = {"asked": 20, "arrived": 20, "started": 20, "finished": 20, "cut_off": 0, "shed": 0}
        assert told["conversations"] == counted
        assert told["requests"]["sent"] == told["deliveries"]["delivered"] == 20 * EVENTS
        assert sum(event["sent"] for event in told["events"]) == 20 * EVENTS
        assert sum(slot["answered"] for slot in told["series"]["slots"]) == 20 * EVENTS
        assert sum(slot["arrived"] for slot in told["series"]["slots"]) == 20
        assert told["scenarios"] == [
            {"scenario": "Returning customer rates the chat, as userlike (documented)", "started": 20}
        ]
        for times in ("latency_ms", "from_plan_ms", "lateness_ms"):
            figures = [told[times][name] for name in ("p50", "p90", "p99", "max")]
            assert figures == sorted(figures)

    def test_of_answers_that_the_vendor_would_not_take(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        with Receiver(status(500)) as target:
            ended = vendorsim(
                "load", written(tmp_path, count=2), "--to", target.url(), "--policy", "retries=", "--json"
            )
        told = report(ended)
        assert (ended.code, told["verdict"]) == (1, "failed")
        (error,) = told["errors"]
        assert (error["kind"], error["count"]) == ("rejected", 2 * EVENTS)
        assert error["reason"].startswith("answered 500, the vendor expects")

    def test_for_people(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        with Receiver(status(500)) as target:
            ended = vendorsim("load", written(tmp_path, count=2), "--to", target.url(), "--policy", "retries=")
        assert ended.code == 1
        assert "userlike chat_session.start" in ended.out
        assert "24 x rejected: answered 500, the vendor expects" in ended.out
        assert ended.out.splitlines()[-1].startswith("failed: 2 of 2 conversations finished, 24 requests in ")

    def test_faults_show(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        path = written(tmp_path, part=f"scenario: {SCENARIO}, vendor: {VENDOR}, faults: [drop@0.3]")
        with Receiver() as target:
            told = report(vendorsim("load", path, "--to", target.url(), "--json"))
        dropped = told["deliveries"]["dropped"]
        assert 0 < dropped < 20 * EVENTS
        assert (
            told["deliveries"]["delivered"] == told["bodies"]["count"] == len(target.requests) == 20 * EVENTS - dropped
        )


class TestInFlight:
    PART = "scenario: story.yaml, vendor: messagehub"

    @pytest.mark.parametrize(
        ("policy", "faults", "peak", "requests"),
        [(10, "", 6, 18), (3, "", 3, 18), (1, "", 1, 18), (1, "overlap=3", 3, 18), (1, "twins=2", 2, 36)],
    )
    def test_events_that_are_due_together_overlap(
        self, vendorsim: Vendorsim, tmp_path: Path, policy: int, faults: str, peak: int, requests: int
    ) -> None:
        (tmp_path / "story.yaml").write_text(talk(5, pause="0s"))
        path = written(tmp_path, count=3, part=f"{self.PART}, faults: [{faults}]")
        work = AtWork(together=peak)
        with Receiver(work) as target:
            told = report(vendorsim("load", path, "--to", target.url(), "--policy", f"in_flight={policy}", "--json"))
        assert told["verdict"] == "passed"
        assert list(work.peak.values()) == [peak] * 3
        assert (len(target.requests), told["bodies"]["count"]) == (requests, 18)


class TestOpenModel:
    def test_conversations_go_on_arriving_at_a_target_that_does_not_answer(
        self, vendorsim: Vendorsim, tmp_path: Path
    ) -> None:
        """Every first request arrives though none is answered; the last one opens the gate for all."""
        gate = threading.Event()

        def hold(connection: Connection, request: Request) -> None:
            if len(target.requests) >= 20:
                gate.set()
            gate.wait(20)
            connection.send(status(200))

        with Receiver(hold) as target:
            told = report(vendorsim("load", written(tmp_path), "--to", target.url(), "--json"))
        assert told["verdict"] == "passed"
        assert len({request.connection for request in target.requests[:20]}) == 20

    def test_beyond_the_limit_conversations_are_shed_and_counted(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        path = written(tmp_path)
        with Receiver(never) as target:
            given = ("--most-open", 3, "--policy", "read_timeout=1s", "--drain", "100ms")
            ended = vendorsim("load", path, "--to", target.url(), *given, "--json")
        told = report(ended)["conversations"]
        assert ended.code == 1
        assert (told["arrived"], told["started"], told["shed"], told["cut_off"]) == (20, 3, 17, 3)

    def test_pauses_pass_at_the_speed_that_is_asked_for(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        path = written(tmp_path, "speed: 100x", count=1)
        with Receiver() as target:
            told = report(vendorsim("load", path, "--to", target.url(), "--json"))
        first, last = target.requests[0], target.requests[-1]
        lines = vendorsim("generate", SCENARIO, "--vendor", VENDOR, "--start", START).lines
        pauses = datetime.fromisoformat(lines[-1]["at"]) - datetime.fromisoformat(lines[0]["at"])
        assert told["verdict"] == "passed"
        # Pauses can't be shorter, but the receiver may see the first request late: half of them leaves room for that.
        assert last.at - first.at > pauses.total_seconds() / 100 / 2
        # What is planned for later isn't late.
        assert told["from_plan_ms"]["p50"] < pauses.total_seconds() * 1000


class TestEndings:
    def test_nothing_listens(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        url = f"http://127.0.0.1:{free_port()}/hook"
        ended = vendorsim("load", written(tmp_path, count=1_000_000), "--to", url, "--json")
        told = report(ended)
        assert (ended.code, told["verdict"], told["reason"]) == (3, "unreachable", f"{url}: connection refused")

    def test_no_target(self, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        ended = vendorsim("load", written(tmp_path))
        assert ended.code == 2
        assert "no target: give --to URL" in ended.err

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((), "Missing argument 'TRAFFIC'"),
            (("{file}", "more"), "Arguments behind -- are Locust's: add --locust."),
            (("{file}", "--locust", "--workers", 2), "leave out --locust"),
            (("{file}", "--to", "nowhere"), "starts with neither http:// nor https://"),
            (("{file}", "--to", "http://127.0.0.1:9/", "--html", "{folder}/no/such.html"), "can't be written"),
        ],
    )
    def test_wrong_usage(
        self, vendorsim: Vendorsim, tmp_path: Path, arguments: tuple[object, ...], message: str
    ) -> None:
        file = written(tmp_path)
        ended = vendorsim("load", *(str(each).format(file=file, folder=tmp_path) for each in arguments))
        assert (ended.code, ended.out) == (2, "")
        assert message in ended.err

    @pytest.mark.skipif(sys.platform == "win32", reason="signals")
    def test_interrupted(self, tmp_path: Path) -> None:
        path = written(tmp_path, count=1_000_000)
        with Receiver() as target:
            process = subprocess.Popen(
                [sys.executable, "-m", "vendorsim", "load", str(path), "--to", target.url()],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
            target.wait_for(EVENTS)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (130, "")
        assert out.splitlines()[-1].startswith("interrupted: ")


def test_the_product_imports_no_gevent_unless_asked(tmp_path: Path) -> None:
    path = written(tmp_path, count=1)
    program = (
        "import sys; from vendorsim.cli.main import run; run(sys.argv[1:]); "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'gevent', 'locust', 'zmq'}))"
    )
    with Receiver() as target:
        ran = subprocess.run(
            [sys.executable, "-c", program, "load", str(path), "--to", target.url(), "--json"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    assert ran.stdout.splitlines()[-1] == "[]"
