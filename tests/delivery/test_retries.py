"""`vendorsim play`: what is tried again, when by the scenario's clock, and when a vendor gives up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import accumulate
from pathlib import Path

import pytest
from command_line import Vendorsim
from plays import OFFLINE, Stage, attempts, since_start, summary, talk, verdicts
from receiver import Answer, Connection, Receiver, Request, close, last_words, never, reset, status
from stories import written

# standardwebhooks.com, specification, "Deliverability and reliability": the example of a retry schedule.
STANDARD = ["0s", "5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"]
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@pytest.fixture
def stage(vendorsim: Vendorsim, tmp_path: Path) -> Stage:
    return Stage(vendorsim, tmp_path)


def times(*pauses: str) -> list[timedelta]:
    """The times of attempts with these pauses before them."""
    return list(accumulate(timedelta(**{UNITS[pause[-1]]: int(pause[:-1])}) for pause in pauses))


class TestSchedule:
    @pytest.mark.parametrize(
        ("vendor", "pauses"),
        [("smartsupp", STANDARD), ("userlike", STANDARD), ("chatvisor", STANDARD), ("messagehub", ["0s"])],
    )
    def test_each_vendor_has_its_own(self, stage: Stage, vendor: str, pauses: list[str]) -> None:
        with Receiver(status(500)) as target:
            played = stage(target, story=talk(1, vendors=vendor) if vendor != "smartsupp" else OFFLINE, vendor=vendor)
        first = [line for line in attempts(played) if line["event_id"].endswith("-0")]
        assert [since_start(line) for line in first] == times(*pauses)
        assert [line["final"] for line in first] == [False] * (len(pauses) - 1) + [True]
        assert played.code == 1

    def test_an_integration_that_recovers(self, stage: Stage) -> None:
        with Receiver(status(500), status(500), status(200)) as target:
            played = stage(target)
        tried = attempts(played)
        assert [since_start(line) for line in tried] == times("0s", "5s", "5m")
        assert [(line["attempt"], line["status"], line["verdict"], line["final"]) for line in tried] == [
            (1, 500, "rejected", False),
            (2, 500, "rejected", False),
            (3, 200, "delivered", True),
        ]
        assert len({line["delivery"] for line in tried}) == 1
        assert len(set(target.bodies)) == 1
        assert {line["caused_at"] for line in tried} == {"2026-01-05T09:00:00.000Z"}
        counted = summary(played)
        assert (counted["delivered"], counted["failed"], counted["retries"]) == (1, 0, 2)
        assert played.code == 0

    @pytest.mark.parametrize(
        ("answer", "verdict", "reason"),
        [
            pytest.param(never, "timed out", "no answer within 0.1 s", id="silence"),
            pytest.param(close, "broken", "closed the connection without an answer", id="hangs up"),
            pytest.param(reset, "broken", "reset the connection without an answer", id="resets"),
            pytest.param(b"noise\r\n\r\n", "broken", "the answer is not HTTP", id="noise"),
            pytest.param(last_words(b"HTTP/1.1 200 OK\r\n"), "broken", "within the answer", id="half an answer"),
            pytest.param(status(302, Location="/"), "rejected", "answered 302", id="redirects"),
        ],
    )
    def test_one_that_never_gets_well_is_given_up_on(
        self, stage: Stage, answer: Answer, verdict: str, reason: str
    ) -> None:
        with Receiver(answer) as target:
            played = stage(target, "--policy", "retries=1m,2d", "--policy", "read_timeout=100ms")
        tried = attempts(played)
        assert [since_start(line) for line in tried] == times("0s", "1m", "2d")
        assert {line["verdict"] for line in tried} == {verdict}
        assert all(reason in line["reason"] for line in tried)
        assert [line["final"] for line in tried] == [False, False, True]
        counted = summary(played)
        assert (counted["delivered"], counted["failed"], counted["retries"]) == (0, 1, 2)
        assert (counted["verdict"], played.code) == ("failed", 1)

    def test_later_events_overtake_what_waits(self, stage: Stage) -> None:
        with Receiver(status(200), status(500), status(200)) as target:
            played = stage(target, "--policy", "retries=5s", story=talk(3), vendor="messagehub")
        said = [request.json.get("content") for request in target.requests]
        assert said == [None, "1", "2", "3", "1"]
        assert [since_start(line) for line in attempts(played)] == times("0s", "0s", "1s", "1s", "3s")
        assert played.code == 0

    def test_retries_meet_events_at_their_time(self, stage: Stage) -> None:
        with Receiver(status(200), status(500), status(200)) as target:
            played = stage(target, "--policy", "retries=90s", story=talk(3, pause="1m"), vendor="messagehub")
        assert [request.json.get("content") for request in target.requests] == [None, "1", "2", "1", "3"]
        assert [since_start(line) for line in attempts(played)] == times("0s", "0s", "60s", "30s", "30s")

    def test_what_is_sent_again_was_built_once(self, stage: Stage) -> None:
        story = talk(3, pause="1m")
        with Receiver(status(500), status(200)) as target:
            stage(target, "--policy", "retries=1d", story=story, vendor="messagehub")
        bodies = stage.generate(story=story, vendor="messagehub")
        assert target.bodies == [*bodies, bodies[0]]

    def test_pauses_pass_at_the_chosen_speed(self, stage: Stage) -> None:
        with Receiver(status(500), status(200)) as target:
            played = stage(target, "--policy", "retries=30s", "--speed", "60x")
        assert len(target.requests) == 2
        # The pause begins when the attempt has failed, and the answer took some of the scenario's time.
        began, again = (since_start(line) for line in attempts(played))
        assert began == timedelta()
        assert again >= timedelta(seconds=30)

    def test_at_full_speed_days_take_no_time(self, stage: Stage) -> None:
        with Receiver(status(500)) as target:
            played = stage(target, "--policy", f"retries={','.join(['30d'] * 50)}")
        assert since_start(attempts(played)[-1]) == timedelta(days=1500)


class TestWhatIsTriedAgain:
    @pytest.mark.parametrize(
        ("policy", "answer", "expected"),
        [
            ("retried=everything", status(404), 3),
            ("retried=everything", status(410), 1),  # Standard Webhooks: the receiver wants no more
            ("retried=everything", never, 3),
            ("retried=429,500", status(500), 3),
            ("retried=429,500", status(429), 3),
            ("retried=429,500", status(503), 1),
            ("retried=429,500", never, 1),
            ("retried=5xx", status(503), 3),
            ("accepted=503", status(503), 1),
            ("accepted=200", status(204), 3),
        ],
    )
    def test_is_a_matter_of_policy(self, stage: Stage, policy: str, answer: Answer, expected: int) -> None:
        with Receiver(answer) as target:
            given = ("--policy", policy, "--policy", "retries=1s,1s", "--policy", "read_timeout=100ms")
            played = stage(target, *given)
        assert len(attempts(played)) == len(target.requests) == expected

    def test_what_only_the_step_is_not_content_with_is_not(self, stage: Stage) -> None:
        with Receiver(status(200)) as target:
            played = stage(target, story=OFFLINE + "    expect: {status: 202}\n")
        assert verdicts(played) == ["rejected"]
        assert len(target.requests) == 1

    def test_a_target_that_was_never_there_is_not(self, stage: Stage) -> None:
        with Receiver() as target:
            url = target.url()
        played = stage(url)
        assert verdicts(played) == ["unreachable"]
        assert played.code == 3

    def test_a_target_that_goes_away_is(self, stage: Stage) -> None:
        def leave(connection: Connection, request: Request) -> None:
            target.stop_listening()
            connection.send(status(500, Connection="close"))
            connection.close()

        with Receiver(leave) as target:
            played = stage(target, "--policy", "retries=1s,1s")
        assert verdicts(played) == ["rejected", "unreachable", "unreachable"]
        assert (summary(played)["verdict"], played.code) == ("unreachable", 3)


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("asked", "pauses"),
        [
            ("3600", ["0s", "3600s", "5m"]),
            ("6", ["0s", "6s", "5m"]),
            ("1", ["0s", "5s", "5m"]),  # the schedule's own pause is longer
            ("0", ["0s", "5s", "5m"]),
            ("999999999999", ["0s", "7d", "5m"]),
            ("Wed, 21 Oct 2015 07:28:00 GMT", ["0s", "5s", "5m"]),
            ("Wed, 21 Oct 9999 07:28:00 GMT", ["0s", "7d", "5m"]),
        ],
    )
    def test_a_longer_pause_is_respected(self, stage: Stage, asked: str, pauses: list[str]) -> None:
        with Receiver(status(503, Retry_After=asked), status(500), status(200)) as target:
            played = stage(target)
        assert [since_start(line) for line in attempts(played)] == times(*pauses)

    def test_as_a_date(self, stage: Stage) -> None:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        with Receiver(status(429, Retry_After=format_datetime(tomorrow, usegmt=True)), status(200)) as target:
            played = stage(target)
        assert timedelta(hours=23) < since_start(attempts(played)[1]) <= timedelta(days=1)

    @pytest.mark.parametrize(
        "asked",
        [
            "",
            "soon",
            "-5",
            "1.5",
            "1e3",
            "5s",
            "Wed, 99 Oct 2026 07:28:00 GMT",
            "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
            "Wed, 21 Oct 2026 07:28:00 +99999999999999",
            "Wed, 21 Oct 0000 07:28:00 GMT",
            "Mon, 01 Jan 0001 00:00:00 +2359",
            "\xb2\xb3",
        ],
    )
    def test_nonsense_leaves_the_schedule(self, stage: Stage, asked: str) -> None:
        answer = status(503).replace(b"\r\n\r\n", b"\r\nRetry-After: " + asked.encode("latin-1") + b"\r\n\r\n")
        with Receiver(answer, status(200)) as target:
            played = stage(target)
        assert [since_start(line) for line in attempts(played)] == times("0s", "5s")

    def test_makes_no_vendor_retry_that_never_does(self, stage: Stage) -> None:
        with Receiver(status(503, Retry_After=1)) as target:
            played = stage(target, story=talk(1), vendor="messagehub")
        assert verdicts(played) == ["rejected", "rejected"]
        assert len(target.requests) == 2


def test_people_are_told_when_it_was_tried_and_given_up_on(vendorsim: Vendorsim, tmp_path: Path) -> None:
    with Receiver(status(500)) as target:
        given = ("--vendor", "smartsupp", "--to", target.url(), "--policy", "retries=1m,2d")
        played = vendorsim("play", written(tmp_path, OFFLINE), *given)
    _, _, _, first, second, third, *_, closing = (line.rstrip() for line in played.out.splitlines())
    assert first.startswith("2026-01-05T09:00:00.000Z  post_hook")
    assert second.startswith("2026-01-05T09:01:00.000Z  post_hook")
    assert second.endswith("rejected: answered 500, the vendor expects 200-299")
    assert third.startswith("2026-01-07T09:01:00.000Z  post_hook")
    assert third.endswith("rejected: answered 500, the vendor expects 200-299; given up after 3 attempts")
    assert closing == "failed: 0 delivered, 1 failed, 2 retries"
