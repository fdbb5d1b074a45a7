"""Which requests of one conversation are under way at once: by the vendor's policy, and by faults."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask
import pytest
from at_work import AtWork
from command_line import Completed, Vendorsim
from plays import OFFLINE, Stage, attempts, summary, talk, verdicts
from receiver import Connection, Receiver, Request, never, status
from stories import written
from werkzeug.serving import make_server

BURST = talk(5, pause="0s")
"""Six events that are due together."""
SIGNED = ("--policy", "signing=chatwoot", "--secret-env", "HOOK_SECRET")


@pytest.fixture
def stage(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("HOOK_SECRET", "test-secret")
    return Stage(vendorsim, tmp_path)


def play(stage: Stage, target: Receiver, *arguments: object, story: str = BURST) -> Completed:
    return stage(target, *arguments, story=story, vendor="messagehub")


def policy(in_flight: int) -> tuple[str, str]:
    return ("--policy", f"in_flight={in_flight}")


def identity(line: dict[str, Any]) -> tuple[str, int, int]:
    return line["delivery"], line["copy"], line["attempt"]


def beside(played: Completed) -> list[set[tuple[str, int, int]]]:
    """With what each attempt was under way."""
    return [{identity(other) for other in line["in_flight_with"]} for line in attempts(played)]


def assert_each_delivery_ends_once(played: Completed) -> None:
    ends = Counter((line["delivery"], line["copy"]) for line in attempts(played) if line["final"])
    assert set(ends.values()) == {1}
    assert {(line["delivery"], line["copy"]) for line in attempts(played)} == set(ends)


class TestPolicy:
    @pytest.mark.parametrize("most", [2, 3, 6])
    def test_what_is_due_together_is_under_way_together(self, stage: Stage, most: int) -> None:
        work = AtWork(together=most)
        with Receiver(work) as target:
            played = play(stage, target, *policy(most), "--count", 3)
        assert list(work.peak.values()) == [most] * 3
        assert sorted(target.bodies) == sorted(stage.generate("--count", 3, story=BURST, vendor="messagehub"))
        assert_each_delivery_ends_once(played)

    def test_by_default_as_the_vendor_does(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        work = AtWork(together=6)
        with Receiver(work) as target:
            arguments = ("--vendor", "messagehub", "--to", target.url(), "--json")
            played = vendorsim("play", written(tmp_path, BURST), *arguments)
        everything = {identity(line) for line in attempts(played)}
        assert [others | {identity(line)} for line, others in zip(attempts(played), beside(played), strict=True)] == [
            everything
        ] * 6

    @pytest.mark.parametrize(
        "given", [policy(1), (*policy(10), "--policy", "ordering=conversation")], ids=["one", "ordered"]
    )
    def test_one_at_a_time(self, stage: Stage, given: tuple[str, ...]) -> None:
        work = AtWork()
        with Receiver(work) as target:
            played = play(stage, target, *given)
        assert list(work.peak.values()) == [1]
        assert target.bodies == stage.generate(story=BURST, vendor="messagehub")
        assert beside(played) == [set()] * 6

    def test_in_the_file(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        config = tmp_path / "vendorsim.yaml"
        config.write_text("policy: {messagehub: {in_flight: 1}}\n")
        work = AtWork()
        with Receiver(work) as target:
            story = written(tmp_path, BURST)
            vendorsim("play", story, "--vendor", "messagehub", "--to", target.url(), "--config", config)
        assert list(work.peak.values()) == [1]

    def test_at_full_speed_later_events_wait_for_the_answers(self, stage: Stage) -> None:
        """Each step's events are due at its time, and no answer takes any of the scenario's time."""
        work = AtWork(held=(0, 1))
        with Receiver(work) as target:
            played = play(stage, target, *policy(10), story=talk(3))
        assert list(work.peak.values()) == [2]
        assert [request.json.get("content") for request in target.requests[2:]] == ["2", "3"]
        opening, first, *later = map(identity, attempts(played))
        assert beside(played) == [{first}, {opening}, *[set()] * len(later)]

    def test_in_time_an_event_does_not_wait_for_the_answer_to_an_earlier_one(self, stage: Stage) -> None:
        def slowly(connection: Connection, request: Request) -> None:
            target.wait_for(3)
            connection.send(status(200))

        with Receiver(slowly) as target:
            played = play(stage, target, *policy(10), "--speed", "60x", story=talk(2, pause="6s"))
        assert verdicts(played) == ["delivered"] * 3
        assert [len(others) for others in beside(played)] == [2, 2, 2]

    def test_only_the_order_of_arrival_depends_on_it(self, stage: Stage) -> None:
        told, bodies = [], []
        for most in (1, 10):
            with Receiver(status(200), status(500), status(200)) as target:
                played = play(stage, target, *policy(most), "--count", 20, story=talk(4))
            told.append([(*identity(line), line["event"], line["at"]) for line in attempts(played)])
            bodies.append(sorted(target.bodies))
        assert told[0] == told[1]
        assert bodies[0] == bodies[1]

    def test_a_retry_waits_for_its_time(self, stage: Stage) -> None:
        def fails_first(connection: Connection, request: Request) -> None:
            connection.send(status(500 if target.bodies.count(request.body) == 1 else 200))

        with Receiver(fails_first) as target:
            played = play(stage, target, *policy(10), "--policy", "retries=5s")
        assert [(line["attempt"], line["verdict"]) for line in attempts(played)] == [(1, "rejected")] * 6 + [
            (2, "delivered")
        ] * 6
        assert_each_delivery_ends_once(played)

    @pytest.mark.parametrize("fault", ["duplicate=2", "reorder=1"])
    def test_a_duplicate_and_what_was_overtaken_wait_for_the_answers(self, stage: Stage, fault: str) -> None:
        work = AtWork(held=(2, 3) if fault == "duplicate=2" else ())
        with Receiver(work) as target:
            played = play(stage, target, *policy(10), "--fault", fault, story=talk(1))
        assert played.code == 0
        if fault == "duplicate=2":
            assert list(work.peak.values()) == [2], "the last copy of one event, and the first of the next"
        else:
            assert beside(played)[0] == set()


class TestTwins:
    @pytest.mark.parametrize(
        "given", [policy(1), policy(10), ("--concurrency", 1), ("--policy", "ordering=conversation")]
    )
    def test_leave_at_once(self, stage: Stage, given: tuple[object, ...]) -> None:
        work = AtWork(together=3)
        with Receiver(work) as target:
            played = play(stage, target, "--fault", "twins=3", *given, *SIGNED, "--count", 2, story=talk(3))
        events = stage.generate("--count", 2, story=talk(3), vendor="messagehub")
        assert Counter(target.bodies) == Counter(events * 3)
        assert set(Counter(request.raw for request in target.requests).values()) == {3}, "down to id and signature"
        assert all(peak >= 3 for peak in work.peak.values())
        assert [line["copy"] for line in attempts(played)] == [0, 1, 2] * 8
        assert summary(played)["delivered"] == 24
        assert_each_delivery_ends_once(played)

    def test_each_is_a_delivery_of_its_own(self, stage: Stage) -> None:
        with Receiver(status(200), status(500), status(200)) as target:
            played = stage(target, "--fault", "twins", "--policy", "retries=5s")
        assert sorted(line["attempt"] for line in attempts(played)) == [1, 1, 2]
        assert summary(played)["delivered"] == 2
        assert_each_delivery_ends_once(played)

    def test_of_a_duplicate(self, stage: Stage) -> None:
        work = AtWork(together=2)
        with Receiver(work) as target:
            played = play(stage, target, "--fault", "twins=2", "--fault", "duplicate=1", story=talk(1))
        assert list(work.peak.values()) == [2]
        assert [line["copy"] for line in attempts(played)] == [0, 1, 2, 3] * 2
        assert played.code == 0


class TestOverlap:
    def test_consecutive_events_leave_at_once(self, stage: Stage) -> None:
        work = AtWork(together=3)
        with Receiver(work) as target:
            played = play(stage, target, "--fault", "overlap=3", "--count", 2, story=talk(5))
        assert list(work.peak.values()) == [3, 3]
        ids = list(map(identity, attempts(played)))
        for start in range(0, 12, 3):
            salvo = set(ids[start : start + 3])
            assert beside(played)[start : start + 3] == [salvo - {one} for one in ids[start : start + 3]]
        assert sorted(target.bodies) == sorted(stage.generate("--count", 2, story=talk(5), vendor="messagehub"))
        assert_each_delivery_ends_once(played)

    def test_what_lacks_company_leaves_at_the_end(self, stage: Stage) -> None:
        with Receiver() as target:
            played = play(stage, target, "--fault", "overlap=3", story=talk(4))
        assert target.bodies[3:] in (bodies := stage.generate(story=talk(4), vendor="messagehub")[3:], bodies[::-1])
        assert [line["at"][17:19] for line in attempts(played)] == ["01", "01", "01", "03", "03"]

    def test_of_a_step_takes_the_events_behind_it_along(self, stage: Stage) -> None:
        story = talk(4).replace('say: "2"\n    after: 1s', 'say: "2"\n    after: 1s\n    fault: {overlap: 2}')
        work = AtWork(held=(2, 3))
        with Receiver(work) as target:
            played = play(stage, target, story=story)
        assert list(work.peak.values()) == [2]
        assert [line["faults"] for line in attempts(played)] == [[], [], ["overlap=2"], ["overlap=2"], []]

    def test_of_twins(self, stage: Stage) -> None:
        work = AtWork(together=4)
        with Receiver(work) as target:
            played = play(stage, target, "--fault", "overlap=2", "--fault", "twins=2", story=talk(3))
        assert list(work.peak.values()) == [4]
        assert summary(played)["delivered"] == 8
        assert_each_delivery_ends_once(played)

    def test_in_order_the_next_ones_wait_for_a_retry(self, stage: Stage) -> None:
        with Receiver(status(500), status(200)) as target:
            given = ("--policy", "ordering=conversation", "--policy", "retries=1m")
            played = play(stage, target, "--fault", "overlap=2", *given, story=talk(3))
        assert [line["attempt"] for line in attempts(played)] == [1, 1, 2, 1, 1]
        assert_each_delivery_ends_once(played)


class TestImpatient:
    def test_tries_again_while_the_first_attempt_is_at_work(self, stage: Stage) -> None:
        work = AtWork(together=2)
        with Receiver(work) as target:
            played = play(stage, target, "--fault", "impatient", *SIGNED, story=talk(2))
        assert list(work.peak.values()) == [2]
        lines = attempts(played)
        assert [(line["attempt"], line["final"]) for line in lines] == [(1, False), (2, True)] * 3
        assert [others == {identity(lines[n ^ 1])} for n, others in enumerate(beside(played))] == [True] * 6
        assert len({line["delivery"] for line in lines}) == 3
        assert summary(played)["delivered"] == 3
        assert_each_delivery_ends_once(played)

    def test_has_no_reason_where_the_answer_comes_soon(self, stage: Stage) -> None:
        with Receiver() as target:
            played = stage(target, "--fault", "impatient", "--policy", "read_timeout=10m")
        assert len(target.requests) == 1
        assert attempts(played)[0]["final"]

    def test_the_second_answer_counts(self, stage: Stage) -> None:
        with Receiver(never, status(200)) as target:
            played = stage(target, "--fault", "impatient", "--policy", "read_timeout=900ms")
        assert [(line["verdict"], line["final"]) for line in attempts(played)] == [
            ("timed out", False),
            ("delivered", True),
        ]
        assert played.code == 0

    def test_the_retry_schedule_goes_on_behind_it(self, stage: Stage) -> None:
        given = ("--policy", "read_timeout=2s", "--policy", "retries=5s,5m")
        with Receiver(never, status(500), status(200)) as target:
            played = stage(target, "--fault", "impatient", *given)
        assert [line["attempt"] for line in attempts(played)] == [1, 2, 3]
        assert verdicts(played)[1:] == ["rejected", "delivered"]
        assert_each_delivery_ends_once(played)

    def test_twins(self, stage: Stage) -> None:
        work = AtWork(together=4)
        with Receiver(work) as target:
            played = play(stage, target, "--fault", "twins=2", "--fault", "impatient", story=talk(1))
        assert list(work.peak.values()) == [4]
        assert [(line["copy"], line["attempt"]) for line in attempts(played)] == [(0, 1), (0, 2), (1, 1), (1, 2)] * 2
        assert_each_delivery_ends_once(played)


class TestWithOthers:
    @pytest.mark.parametrize(
        "other", ["delay=1h", "late=1m", "reorder=2", "http=chunked", "connection=new", "duplicate"]
    )
    @pytest.mark.parametrize("fault", ["twins=2", "overlap=2", "impatient"])
    def test_nothing_is_lost(self, stage: Stage, fault: str, other: str) -> None:
        with Receiver() as target:
            played = play(stage, target, "--fault", fault, "--fault", other, "--count", 3, story=talk(4))
        assert played.code == 0
        events = {line["event_id"] for line in attempts(played) if line["final"] and line["verdict"] == "delivered"}
        assert len(events) == 15
        assert_each_delivery_ends_once(played)

    @pytest.mark.parametrize("fault", ["twins=2", "overlap=3"])
    def test_what_was_never_sent_is_named(self, stage: Stage, fault: str) -> None:
        with Receiver() as target:
            url = target.url()
        played = stage(url, "--fault", fault, story=talk(4), vendor="messagehub")
        assert played.code == 3
        assert len({line["event_id"] for line in attempts(played)}) == 5
        assert_each_delivery_ends_once(played)


@contextmanager
def careless_app(stored: list[str]) -> Iterator[str]:
    """A threaded Flask app that looks whether it has a body, and stores it 30 ms later."""
    app = flask.Flask("careless")

    @app.post("/hook")
    def hook() -> str:
        body = flask.request.get_data(as_text=True)
        if body not in stored:
            time.sleep(0.03)  # the gap into which a second request falls
            stored.append(body)
        return ""

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook"
    finally:
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("fault", "twice"), [("duplicate=1", False), ("twins=2", True), ("impatient", True)])
def test_who_looks_first_and_stores_later_stores_twice(stage: Stage, fault: str, twice: bool) -> None:
    stored: list[str] = []
    with careless_app(stored) as url:
        stage(url, "--fault", fault, "--policy", "retries=none", story=OFFLINE)
    assert len(stored) == (2 if twice else 1)
