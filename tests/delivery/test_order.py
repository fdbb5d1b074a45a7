"""Conversations go side by side, and each keeps its order, or is put into the same disorder every time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from plays import Stage, attempts, since_start, talk, verdicts
from receiver import Connection, Receiver, Request, never, status
from stories import written

ORDERED = ("--policy", "ordering=conversation")
IN_TURN = ("--policy", "in_flight=1")


@pytest.fixture
def stage(vendorsim: Vendorsim, tmp_path: Path) -> Stage:
    return Stage(vendorsim, tmp_path)


def arrived(target: Receiver) -> dict[int, list[str]]:
    """What each conversation said, in the order of its arrival. The opening event says nothing."""
    said = defaultdict(list)
    for request in target.requests:
        body = request.json
        if body["event"] == "message_created":
            said[body["conversation"]["id"]].append(body["content"])
    return dict(said)


class TestKept:
    @pytest.mark.thorough
    def test_two_hundred_conversations_of_twenty_events(self, stage: Stage) -> None:
        with Receiver() as target:
            played = stage(target, "--count", 200, "--concurrency", 64, story=talk(19), vendor="messagehub")
        assert played.code == 0
        assert len(target.requests) == 4_000
        assert list(arrived(target).values()) == [[str(n) for n in range(1, 20)]] * 200
        lines = attempts(played)
        assert [line["conversation"] for line in lines] == [
            lines[20 * n]["conversation"] for n in range(200) for _ in range(20)
        ]

    @pytest.mark.parametrize("given", [(), ORDERED])
    def test_some_deliveries_fail_on_the_way(self, stage: Stage, given: tuple[str, ...]) -> None:
        """Without a guarantee later events overtake; with one they queue."""

        def moody(connection: Connection, request: Request) -> None:
            first_time = target.bodies.count(request.body) == 1
            connection.send(status(500 if first_time and request.json.get("content") == "2" else 200))

        with Receiver(moody) as target:
            arguments = ("--count", 10, "--no-vary", "--policy", "retries=90s", *given)
            played = stage(target, *arguments, story=talk(4, pause="1m"), vendor="messagehub")
        expected = ["1", "2", "2", "3", "4"] if given else ["1", "2", "3", "2", "4"]
        assert list(arrived(target).values()) == [expected] * 10
        assert played.code == 0

    def test_what_queued_goes_when_its_turn_comes(self, stage: Stage) -> None:
        with Receiver(status(500), status(500), status(200)) as target:
            played = stage(target, "--policy", "retries=5s,5m", *ORDERED, story=talk(3), vendor="messagehub")
        assert arrived(target) == {target.requests[-1].json["conversation"]["id"]: ["1", "2", "3"]}
        assert [since_start(line).total_seconds() for line in attempts(played)] == [0, 5, 305, 305, 305, 305]

    def test_what_queued_goes_also_when_the_first_one_is_given_up_on(self, stage: Stage) -> None:
        with Receiver(status(500), status(500), status(200)) as target:
            played = stage(target, "--policy", "retries=1h", *ORDERED, story=talk(3), vendor="messagehub")
        assert verdicts(played) == ["rejected", "rejected", "delivered", "delivered", "delivered"]
        assert [line["final"] for line in attempts(played)] == [False, True, True, True, True]


class TestDisorder:
    def play(self, stage: Stage, concurrency: int, *arguments: object) -> dict[int, list[str]]:
        given = ("--fault", "reorder=3", "--count", 40, "--concurrency", concurrency, *arguments)
        with Receiver() as target:
            assert stage(target, *given, story=talk(9), vendor="messagehub").code == 0
        return dict(sorted(arrived(target).items()))

    def test_is_the_same_at_every_run(self, stage: Stage) -> None:
        first = self.play(stage, 16)
        in_order = [str(n) for n in range(1, 10)]
        assert all(sorted(said) == in_order for said in first.values()), "nothing is lost"
        assert sum(said != in_order for said in first.values()) > 10
        assert first == self.play(stage, 16) == self.play(stage, 1) == self.play(stage, 64)

    def test_is_another_one_with_another_seed(self, stage: Stage) -> None:
        assert list(self.play(stage, 16, "--seed", 1).values()) != list(self.play(stage, 16, "--seed", 2).values())

    @pytest.mark.parametrize("most", [1, 2, 3])
    def test_reaches_no_further_than_asked(self, stage: Stage, most: int) -> None:
        with Receiver() as target:
            given = ("--fault", f"reorder={most}@0.2", "--count", 40)
            stage(target, *given, story=talk(9), vendor="messagehub")
        positions = [(said.index(n), int(n) - 1) for said in arrived(target).values() for n in said]
        assert max(late - due for late, due in positions) <= most

    def test_one_that_nothing_overtakes_comes_last(self, stage: Stage) -> None:
        with Receiver() as target:
            stage(target, story=talk(1, fault="{reorder: 3}"), vendor="messagehub")
        assert len(target.requests) == 2


class TestInterruption:
    """A real process and a real signal: what was in flight is finished or named."""

    def start(self, folder: Path, target: Receiver, *arguments: object) -> subprocess.Popen[str]:
        story = written(folder, talk(4, pause="1h"))
        given = ("play", story, "--vendor", "messagehub", "--to", target.url(), "--speed", "1x", "--json")
        return subprocess.Popen(
            [sys.executable, "-m", "vendorsim", *map(str, (*given, *IN_TURN, *arguments))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def told(self, process: subprocess.Popen[str]) -> Any:
        out, err = process.communicate()
        assert (process.returncode, err) == (130, "")
        return [json.loads(line) for line in out.splitlines()]

    def test_what_is_answered_in_time_is_finished(self, tmp_path: Path) -> None:
        def after_the_signal(connection: Connection, request: Request) -> None:
            process.send_signal(signal.SIGINT)
            connection.send(status(200))

        with Receiver(after_the_signal) as target, self.start(tmp_path, target) as process:
            lines = self.told(process)
        assert lines[0]["verdict"] == "delivered"
        assert {line["verdict"] for line in lines[1:-1]} == {"not sent"}
        assert len(lines) == 5 + 1

    @pytest.mark.parametrize("given", [(), ORDERED])
    def test_what_waits_for_a_retry_or_behind_it_is_named(self, tmp_path: Path, given: tuple[str, ...]) -> None:
        policy = ("--policy", "retries=1h", *given)
        with Receiver(status(500)) as target, self.start(tmp_path, target, *policy) as process:
            target.wait_for(1 if given else 2)
            process.send_signal(signal.SIGTERM)
            lines = self.told(process)
        named = Counter(line["verdict"] for line in lines[:-1] if line["final"])
        given_up = 1 if given else 2
        assert named == {"given up": given_up, "not sent": 5 - given_up}, "what was refused, and what was still to come"
        told = lines[-1]
        assert (told["verdict"], told["failed"], told["not_sent"]) == ("interrupted", given_up, 5 - given_up)
        assert (told["failed_attempts"], told["retries"], told["retries_scheduled"]) == (given_up, 0, 0)

    def test_what_is_never_answered_is_named(self, tmp_path: Path) -> None:
        with Receiver(never) as target, self.start(tmp_path, target, "--count", 3, "--spacing", "0s") as process:
            target.wait_for(3)
            process.send_signal(signal.SIGINT)
            lines = self.told(process)
        assert [line["verdict"] for line in lines[:-1]] == (["broken"] + ["not sent"] * 4) * 3
        assert lines[-1]["conversations"] == {"asked": 3, "started": 3}
