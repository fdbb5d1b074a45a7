"""Runs of the control API: start, follow, steer, stop, and what is refused."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from at_work import AtWork
from plays import talk
from receiver import Connection, Receiver, Request, status
from short_story import OF_USERLIKE, STORY
from vendorsim.probes.reading import read_probe
from vendorsim.runs.config import Config
from vendorsim.runs.config import load as load_config
from vendorsim.server.control.scenario_texts import MOST_STEPS
from vendorsim.server.control.started_runs import MOST_RUNNING
from vendorsim.server.control.states import expected_state
from vendorsim.vendorkit.target import Target

from control.client import SECRET, Client, serving

STARTS = datetime.fromisoformat("2026-01-05T09:00:00Z")


def since_start(run: dict[str, Any]) -> timedelta:
    """The time of a run's clock."""
    return datetime.fromisoformat(run["clock"]["time"]) - STARTS


class TestStarting:
    def test_a_built_in_scenario_is_played_to_its_end(self, api: Client, target: Receiver) -> None:
        started = api.start(target.url(), scenario="forwarded-chat", seed=7)
        assert (started["vendor"], started["profile"], started["seed"]) == ("userlike", "documented", 7)
        run = api.followed(started["id"])
        assert (run["summary"]["verdict"], run["summary"]["exit_code"], run["reason"]) == ("passed", 0, None)
        assert run["summary"]["delivered"] == len(target.requests) > 0
        assert run["ended_at"] >= run["began_at"]

    def test_a_scenario_of_ones_own_is_played_and_given_back(self, api: Client, target: Receiver) -> None:
        run = api.play(target.url())
        assert run["scenario"] == "Short chat"
        assert len(target.requests) == OF_USERLIKE
        source = api("GET", f"/runs/{run['id']}/scenario")
        assert (source.headers["Content-Type"], source.text) == ("application/yaml", STORY)

    def test_the_answer_says_where_the_run_is(self, api: Client, target: Receiver) -> None:
        answer = api("POST", "/runs", {"yaml": STORY, "vendor": "userlike", "to": target.url()})
        assert answer.status == 201
        path = answer.headers["Location"].partition(f":{api.port}")[2]
        assert api.request("GET", path).json["id"] == answer.json["id"]

    def test_the_cast_can_be_changed(self, api: Client, target: Receiver) -> None:
        cast = {"visitor": {"name": "Zoë \u2028 \x7f 👋"}, "agents": {"ana": {"name": "Bo"}, "kim": {"name": "Kim"}}}
        api.play(target.url(), cast=cast)
        started, *_ = target.requests
        assert started.json["client_name"] == "Zoë \u2028 \x7f 👋"
        assert "Grüße 👋" in target.bodies[-1].decode()
        assert b"Ana Novak" not in b"".join(target.bodies)

    def test_the_account_and_the_inbox_can_be_chosen(self, api: Client, target: Receiver) -> None:
        api.play(target.url(), account=311, inbox=4)
        chats = [request.json for request in target.requests if "chat_widget" in request.json]
        assert {chat["chat_widget"]["id"] for chat in chats} == {4}
        run = {"scenario": "missed-chat", "vendor": "smartsupp", "to": target.url()}
        refused = api("POST", "/runs", run | {"inbox": 4})
        assert (refused.status, "sends no id of an inbox" in refused.json["detail"]) == (422, True)
        assert api("POST", "/runs", run | {"account": 0}).status == 422

    def test_many_conversations_each_have_an_id_of_their_own(self, api: Client, target: Receiver) -> None:
        run = api.play(target.url(), count=20, concurrency=4)
        assert run["summary"]["conversations"] == {"asked": 20, "started": 20}
        rows = api.all("/deliveries", run=run["id"])
        assert (len(rows), len({row["conversation"] for row in rows})) == (20 * OF_USERLIKE, 20)

    def test_a_whole_number_may_be_written_with_a_point(self, api: Client, target: Receiver) -> None:
        raw = api("POST", "/runs", {"yaml": STORY, "vendor": "userlike", "to": target.url(), "count": 2.0})
        assert api.followed(raw.json["id"])["summary"]["conversations"] == {"asked": 2, "started": 2}

    def test_it_is_signed_with_the_secret_that_is_given(self, api: Client, target: Receiver) -> None:
        api.play(target.url(), vendor="smartsupp", profile="webhooks", secret=SECRET)
        assert target.requests[0].header("X-Smartsupp-Hmac")
        assert SECRET not in str(api.get("/runs"))

    def test_headers_policy_and_faults(self, api: Client, target: Receiver) -> None:
        wanted = {"policy": {"retries": "none"}, "faults": ["duplicate"], "fault_on": ["chat_session.end"]}
        run = api.play(target.url(), headers={"X-Tenant": "acme"}, **wanted)
        assert len(target.requests) == OF_USERLIKE + 1
        assert {request.header("X-Tenant") for request in target.requests} == {"acme"}
        faulty = [row for row in api.all("/deliveries", run=run["id"]) if row["faults"]]
        assert {row["event"] for row in faulty} == {"chat_session.end"}

    def test_what_is_due_together_is_under_way_together(self, api: Client) -> None:
        work = AtWork(together=2)
        with Receiver(work) as target:
            run = api.play(
                target.url(), vendor="messagehub", yaml=talk(1), faults=["twins=2"], policy={"in_flight": "1"}
            )
        assert (list(work.peak.values()), len(target.requests)) == ([2], 4)
        assert run["summary"]["delivered"] == 4

    def test_a_quirk_of_the_vendor(self, api: Client, target: Receiver) -> None:
        described = next(vendor for vendor in api.get("/vendors") if vendor["name"] == "messagehub")
        quirk = next(quirk["name"] for profile in described["profiles"] for quirk in profile["quirks"])
        profile = next(p["name"] for p in described["profiles"] for known in p["quirks"] if known["name"] == quirk)
        wanted = {"vendor": "messagehub", "profile": profile, "faults": [f"quirk={quirk}"], "secret": SECRET}
        assert api.play(target.url(), **wanted)["profile"] == profile

    def test_a_pinned_clock_repeats_every_byte(self, api: Client, target: Receiver) -> None:
        wanted = {"vendor": "messagehub", "profile": "observed-4.15", "secret": SECRET, "policy": {"in_flight": "1"}}
        for _ in range(2):
            api.play(target.url(), **wanted, pin_clock=True)
        once, again = target.requests[: len(target.requests) // 2], target.requests[len(target.requests) // 2 :]
        assert [request.raw for request in once] == [request.raw for request in again]

    def test_nobody_listening_is_told_of(self, api: Client) -> None:
        with Receiver() as gone:
            url = gone.url()
        run = api.play(url)
        assert (run["summary"]["verdict"], run["summary"]["exit_code"]) == ("unreachable", 3)
        assert "connection refused" in run["summary"]["reason"].lower()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing to play": ({"yaml": None}, "either scenario"),
    "two things to play": ({"scenario": "forwarded-chat"}, "either scenario"),
    "a name that nobody knows": ({"yaml": None, "scenario": "forwarded-chta"}, "did you mean 'forwarded-chat'"),
    "a file of this machine": ({"yaml": None, "scenario": "/etc/passwd"}, "unknown scenario"),
    "a file beside the scenarios": ({"yaml": None, "scenario": "../scenarios/forwarded-chat"}, "unknown scenario"),
    "no vendor to choose": ({"vendor": None}, "say as which vendor"),
    "a vendor that nobody knows": ({"vendor": "userlik"}, "did you mean 'userlike'"),
    "a vendor that is not in it": ({"vendor": "chatvisor"}, "not among the scenario's vendors"),
    "a profile that nobody knows": ({"profile": "old"}, "profile"),
    "no target": ({"to": None}, "/to: userlike has no target: give the address of your webhook, such as http://"),
    "an overlay of its own choice": ({"profile": "./seen"}, "'./seen' is a folder; start the server"),
    "no URL": ({"to": "localhost"}, "/to"),
    "no speed": ({"speed": "0x"}, "/speed"),
    "a word as speed": ({"speed": "sixty"}, "such as 1x or 60x"),
    "no time": ({"start": "yesterday"}, "/start"),
    "no duration": ({"spacing": "1"}, "/spacing"),
    "no policy": ({"policy": {"retires": "none"}}, "retires"),
    "no fault": ({"faults": ["explode"]}, "explode"),
    "an event that nobody sends": ({"faults": ["drop"], "fault_on": ["chat.end"]}, "chat.end"),
    "a signature of what is not signed": ({"faults": ["signature=wrong"]}, "does not sign"),
    "a header of two lines": ({"headers": {"X-A": "a\r\nX-B: b"}}, "line break"),
    "a header that frames": ({"headers": {"Content-Length": "1"}}, "frames the request"),
    "no conversations": ({"count": 0}, "/count"),
    "too many conversations": ({"count": 10_001}, "/count"),
    "a key that nobody knows": ({"sped": "1x"}, "sped"),
    "no secret to sign with": ({"vendor": "smartsupp", "profile": "webhooks"}, "/secret"),
}


class TestRefusing:
    @pytest.mark.parametrize(("changes", "reason"), REFUSED.values(), ids=list(REFUSED))
    def test_says_why(self, idle: Client, changes: dict[str, Any], reason: str) -> None:
        wanted = {"yaml": STORY, "vendor": "userlike", "to": "http://127.0.0.1:9/hook"} | changes
        problem = idle.refused("POST", "/runs", {key: value for key, value in wanted.items() if value is not None})
        assert problem["status"] == 422
        assert reason in problem["detail"]
        assert idle.get("/runs") == {"items": [], "next": None}

    def test_every_problem_of_a_scenario_has_its_place(self, api: Client, target: Receiver) -> None:
        text = STORY.replace("say: Grüße 👋", "sya: Hello").replace("join: ana", "join: anna")
        problem = api.refused("POST", "/runs", {"yaml": text, "vendor": "userlike", "to": target.url()})
        assert [place["line"] for place in problem["errors"]] == [8, 9]
        assert all(place["column"] > 0 and place["detail"] for place in problem["errors"])
        lint = api.done("POST", "/lint", {"yaml": text})
        assert [(p["line"], p["column"], p["message"]) for p in lint["problems"]] == [
            (place["line"], place["column"], place["detail"]) for place in problem["errors"]
        ]

    @pytest.mark.parametrize(
        ("cast", "pointer"),
        [
            ({"visitor": {"nmae": "Dana"}}, "/cast/visitor/nmae"),
            ({"visitor": {"email": 5}}, "/cast/visitor/email"),
            ({"agents": {"visitor": {}}}, "/cast/agents/visitor"),
        ],
    )
    def test_what_is_wrong_with_a_cast_has_its_place(
        self, api: Client, target: Receiver, cast: dict[str, Any], pointer: str
    ) -> None:
        problem = api.refused("POST", "/runs", {"yaml": STORY, "vendor": "userlike", "to": target.url(), "cast": cast})
        assert [place["pointer"] for place in problem["errors"]] == [pointer]

    def test_a_scenario_of_endless_steps(self, api: Client, target: Receiver) -> None:
        text = "scenario: Long\nvendors: [userlike]\nsteps:\n" + "- say: hi\n" * (MOST_STEPS + 1)
        problem = api.refused("POST", "/runs", {"yaml": text, "to": target.url()})
        assert problem["errors"][0]["line"] == MOST_STEPS + 4
        assert api.done("POST", "/lint", {"yaml": text})["valid"] is False

    def test_more_runs_at_once_than_there_is_room_for(self, api: Client, target: Receiver) -> None:
        runs = [api.start(target.url(), paused=True)["id"] for _ in range(MOST_RUNNING)]
        wanted = {"yaml": STORY, "vendor": "userlike", "to": target.url()}
        assert api.refused("POST", "/runs", wanted)["status"] == 429
        assert api.done("POST", f"/runs/{runs[0]}/stop")["status"] == "stopped"
        assert api.play(target.url())["status"] == "finished"

    def test_runs_that_nobody_can_know(self, idle: Client) -> None:
        for number in ("1", "999999", "0", "-1", "one", "9" * 40):
            for method, rest in (("GET", ""), ("POST", "/stop"), ("PATCH", "/clock"), ("GET", "/scenario")):
                assert idle.refused(method, f"/runs/{number}{rest}")["status"] == 404


class TestSteering:
    def test_a_paused_run_sends_nothing_until_it_is_put_forward(self, api: Client, target: Receiver) -> None:
        run = api.start(target.url(), paused=True, speed="1x")["id"]
        # The first step happens at once, the last one after eleven minutes.
        target.wait_for(1)
        assert api.get(f"/runs/{run}")["clock"] == {"paused": True, "speed": "1x", "time": "2026-01-05T09:00:00.000Z"}
        moved = api.done("PATCH", f"/runs/{run}/clock", {"forward": "70s"})
        assert moved["clock"]["time"] == "2026-01-05T09:01:10.000Z"
        told = [request.json["_event"] for request in target.wait_for(3)]
        assert told == ["start", "message_received", "message_sent"]
        assert api.get(f"/runs/{run}")["status"] == "running"
        api.done("PATCH", f"/runs/{run}/clock", {"forward": "10m"})
        assert api.followed(run)["summary"]["delivered"] == OF_USERLIKE

    def test_a_run_goes_by_the_clock_and_can_be_hastened(self, api: Client, target: Receiver) -> None:
        run = api.start(target.url(), speed="1x")
        target.wait_for(1)
        later = api.until(lambda: api.get(f"/runs/{run['id']}"), lambda now: since_start(now) > since_start(run))
        assert (later["status"], later["clock"]["speed"]) == ("running", "1x")
        api.done("PATCH", f"/runs/{run['id']}/clock", {"speed": "99999x"})
        assert api.followed(run["id"])["summary"]["delivered"] == OF_USERLIKE

    def test_a_number_is_a_speed_too(self, api: Client, target: Receiver) -> None:
        run = api.start(target.url(), paused=True, speed="60")
        assert run["clock"]["speed"] == "60x"
        changed = api.done("PATCH", f"/runs/{run['id']}/clock", {"speed": "2.5"})
        assert changed["clock"]["speed"] == "2.5x"

    def test_an_instant_run_that_is_paused_goes_on_from_where_it_is(self, api: Client, target: Receiver) -> None:
        run = api.play(target.url())
        assert since_start(run) == timedelta(minutes=11, seconds=5)
        paused = api.done("PATCH", f"/runs/{run['id']}/clock", {"paused": True})
        assert (paused["clock"]["paused"], paused["clock"]["time"]) == (True, run["clock"]["time"])

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"speed": "fast"}, "/speed"),
            ({"speed": "-1x"}, "/speed"),
            ({"forward": "-10m"}, "/forward"),
            ({"forward": "10"}, "/forward"),
            ({"paused": "yes"}, "/paused"),
        ],
    )
    def test_what_a_clock_can_not_do(self, api: Client, target: Receiver, change: dict[str, Any], pointer: str) -> None:
        run = api.start(target.url(), paused=True)["id"]
        problem = api.refused("PATCH", f"/runs/{run}/clock", change)
        assert (problem["status"], problem["errors"][0]["pointer"]) == (422, pointer)

    def test_a_stopped_run_sends_nothing_any_more(self, api: Client, target: Receiver) -> None:
        run = api.start(target.url(), speed="1x")["id"]
        target.wait_for(1)
        api.done("POST", f"/runs/{run}/stop")
        stopped = api.until(lambda: api.get(f"/runs/{run}"), lambda document: document["ended_at"] is not None)
        assert (stopped["status"], stopped["summary"]["verdict"]) == ("stopped", "interrupted")
        api.done("PATCH", f"/runs/{run}/clock", {"forward": "1h"})
        assert api.done("POST", f"/runs/{run}/stop")["status"] == "stopped"
        assert len(target.requests) == stopped["summary"]["delivered"] < OF_USERLIKE

    def test_a_finished_run_stays_finished_when_it_is_stopped(self, api: Client, target: Receiver) -> None:
        run = api.play(target.url())
        stopped = api.done("POST", f"/runs/{run['id']}/stop")
        assert (stopped["status"], stopped["summary"]["verdict"]) == ("finished", "passed")


class TestListing:
    def test_the_newest_first_page_by_page(self, api: Client, target: Receiver) -> None:
        runs = [api.play(target.url())["id"] for _ in range(5)]
        assert [run["id"] for run in api.all("/runs", limit=2)] == runs[::-1]

    def test_the_oldest_are_forgotten_and_those_under_way_are_not(self, journal: Path, target: Receiver) -> None:
        with serving(journal, most_runs=3) as api:
            under_way = api.start(target.url(), paused=True)["id"]
            runs = [api.play(target.url())["id"] for _ in range(3)]
            kept = {run["id"] for run in api.all("/runs")}
            assert kept == {under_way, *runs[1:]}
            assert api.refused("GET", f"/runs/{runs[0]}")["status"] == 404
            # What it sent stays in the journal.
            assert len(api.all("/deliveries", run=runs[0])) == OF_USERLIKE


PROBED = STORY + "  - probe: {/chat/status: closed, within: 20s}\n  - probe: {/chat/status: open, within: 0s}\n"


class TestProbeSteps:
    """The probes are those of vendorsim.yaml: a request can name none, since a probe may run commands."""

    @pytest.fixture
    def configured(self, target: Receiver, tmp_path: Path) -> Config:
        """A target whose state is always the same, read by a command and by SQL."""
        (tmp_path / "state.sql").write_text("SELECT 'closed' AS status WHERE :conversation_id <> ''")
        sqlite3.connect(tmp_path / "state.sqlite").close()
        probe = {"chat": "sql: sqlite:///state.sqlite state.sql", "seen": "command: printf {conversation_id}"}
        file = tmp_path / "vendorsim.yaml"
        file.write_text(json.dumps({"targets": {"userlike": [{"url": target.url(), "probe": probe}]}}))
        return load_config(str(file))

    @pytest.mark.parametrize("named", [False, True])
    def test_a_run_reads_the_probe_of_the_configured_target(
        self, configured: Config, target: Receiver, journal: Path, named: bool
    ) -> None:
        with serving(journal, config=configured) as client:
            run = client.play(target.url() if named else None, yaml=PROBED, vendor="userlike")
        summary = run["summary"]
        assert (run["status"], summary["verdict"]) == ("finished", "failed")
        assert summary["probes"] == {"as expected": 1, "missed": 1}
        (problem,) = summary["problems"]
        assert problem.endswith(': /chat/status: expected "open", found "closed"')

    def test_a_step_by_hand_reads_it_too(self, configured: Config, journal: Path) -> None:
        with serving(journal, config=configured) as client:
            run = client.play(vendor="userlike")
            (conversation,) = {item["conversation"] for item in client.get("/conversations", run=run["id"])["items"]}
            results = []
            for expected in (
                {"/chat/status": "closed"},
                {"/seen": int(conversation)},
                {"/chat/status": "open", "within": "0s"},
            ):
                step = {"vendor": "userlike", "conversations": [conversation], "step": {"probe": expected}}
                results += client.done("POST", "/steps", step)["results"]
            step = {
                "vendor": "userlike",
                "conversations": [conversation],
                "step": {"probe": {"/a": 1, "within": "11s"}},
            }
            assert client.refused("POST", "/steps", step)["detail"] == "'probe' by hand waits for 10s at most"
        assert [(result["done"], result["reason"]) for result in results] == [
            (True, None),
            (True, None),
            (False, 'missed: /chat/status: expected "open", found "closed"'),
        ]

    def test_another_target_has_no_probe(self, configured: Config, target: Receiver, journal: Path) -> None:
        with serving(journal, config=configured) as client:
            run = client.play(target.url("/other"), yaml=PROBED, vendor="userlike")
        assert (run["summary"]["verdict"], run["summary"]["probes"]) == ("passed", {"not judged": 2})

    def test_a_probe_that_can_not_be_opened_is_a_problem_and_no_run(
        self, configured: Config, target: Receiver, journal: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "state.sql").unlink()
        with serving(journal, config=configured) as client:
            problem = client.refused("POST", "/runs", {"yaml": PROBED, "vendor": "userlike"})
            assert problem["status"] == 422
            assert "state.sql: the query can't be read" in problem["detail"]
            assert client.get("/runs")["items"] == []


class TestTruth:
    """What a run says of itself follows what has happened, while it happens."""

    def test_a_run_that_is_refused_fails_while_it_runs(self, api: Client) -> None:
        with Receiver(status(404)) as target:
            number = api.start(target.url(), speed="1x")["id"]
            target.wait_for(2)
            run = api.until(lambda: api.get(f"/runs/{number}"), lambda run: run["summary"]["failed_attempts"] == 2)
            assert (run["status"], run["state"]) == ("running", "failing")
            assert run["diagnosis"]["problem"] == "Both attempts were answered 404."
            assert target.url() in run["diagnosis"]["remedy"]
            told = run["summary"]
            assert (told["retries"], told["retries_scheduled"], told["failed"]) == (0, 2, 0)
            stopped = api.until(
                lambda: api.done("POST", f"/runs/{number}/stop"), lambda run: run["summary"]["failed"] == 2
            )
        told = stopped["summary"]
        assert (stopped["status"], stopped["state"]) == ("stopped", "stopped, failing")
        assert (told["not_sent"], told["retries"], told["retries_scheduled"]) == (OF_USERLIKE - 2, 0, 0)
        rows = api.deliveries(OF_USERLIKE + 2, run=number)
        assert Counter(row["verdict"] for row in rows) == {"rejected": 2, "given up": 2, "not sent": 3}
        given_up = next(row for row in rows if row["verdict"] == "given up")
        assert (given_up["sent_at"], given_up["final"]) == (None, True)
        assert given_up["reason"].endswith("expects 200; the run was stopped before attempt 2")

    def test_a_run_that_was_refused_once_has_passed_in_the_end(self, api: Client) -> None:
        with Receiver(status(503), status(200)) as target:
            run = api.play(target.url())
        assert (run["state"], run["diagnosis"]["is_over"]) == ("passed", True)
        assert (run["summary"]["failed_attempts"], run["summary"]["retries"]) == (1, 1)

    def test_a_target_that_is_not_there(self, api: Client) -> None:
        with Receiver() as target:
            url = target.url()
        run = api.play(url)
        assert (run["state"], run["status"]) == ("unreachable", "finished")
        assert f"does it listen at {url}?" in run["diagnosis"]["remedy"]

    def test_which_form_fails(self, api: Client) -> None:
        def crashing(connection: Connection, request: Request) -> None:
            connection.send(status(500 if request.json.get("content") == "" else 200))

        with Receiver(crashing) as target:
            run = api.play(target.url(), scenario="attachment-only", vendor="messagehub", policy={"retries": "none"})
        assert run["state"] == "failed"
        assert run["diagnosis"]["event"] == "message_created"
        found = api.get("/diagnosis", run=run["id"])
        assert found["only"][0] == "/content is empty"

    def test_a_state_that_differs(self, target: Receiver, tmp_path: Path) -> None:
        read = read_probe(lambda conversation_id, identifier: {"tickets": [{"text": "Hi"}] * 2, "status": "closed"})
        config = Config(targets={"userlike": (Target(target.url(), probe=(read,)),)})
        probe = "  - probe: {/tickets: [{text: Hi}], /status: closed, within: 0s}\n"
        with serving(tmp_path / "journal.sqlite", config=config) as api:
            run = api.play(yaml=STORY + probe, faults=["duplicate=1"])
            assert (run["state"], run["summary"]["failed_attempts"]) == ("failed", 0)
            assert "duplicate=1" in run["diagnosis"]["remedy"]
            (state,) = api.get(f"/runs/{run['id']}/states")["items"]
        assert state["verdict"] == "missed"
        assert state["state"] == {"tickets": [{"text": "Hi"}] * 2, "status": "closed"}
        assert state["expected_state"] == {"tickets": [{"text": "Hi"}], "status": "closed"}


@pytest.mark.parametrize(
    ("state", "expected", "whole"),
    [
        ({"a": 1, "b": 2}, {"/a": 3}, {"a": 3, "b": 2}),
        ({"a": [1, 2]}, {"/a/1": 5}, {"a": [1, 5]}),
        ({"a": []}, {"/a/0/b": 5}, {"a": [{"b": 5}]}),
        (None, {"/a/b": 1}, {"a": {"b": 1}}),
        ({"a": "text"}, {"/a/b": 1}, {"a": {"b": 1}}),
        ({"a": 1}, {"": None}, None),
    ],
)
def test_the_expected_state_is_the_one_that_was_read_with_what_was_expected(
    state: Any, expected: dict[str, Any], whole: Any
) -> None:
    assert expected_state(state, expected) == whole
