"""Which deliveries are hit by which faults, and what may be said of an integration that they hit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from plays import OFFLINE, Stage, attempts, summary, talk, verdicts
from receiver import Receiver, close, status

ONCE = ("--policy", "retries=none")
FAULTS = ["duplicate", "reorder", "delay", "drop", "late", "outage"]  # when, how often, whether
FAULTS += ["twins", "overlap", "impatient"]  # what is under way at once
FAULTS += ["corrupt", "encoding", "content_type", "signature"]  # what
FAULTS += ["http", "connection", "truncate", "reset", "drip"]  # how
QUIRK = "quirk"  # what the vendor makes of a step


@pytest.fixture
def stage(vendorsim: Vendorsim, tmp_path: Path) -> Stage:
    return Stage(vendorsim, tmp_path)


def misbehaviour(played: Completed) -> list[tuple[Any, ...]]:
    """What a run did, without how long it took."""
    keys = ("delivery", "event", "copy", "attempt", "at", "faults", "verdict")
    return [tuple(json.dumps(line[key]) for key in keys) for line in attempts(played)]


def hit(played: Completed) -> set[str]:
    return {line["delivery"] for line in attempts(played) if line["faults"]}


class TestTheList:
    def test_names_every_fault(self, vendorsim: Vendorsim) -> None:
        listed = vendorsim("faults", "--json").json
        assert sorted(fault["name"] for fault in listed) == sorted([*FAULTS, QUIRK])
        assert all(fault["help"] and fault["example"].startswith(fault["name"]) for fault in listed)

    def test_shows_both_ways_to_write_it(self, vendorsim: Vendorsim) -> None:
        told = vendorsim("faults").out
        assert "--fault truncate=0.5" in told
        assert "fault: {truncate: 0.5}" in told
        assert "fault: {drop: true}" in told

    @pytest.mark.parametrize("name", FAULTS)
    def test_every_example_works_in_both_places(
        self, vendorsim: Vendorsim, stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv("HOOK_SECRET", "test-secret")
        (example,) = [fault["example"] for fault in vendorsim("faults", "--json").json if fault["name"] == name]
        argument = example.partition("=")[2] or "true"
        signing = ("--policy", "signing=chatwoot", "--secret-env", "HOOK_SECRET", *ONCE)
        told = []
        with Receiver() as target:
            for given, story in (
                (("--fault", example), OFFLINE),
                ((), f"{OFFLINE}    fault: {{{name}: {argument}}}\n"),
            ):
                played = stage(target, *given, *signing, story=story)
                assert played.code == 0, played.err
                told.append(attempts(played)[0]["faults"])
        assert told == [[example], [example]]


class TestChance:
    STORY = talk(4)
    MANY = ("--count", 60, *ONCE)

    def play(self, stage: Stage, *arguments: object) -> Completed:
        with Receiver() as target:
            return stage(target, *arguments, *self.MANY, story=self.STORY, vendor="messagehub")

    @pytest.mark.slow
    def test_the_same_run_misbehaves_the_same_way(self, stage: Stage) -> None:
        given = (
            "--fault",
            "duplicate@0.2",
            "--fault",
            "reorder=3@0.3",
            "--fault",
            "corrupt@0.2",
            "--fault",
            "drop@0.1",
            "--fault",
            "twins@0.2",
            "--fault",
            "overlap=3@0.2",
        )
        runs = [self.play(stage, *given, "--concurrency", number) for number in (1, 7, 64)]
        first = misbehaviour(runs[0])
        assert len(first) > 300
        assert all(misbehaviour(run) == first for run in runs)

    @pytest.mark.slow
    def test_down_to_the_bytes(self, stage: Stage) -> None:
        bodies = []
        for concurrency in (1, 16):
            with Receiver() as target:
                arguments = ("--fault", "corrupt", "--concurrency", concurrency, *self.MANY)
                stage(target, *arguments, story=self.STORY, vendor="messagehub")
            bodies.append(sorted(target.bodies))
        assert bodies[0] == bodies[1]

    @pytest.mark.slow
    def test_another_seed_misbehaves_otherwise(self, stage: Stage) -> None:
        runs = [self.play(stage, "--fault", "duplicate@0.3", "--seed", seed) for seed in (1, 2)]
        positions = [[bool(line["faults"]) for line in attempts(run) if line["copy"] == 0] for run in runs]
        assert positions[0] != positions[1]

    @pytest.mark.parametrize(
        ("rate", "least", "most"), [("0", 0, 0), ("0.3", 60, 120), ("0.9", 240, 295), ("1", 300, 300)]
    )
    def test_the_rate(self, stage: Stage, rate: str, least: int, most: int) -> None:
        assert least <= len(hit(self.play(stage, "--fault", f"content_type@{rate}"))) <= most

    def test_a_higher_rate_hits_more_of_the_same(self, stage: Stage) -> None:
        few, more = (hit(self.play(stage, "--fault", f"content_type@{rate}")) for rate in ("0.1", "0.4"))
        assert few < more

    def test_two_of_a_kind_are_thrown_apart(self, stage: Stage) -> None:
        played = self.play(stage, "--fault", "http=chunked@0.5", "--fault", "http=header-case@0.5")
        together = {tuple(line["faults"]) for line in attempts(played)}
        assert together == {(), ("http=chunked",), ("http=header-case",), ("http=chunked", "http=header-case")}

    def test_disorder_is_drawn_per_delivery(self, stage: Stage) -> None:
        played = self.play(stage, "--fault", "reorder=3")
        orders = set()
        for start in range(0, 300, 5):
            orders.add(tuple(line["delivery"].split("-")[-2] for line in attempts(played)[start : start + 5]))
        assert len(orders) > 3


class TestWhere:
    def test_the_events_of_fault_on(self, stage: Stage) -> None:
        with Receiver() as target:
            played = stage(
                target, "--fault", "http=chunked", "--fault-on", "message_created", story=talk(2), vendor="messagehub"
            )
        assert [(line["event"], bool(line["faults"])) for line in attempts(played)] == [
            ("conversation_created", False),
            ("message_created", True),
            ("message_created", True),
        ]

    def test_the_events_of_the_step(self, stage: Stage) -> None:
        with Receiver() as target:
            played = stage(target, story=talk(2, fault="{http: chunked}"), vendor="messagehub")
        assert [line["faults"] for line in attempts(played)] == [["http=chunked"], ["http=chunked"], []]

    def test_a_step_adds_to_the_command_line(self, stage: Stage) -> None:
        with Receiver() as target:
            story = talk(2, fault="{duplicate: 1, http: header-case}")
            played = stage(target, "--fault", "duplicate=1", story=story, vendor="messagehub")
        assert [line["copy"] for line in attempts(played)] == [0, 1, 2, 0, 1, 2, 0, 1]
        assert attempts(played)[0]["faults"] == ["duplicate=1", "duplicate=1", "http=header-case"]

    def test_each_target_has_its_own_luck(self, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with Receiver() as first, Receiver() as second:
            urls = ", ".join(f"{{url: '{target.url()}'}}" for target in (first, second))
            Path("vendorsim.yaml").write_text(f"targets: {{messagehub: [{urls}]}}")
            path = tmp_path / "talk.yaml"
            path.write_text(talk(4))
            played = stage.run(path, "--vendor", "messagehub", "--count", 20, "--fault", "drop@0.5")
        assert played.code == 0
        assert 0 < len(first.requests) < 100
        assert 0 < len(second.requests) < 100
        assert sorted(first.bodies) != sorted(second.bodies)


class TestVerdicts:
    @pytest.mark.parametrize(
        ("fault", "verdict", "code"),
        [
            ("corrupt=missing", "spoiled", 0),
            ("encoding=utf-16", "spoiled", 0),
            ("content_type=missing", "spoiled", 0),
            ("http=no-length", "spoiled", 0),
            ("http=chunked", "rejected", 1),
            ("http=header-case", "rejected", 1),
            ("duplicate=1", "rejected", 1),
            ("delay=1h", "rejected", 1),
            ("late=1h", "rejected", 1),
            ("reorder=1", "rejected", 1),
            ("connection=new", "rejected", 1),
            ("drip=50ms", "rejected", 1),
        ],
    )
    def test_only_what_is_spoiled_may_be_refused(self, stage: Stage, fault: str, verdict: str, code: int) -> None:
        with Receiver(status(400)) as target:
            played = stage(target, "--fault", fault, *ONCE)
        assert set(verdicts(played)) == {verdict}
        assert played.code == code

    def test_what_is_spoiled_may_be_accepted(self, stage: Stage) -> None:
        with Receiver() as target:
            played = stage(target, "--fault", "corrupt=extra")
        assert verdicts(played) == ["delivered"]
        assert attempts(played)[0]["faults"] == ["corrupt=extra"]

    def test_what_was_refused_for_its_body_is_not_tried_again(self, stage: Stage) -> None:
        with Receiver(status(400)) as target:
            played = stage(target, "--fault", "corrupt=null")
        assert len(target.requests) == 1
        assert (summary(played)["spoiled"], summary(played)["failed"]) == (1, 0)

    def test_what_broke_the_integration_is(self, stage: Stage) -> None:
        """A receiver that dies of a body instead of refusing it gets it again, as from a real sender."""
        with Receiver(close) as target:
            played = stage(target, "--fault", "corrupt=null", "--policy", "retries=5s")
        assert len(target.requests) == 2
        assert verdicts(played) == ["spoiled", "spoiled"]

    def test_the_summary_counts_faults_by_event(self, stage: Stage) -> None:
        with Receiver() as target:
            played = stage(target, "--fault", "duplicate=1", story=talk(3), vendor="messagehub")
        rows = {row["event"]: row["faults"] for row in summary(played)["events"]}
        assert rows == {"conversation_created": {"duplicate=1": 2}, "message_created": {"duplicate=1": 6}}


class TestRefusals:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("duplicat", "did you mean 'duplicate'"),
            ("", "unknown fault ''"),
            ("duplicate=0", "expected a number from 1 to 100, found '0'"),
            ("duplicate=101", "expected a number from 1 to 100"),
            ("reorder=x", "write it like reorder=3"),
            ("twins=1", "expected a number from 2 to 100, found '1'"),
            ("overlap=101", "expected a number from 2 to 100"),
            ("impatient=5ms", "takes no argument"),
            ("delay=5", "'5' is not a duration"),
            ("drop=1", "takes no argument"),
            ("truncate=1", "expected a share of the body"),
            ("truncate=nan", "expected a share of the body"),
            ("reset=-0.1", "expected a share of the body"),
            ("corrupt=all", "unknown kind 'all'"),
            ("encoding=utf16", "did you mean 'utf-16'"),
            ("http=h2", "unknown kind 'h2'"),
            ("connection=close", "unknown kind 'close'"),
            ("content_type=a\nb", "line break"),
            ("duplicate@2", "the rate '2' is not a number from 0 to 1"),
            ("duplicate@often", "the rate 'often' is not a number from 0 to 1"),
            ("duplicate@nan", "the rate 'nan' is not a number from 0 to 1"),
            ("duplicate@", "the rate '' is not a number from 0 to 1"),
            ("signature=wrong", "does not sign; choose a scheme with --policy signing=NAME"),
        ],
    )
    def test_on_the_command_line(self, stage: Stage, given: str, message: str) -> None:
        refused = stage("http://127.0.0.1:1/", "--fault", given)
        assert refused.code == 2
        assert f"--fault {given}".split("\n")[0].split("=wrong")[0] in refused.err
        assert message in refused.err

    def test_of_events(self, stage: Stage) -> None:
        refused = stage("http://127.0.0.1:1/", "--fault", "drop", "--fault-on", "posthook")
        assert refused.code == 2
        assert "did you mean 'post_hook'" in refused.err

    @pytest.mark.parametrize(
        ("fault", "message"),
        [
            ("{duplicat: 1}", "did you mean 'duplicate'"),
            ("{duplicate: 0}", "expected a number from 1 to 100"),
            ("{truncate: 2}", "expected a share of the body"),
            ("{corrupt: al}", "unknown kind 'al'"),
            ("{signature: wrong}", "does not sign"),
        ],
    )
    def test_on_a_step_with_its_place(self, stage: Stage, fault: str, message: str) -> None:
        refused = stage("http://127.0.0.1:1/", story=f"{OFFLINE}    fault: {fault}\n")
        assert refused.code == 2
        assert "story.yaml:" in refused.err
        assert message in refused.err
