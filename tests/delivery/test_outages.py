"""Outages, and hooks that their vendor pauses or switches off."""

from __future__ import annotations

import http.client
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from plays import Stage, attempts, since_start, summary, talk, verdicts
from ports import free_port
from receiver import Connection, Receiver, Request, status
from stories import written
from vendorsim.vendorkit.policy import Policy, describe
from vendorsim.vendorkit.policy_overrides import read_assignments

MINUTELY = talk(4, pause="1m")
"""Messages after 0, 1, 2 and 3 minutes. MessageHub tells the first one after a conversation_created."""


@pytest.fixture
def stage(vendorsim: Vendorsim, tmp_path: Path) -> Stage:
    return Stage(vendorsim, tmp_path)


def outcomes(target: Receiver) -> list[Any]:
    """What the messages that arrived say."""
    return [request.json["content"] for request in target.requests if "content" in request.json]


class TestOutage:
    def test_what_is_due_in_it_is_retried_by_the_policy(self, stage: Stage) -> None:
        with Receiver() as target:
            given = ("--fault", "outage=30s..150s", "--policy", "retries=10s,100s")
            played = stage(target, *given, story=MINUTELY, vendor="messagehub")
        assert outcomes(target) == ["1", "2", "4", "3"]
        tried = [line for line in attempts(played) if line["event"] == "message_created"]
        assert [
            (since_start(line) // timedelta(seconds=1), line["verdict"], line["status"], line["final"])
            for line in tried
        ] == [
            (0, "delivered", 200, True),
            (60, "unreachable", None, False),
            (70, "unreachable", None, False),
            (120, "unreachable", None, False),
            (130, "unreachable", None, False),
            (170, "delivered", 200, True),
            (180, "delivered", 200, True),
            (230, "delivered", 200, True),
        ]
        hit = [line for line in tried if line["verdict"] == "unreachable"]
        assert {line["reason"] for line in hit} == {"an outage until 2026-01-05T09:02:30.000Z"}
        assert {tuple(line["faults"]) for line in hit} == {("outage=30s..150s",)}
        assert not any(line["faults"] for line in tried if line["verdict"] == "delivered")
        assert (summary(played)["retries"], summary(played)["lost"], played.code) == (4, 0, 0)

    def test_what_the_vendor_does_not_retry_is_lost(self, stage: Stage) -> None:
        with Receiver() as target:
            played = stage(target, "--fault", "outage=30s..150s", story=MINUTELY, vendor="messagehub")
        assert outcomes(target) == ["1", "4"]
        assert verdicts(played) == ["delivered", "delivered", "lost", "lost", "delivered"]
        counted = summary(played)
        assert (counted["delivered"], counted["lost"], counted["failed"]) == (3, 2, 0)
        # The integration did nothing wrong.
        assert (counted["verdict"], played.code) == ("passed", 0)

    def test_a_target_that_is_away_from_the_beginning_is_not_taken_for_one_that_does_not_run(
        self, stage: Stage
    ) -> None:
        with Receiver() as target:
            played = stage(target, "--fault", "outage", "--policy", "retries=10m", story=MINUTELY, vendor="messagehub")
        assert outcomes(target) == ["1", "2", "3", "4"]
        assert (summary(played)["delivered"], summary(played)["reason"], played.code) == (5, None, 0)

    def test_it_is_for_chosen_events_and_combines_with_others(self, stage: Stage) -> None:
        given = ("--fault", "outage=0s..1h", "--fault", "duplicate", "--fault-on", "conversation_created")
        with Receiver() as target:
            played = stage(target, *given, story=talk(1), vendor="messagehub")
        assert outcomes(target) == ["1"]
        lost = [line for line in attempts(played) if line["verdict"] == "lost"]
        assert [(line["copy"], line["faults"]) for line in lost] == [
            (0, ["duplicate=1", "outage=0s..1h"]),
            (1, ["duplicate=1", "outage=0s..1h"]),
        ]

    def test_a_rate_chooses_conversations(self, stage: Stage) -> None:
        def lost(concurrency: int) -> dict[object, set[str]]:
            given = ("--fault", "outage=0s..1h@0.5", "--count", 20, "--concurrency", concurrency)
            with Receiver() as target:
                played = stage(target, *given, story=talk(2), vendor="messagehub")
            found: dict[object, set[str]] = {}
            for line in attempts(played):
                found.setdefault(line["conversation"], set()).add(line["verdict"])
            return found

        each = lost(1)
        assert all(len(verdicts) == 1 for verdicts in each.values())
        assert {verdict for verdicts in each.values() for verdict in verdicts} == {"lost", "delivered"}
        assert lost(8) == each

    def test_the_terminal_says_so(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        story = written(tmp_path, MINUTELY)
        with Receiver() as target:
            given = ("--vendor", "messagehub", "--to", target.url(), "--fault", "outage=30s..150s")
            out = vendorsim("play", story, *given).out
        assert "lost: an outage until 2026-01-05T09:02:30.000Z" in out
        assert "passed: 3 delivered, 2 lost" in out

    def test_what_it_lost_can_be_sent_again_by_hand(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        story, journal = written(tmp_path, talk(1)), tmp_path / "journal.sqlite"
        with Receiver() as target:
            given = ("--vendor", "messagehub", "--to", target.url(), "--fault", "outage", "--journal", journal)
            vendorsim("play", story, *given)
            assert target.requests == []
            (*_, last) = vendorsim("journal", "list", "--journal", journal, "--json").json
            assert last["verdict"] == "lost"
            assert vendorsim("journal", "resend", last["id"], "--journal", journal).code == 0
            assert outcomes(target) == ["1"]

    def test_all_that_it_lost_can_be_sent_again_at_once(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        story, journal = written(tmp_path, MINUTELY), tmp_path / "journal.sqlite"
        kept = ("--journal", journal)
        with Receiver(*[status(200)] * 2, status(500), status(200)) as target:
            # The first message arrives, the second is refused, the others are lost.
            given = ("--vendor", "messagehub", "--to", target.url(), "--fault", "outage=100s..1h", *kept)
            vendorsim("play", story, *given, "--policy", "in_flight=1")
            assert outcomes(target) == ["1", "2"]
            resent = vendorsim("journal", "resend", "--failed", *kept, "--json")
            assert outcomes(target) == ["1", "2", "2", "3", "4"]
        assert [one["status"] for one in resent.json] == [200, 200, 200]
        assert resent.code == 0

    def test_where_all_arrived_nothing_is_sent_again(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        kept = ("--journal", tmp_path / "journal.sqlite")
        with Receiver(status(500), status(200)) as target:
            given = ("--vendor", "messagehub", "--to", target.url(), "--policy", "retries=1s", *kept)
            vendorsim("play", written(tmp_path, talk(1)), *given)
            before = len(target.requests)
            done = vendorsim("journal", "resend", "--failed", *kept)
            assert (done.code, len(target.requests)) == (0, before)
        assert "everything was delivered" in done.err

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ((), "give the ID of an attempt, or --failed"),
            ((1, "--failed"), "give the ID of an attempt, or --failed"),
            ((1, "--run", 1), "--run chooses the run of --failed"),
        ],
    )
    def test_either_one_is_sent_again_or_all(self, vendorsim: Vendorsim, given: tuple[object, ...], said: str) -> None:
        done = vendorsim("journal", "resend", *given)
        assert done.code == 2
        assert said in done.err

    @pytest.mark.parametrize(
        ("argument", "said"),
        [
            ("5m", "expected two times such as 10s..5m, found '5m'"),
            ("5m..5m", "the outage 5m..5m does not begin before it ends"),
            ("5m..1m+api", "the outage 5m..1m does not begin before it ends"),
            ("1m..x", "'x' is not a duration"),
            ("1m..2m+app", "'2m+app' is not a duration"),
        ],
    )
    def test_a_window_that_is_none_is_refused(self, stage: Stage, argument: str, said: str) -> None:
        played = stage("http://127.0.0.1:9/", "--fault", f"outage={argument}", story=MINUTELY, vendor="messagehub")
        assert played.code == 2
        assert said in played.err

    def test_the_apis_can_be_away_too(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        """From 30 s on. The integration calls while it gets a message: once before that, once in it, once after it."""
        port, answers = free_port(), list[int]()

        def call(connection: Connection, request: Request) -> None:
            if "content" in request.json:
                client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                account = request.json["account"]["id"]
                path = f"/api/v1/accounts/{account}/conversations"
                client.request("GET", path, headers={"api_access_token": "t"})
                answer = client.getresponse()
                assert (answer.status == 503) == (json.loads(answer.read()) == {"message": "Service Unavailable"})
                answers.append(answer.status)
                client.close()
            connection.send(status(200))

        with Receiver(call) as target:
            given = ("--to", target.url(), "--serve", "--port", port, "--policy", "in_flight=1", "--json")
            only_the_api = ("--fault", "outage=30s..150s+api", "--fault-on", "webwidget_triggered")
            played = vendorsim("play", written(tmp_path, MINUTELY), "--vendor", "messagehub", *given, *only_the_api)
        assert played.code == 0, played.err
        assert answers == [200, 503, 503, 200]


class TestHooks:
    TWO = ("--policy", "retries=1m")

    def test_one_that_keeps_failing_is_paused(self, stage: Stage) -> None:
        with Receiver(status(500), status(500), status(200)) as target:
            given = ("--policy", "pause=2:1h", "--policy", "retries=1s,1s")
            played = stage(target, *given, story=talk(2, pause="10s"), vendor="messagehub")
        tried = attempts(played)
        assert [(since_start(line), line["status"]) for line in tried] == [
            (timedelta(0), 500),
            (timedelta(0), 500),
            *[(timedelta(hours=1), 200)] * 3,
        ]
        assert tried[1]["reason"].endswith(
            "; the vendor pauses the hook until 2026-01-05T10:00:00.000Z, since it has failed 2 times in a row"
        )
        assert (summary(played)["hook_pauses"], summary(played)["hooks_switched_off"], played.code) == (1, 0, 0)

    @pytest.mark.parametrize(
        ("limit", "why"),
        [("3", "has failed 3 times in a row"), ("1m", "has failed for 1m"), ("9,1m", "has failed for 1m")],
    )
    def test_one_that_fails_too_long_is_switched_off(self, stage: Stage, limit: str, why: str) -> None:
        with Receiver(status(500)) as target:
            played = stage(target, *self.TWO, "--policy", f"switch_off={limit}", story=MINUTELY, vendor="messagehub")
        tried = attempts(played)
        off = next(line for line in tried if "switches the hook off" in line["reason"])
        assert off["reason"].endswith(f"the vendor switches the hook off, since it {why}")
        after = tried[tried.index(off) + 1 :]
        assert {line["verdict"] for line in after} == {"lost"}
        assert all(f"the hook is switched off since {off['at']}: it {why}" in line["reason"] for line in after)
        counted = summary(played)
        assert len(target.requests) == len(tried) - len(after)
        assert (counted["lost"], counted["hooks_switched_off"], played.code) == (len(after), 1, 1)

    def test_what_a_hook_that_is_off_missed_can_be_sent_again(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        kept = ("--journal", tmp_path / "journal.sqlite")
        with Receiver(status(500), status(200)) as target:
            given = ("--vendor", "messagehub", "--to", target.url(), "--policy", "switch_off=1", *kept)
            vendorsim("play", written(tmp_path, talk(2)), *given, "--policy", "in_flight=1")
            assert len(target.requests) == 1
            vendorsim("journal", "resend", "--failed", *kept)
            assert outcomes(target) == ["1", "2"]

    def test_410_switches_it_off_at_once(self, stage: Stage) -> None:
        with Receiver(status(410)) as target:
            played = stage(target, "--policy", "switch_off=9", story=MINUTELY, vendor="messagehub")
        assert len(target.requests) == 1
        assert "since it answered 410" in attempts(played)[0]["reason"]

    def test_a_success_ends_the_row(self, stage: Stage) -> None:
        with Receiver(status(500), status(200), status(500), status(200)) as target:
            given = ("--policy", "switch_off=2", "--policy", "retries=1s,1s")
            played = stage(target, *given, story=talk(1), vendor="messagehub")
        assert (summary(played)["hooks_switched_off"], summary(played)["delivered"]) == (0, 2)

    def test_an_outage_may_switch_it_off_and_nobody_is_to_blame(self, stage: Stage) -> None:
        with Receiver() as target:
            given = ("--fault", "outage=0s..90s", "--policy", "switch_off=2")
            played = stage(target, *given, story=MINUTELY, vendor="messagehub")
        assert target.requests == []
        assert set(verdicts(played)) == {"lost"}
        assert (summary(played)["hooks_switched_off"], played.code) == (1, 0)

    def test_many_conversations_fail_alike_at_any_concurrency(self, stage: Stage) -> None:
        def tried(concurrency: int) -> list[tuple[Any, ...]]:
            with Receiver(status(500)) as target:
                given = ("--policy", "switch_off=3", "--count", 6, "--concurrency", concurrency)
                played = stage(target, *self.TWO, *given, story=talk(2), vendor="messagehub")
            return [(line["delivery"], line["at"], line["verdict"]) for line in attempts(played)]

        assert tried(6) == tried(1)

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ("pause=5", "'5' is not a number of failures from 1 to 10000 and a time, such as 5:10m"),
            ("pause=0:10m", "'0' is not a number of failures from 1 to 10000"),
            ("pause=5:0s", "a pause is longer than 0"),
            ("switch_off=0", "'0' is not a number of failures from 1 to 10000"),
            ("switch_off=5,6", "'5,6' is not a number of failures from 1 to 10000, a time, or both, such as 20,5d"),
            ("switch_off=0s", "the time after which a hook is switched off is longer than 0"),
        ],
    )
    def test_limits_that_are_none_are_refused(self, stage: Stage, given: str, said: str) -> None:
        played = stage("http://127.0.0.1:9/", "--policy", given, story=MINUTELY, vendor="messagehub")
        assert played.code == 2
        assert said in played.err

    @pytest.mark.parametrize(
        ("given", "shown"), [("pause=5:10m", "5:10m"), ("switch_off=20,5d", "20,5d"), ("pause=none", "none")]
    )
    def test_they_are_shown_as_they_are_written(self, given: str, shown: str) -> None:

        changes = read_assignments([given])
        assert describe(Policy(**changes))[given.partition("=")[0]]["value"] == shown
