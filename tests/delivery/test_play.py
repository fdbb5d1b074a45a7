"""`vendorsim play`: what the integration gets, in which order, and what the user is told."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from msgspec.structs import replace
from receiver import Connection, Receiver, Request, never, status
from stories import CHAT, EVENTS, OFFLINE, written
from vendorsim.core.clock import ScaledClock
from vendorsim.core.version import __version__
from vendorsim.delivery.planning import prepare
from vendorsim.delivery.playing import run_to_end
from vendorsim.runs.config import Config
from vendorsim.runs.planning import RunRequest
from vendorsim.vendorkit.target import Target

HEADERS = {
    "smartsupp": {"Content-Type": "application/json"},
    "userlike": {"Content-Type": "application/JSON"},
    "messagehub": {"Content-Type": "application/json", "Accept": "application/json"},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the journal lands."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    """A chat of 30 seconds."""
    return written(tmp_path, CHAT)


every_vendor = pytest.mark.parametrize("vendor", EVENTS)


ONCE = ("--policy", "retries=none")


def attempts(played: Completed) -> list[dict[str, Any]]:
    return [line for line in played.lines if line["type"] == "attempt"]


def summary(played: Completed) -> dict[str, Any]:
    """The last line; whatever happens, there is one."""
    last: dict[str, Any] = played.lines[-1]
    assert last["type"] == "summary"
    assert last["exit_code"] == played.code
    return last


class TestOneConversation:
    @every_vendor
    def test_events_arrive_in_order(self, vendorsim: Vendorsim, chat: Path, vendor: str) -> None:
        with Receiver() as target:
            played = vendorsim("play", chat, "--vendor", vendor, "--to", target.url(), "--json")
        assert played.code == 0, played.err
        assert [line["event"] for line in attempts(played)] == EVENTS[vendor]
        assert len(target.requests) == len(EVENTS[vendor])
        assert [line["verdict"] for line in attempts(played)] == ["delivered"] * len(EVENTS[vendor])

    @every_vendor
    @pytest.mark.parametrize(
        "arguments",
        [
            pytest.param((), id="defaults"),
            pytest.param(("--seed", 5), id="seed"),
            pytest.param(("--start", "2027-03-04T05:06:07Z"), id="start"),
            pytest.param(("--count", 4, "--spacing", "7m"), id="count"),
        ],
    )
    def test_bodies_are_the_bytes_that_generate_prints(
        self, vendorsim: Vendorsim, chat: Path, vendor: str, arguments: tuple[object, ...]
    ) -> None:
        generated = vendorsim("generate", chat, "--vendor", vendor, *arguments)
        with Receiver() as target:
            vendorsim("play", chat, "--vendor", vendor, "--to", target.url(), "--concurrency", 1, *arguments)
        lines = generated.out.splitlines()
        assert len(target.bodies) == len(lines)
        for body, line in zip(target.bodies, lines, strict=True):
            assert line.endswith(f',"body":{body.decode()}}}')

    @every_vendor
    def test_requests_carry_the_documented_headers_and_their_frame(
        self, vendorsim: Vendorsim, chat: Path, vendor: str
    ) -> None:
        with Receiver() as target:
            vendorsim("play", chat, "--vendor", vendor, "--to", target.url("/hook?a=b"))
        for request in target.requests:
            assert request.line == "POST /hook?a=b HTTP/1.1"
            assert dict(request.headers) == {
                "Host": f"127.0.0.1:{target.port}",
                "User-Agent": f"vendorsim/{__version__}",
                "Accept": "*/*",
                **HEADERS[vendor],
                "Content-Length": str(len(request.body)),
            }

    @pytest.mark.parametrize(
        ("given", "name", "sent"),
        [
            ("X-Api-Key: abc", "X-Api-Key", "abc"),
            ("X-Empty:", "X-Empty", ""),
            ("X-Colons: a:b: c", "X-Colons", "a:b: c"),
            ("content-type: text/plain", "Content-Type", "text/plain"),
            ("USER-AGENT: other", "User-Agent", "other"),
            ("Host: hooks.example.com", "Host", "hooks.example.com"),
        ],
    )
    def test_a_header_of_the_command_line_wins(
        self, vendorsim: Vendorsim, chat: Path, given: str, name: str, sent: str
    ) -> None:
        with Receiver() as target:
            vendorsim("play", chat, "--vendor", "smartsupp", "--to", target.url(), "--header", given)
        assert target.requests[0].header(name) == sent

    def test_the_connection_is_kept(self, vendorsim: Vendorsim, chat: Path) -> None:
        with Receiver() as target:
            vendorsim("play", chat, "--vendor", "userlike", "--to", target.url())
        assert [request.connection for request in target.requests] == [0] * 5

    def test_a_connection_that_the_integration_closes_is_replaced(self, vendorsim: Vendorsim, chat: Path) -> None:
        def once(connection: Connection, request: Request) -> None:
            connection.send(status(200, Connection="close"))
            connection.close()

        with Receiver(once) as target:
            played = vendorsim("play", chat, "--vendor", "userlike", "--to", target.url())
        assert played.code == 0
        assert [request.connection for request in target.requests] == [0, 1, 2, 3, 4]

    def test_the_next_event_waits_for_the_answer(self, vendorsim: Vendorsim, chat: Path) -> None:
        seen_meanwhile = []

        def hold(connection: Connection, request: Request) -> None:
            seen_meanwhile.append(len(target.requests))
            connection.send(status(200))

        with Receiver(hold) as target:
            vendorsim("play", chat, "--vendor", "userlike", "--to", target.url())
        assert seen_meanwhile == [1, 2, 3, 4, 5]


class TestOutput:
    def test_for_people(self, vendorsim: Vendorsim, chat: Path) -> None:
        with Receiver(status(200), status(503)) as target:
            played = vendorsim("play", chat, "--vendor", "userlike", "--to", target.url(), *ONCE)
        title, run, _, *rows, problem, remedy, closing = played.out.splitlines()
        assert title == "Small chat, as userlike (documented)"
        assert run == f"seed 7, starts 2026-01-05T09:00:00.250Z, to {target.url()}"
        assert [row.split()[1] for row in rows] == EVENTS["userlike"]
        assert rows[0].split()[0] == "2026-01-05T09:00:00.250Z"
        assert rows[0].split()[2] == "200"
        assert "rejected: answered 503, the vendor expects 200" in rows[1]
        assert problem == "4 of 5 attempts were answered 503."
        assert remedy.startswith("It says that it is not ready:")
        assert closing == "failed: 1 delivered, 4 failed"
        assert played.err == ""

    def test_of_many_conversations_is_a_row_per_event(self, vendorsim: Vendorsim, chat: Path) -> None:
        with Receiver(status(500), status(200)) as target:
            played = vendorsim("play", chat, "--vendor", "userlike", "--to", target.url(), "--count", 30, *ONCE)
        rows = played.out.splitlines()[3:8]
        assert [row.split()[:2] for row in rows] == [[event, "30"] for event in EVENTS["userlike"]]
        assert "200 x 29, 500 x 1" in rows[0]
        assert "1 rejected" in rows[0]
        assert "29 delivered" in rows[0]
        assert "answered 500, the vendor expects 200" in played.out
        assert played.out.splitlines()[-1] == "failed: 149 delivered, 1 failed"

    def test_as_json_is_a_line_per_attempt_and_the_summary(self, vendorsim: Vendorsim, chat: Path) -> None:
        with Receiver(status(200), status(200), status(418), status(200)) as target:
            played = vendorsim("play", chat, "--vendor", "userlike", "--to", target.url(), "--json", *ONCE)
        assert played.code == 1
        assert played.err == ""
        lines = attempts(played)
        assert len({line["delivery"] for line in lines}) == 5
        generated = vendorsim("generate", chat, "--vendor", "userlike").lines[2]
        assert lines[2]["milliseconds"] > 0
        assert (
            lines[2].items()
            >= {
                "type": "attempt",
                "attempt": 1,
                "event_id": generated["id"],
                "event": "chat_session.message_sent",
                "conversation": generated["conversation"],
                "at": "2026-01-05T09:00:11.250Z",
                "target": target.url(),
                "status": 418,
                "verdict": "rejected",
                "reason": "answered 418, the vendor expects 200",
            }.items()
        )
        last = summary(played)
        assert (last["delivered"], last["failed"], last["not_sent"], last["verdict"]) == (4, 1, 0, "failed")
        assert last["conversations"] == {"asked": 1, "started": 1}
        assert (last["scenario"], last["vendor"], last["profile"]) == ("Small chat", "userlike", "documented")
        assert (last["seed"], last["start"], last["targets"]) == (7, "2026-01-05T09:00:00.250Z", [target.url()])
        assert [row["event"] for row in last["events"]] == EVENTS["userlike"]
        assert last["events"][2]["statuses"] == {"418": 1}
        assert last["events"][2]["verdicts"] == {"rejected": 1}


class TestTheTargetIsDown:
    def test_nothing_listens(self, vendorsim: Vendorsim, chat: Path) -> None:
        with Receiver() as target:
            url = target.url()
        played = vendorsim("play", chat, "--vendor", "userlike", "--to", url, "--json")
        assert played.code == 3
        assert [line["verdict"] for line in attempts(played)] == ["unreachable"] + ["not sent"] * 4
        last = summary(played)
        assert last["reason"] == f"{url}: connection refused"
        assert (last["delivered"], last["failed"], last["not_sent"]) == (0, 1, 4)

    def test_it_goes_down_half_way(self, vendorsim: Vendorsim, chat: Path) -> None:
        def die(connection: Connection, request: Request) -> None:
            target.stop_listening()
            connection.send(status(200, Connection="close"))
            connection.close()

        with Receiver(status(200), die) as target:
            played = vendorsim("play", chat, "--vendor", "userlike", "--to", target.url(), *ONCE)
        assert played.code == 3
        _, _, _, first, second, third, fourth, fifth, problem, *remedy, closing = played.out.splitlines()
        assert [row.split()[-1] for row in (first, second)] == ["delivered", "delivered"]
        assert third.endswith("unreachable: connection refused")
        assert "chat_session.end" in fourth
        assert "conversation.ended" in fifth
        assert all(row.rstrip().endswith("not sent") for row in (fourth, fifth))
        assert "reached nobody (connection refused)" in problem
        assert target.url() in "".join(remedy)
        assert closing == (f"unreachable ({target.url()}: connection refused): 2 delivered, 1 failed, 2 not sent")

    def test_conversations_that_never_began_are_told(self, vendorsim: Vendorsim, chat: Path) -> None:
        with Receiver() as target:
            url = target.url()
        arguments = ("play", chat, "--vendor", "userlike", "--to", url, "--count", 9, "--concurrency", 1)
        assert summary(vendorsim(*arguments, "--json"))["conversations"] == {"asked": 9, "started": 1}
        assert "8 conversations not started" in vendorsim(*arguments).out

    @pytest.mark.parametrize("host", ["no-such-host.invalid", "xn--nxasmq6b.invalid"])
    def test_the_name_resolves_to_nothing(self, vendorsim: Vendorsim, chat: Path, host: str) -> None:
        played = vendorsim("play", chat, "--vendor", "smartsupp", "--to", f"http://{host}/hook")
        assert played.code == 3
        assert f"the host name '{host}' can't be resolved" in played.out

    def test_it_speaks_no_tls(self, vendorsim: Vendorsim, chat: Path) -> None:
        with Receiver(greeting=status(400)) as target:
            url = target.url().replace("http://", "https://")
            played = vendorsim("play", chat, "--vendor", "smartsupp", "--to", url)
        assert played.code == 3
        assert "TLS failed" in played.out


class TestManyConversations:
    ARGUMENTS = ("--vendor", "userlike", "--count", 40, "--concurrency", 8)

    def test_each_keeps_its_order(self, vendorsim: Vendorsim, chat: Path) -> None:
        expected = defaultdict(list)
        for line in vendorsim("generate", chat, "--vendor", "userlike", "--count", 40).lines:
            expected[line["conversation"]].append(line["body"])
        with Receiver() as target:
            played = vendorsim("play", chat, "--to", target.url(), *self.ARGUMENTS, "--json")
        assert played.code == 0
        whose = {json.dumps(body): number for number, bodies in expected.items() for body in bodies}
        arrived = defaultdict(list)
        for request in target.requests:
            arrived[whose[json.dumps(request.json)]].append(request.json)
        assert arrived == expected

    def test_as_many_as_allowed_are_under_way(self, vendorsim: Vendorsim, chat: Path) -> None:
        def together(connection: Connection, request: Request) -> None:
            target.wait_for(8)
            connection.send(status(200))

        with Receiver(*[together] * 8, status(200)) as target:
            played = vendorsim("play", chat, "--to", target.url(), *self.ARGUMENTS)
        assert played.code == 0
        assert {request.connection for request in target.requests} == set(range(8))

    def test_json_lines_are_in_the_same_order_every_time(self, vendorsim: Vendorsim, chat: Path) -> None:
        runs = []
        for _ in range(3):
            with Receiver() as target:
                played = vendorsim("play", chat, "--to", target.url(), *self.ARGUMENTS, "--json")
            runs.append([(line["delivery"], line["event"], line["at"]) for line in attempts(played)])
        assert runs[0] == runs[1] == runs[2]
        generated = vendorsim("generate", chat, "--vendor", "userlike", "--count", 40).lines
        assert [(event, at) for _, event, at in runs[0]] == [(line["event"], line["at"]) for line in generated]


class NoSink:
    """Keeps nothing of a run."""

    def add(self, item: object) -> None:
        """Nothing."""

    async def room(self) -> None:
        """At once."""


def check_arrivals(request: RunRequest, arrived: dict[int, int]) -> None:
    """Plays at 60x on a clock of its own. `arrived` says how many events have arrived before the run goes on at a
    second of the scenario: a wait until then is over when they have, and there are no others by then."""
    seen = {}
    time = 0.0
    with Receiver() as target:

        async def sleep(seconds: float) -> None:
            nonlocal time
            until = time + seconds
            second = round(until * 60)
            await asyncio.to_thread(target.wait_for, arrived[second])
            seen[second] = len(target.requests)
            time = max(time, until)

        prepared = prepare(replace(request, to=Target(target.url()), speed=60.0), Config())
        clock = ScaledClock(prepared.run.starts, 60.0, seconds=lambda: time, sleep=sleep)
        assert run_to_end(prepared, NoSink(), clock=clock).exit_code == 0
    assert seen == arrived


class TestTime:
    def test_the_pauses_pass_at_the_chosen_speed(self, chat: Path) -> None:
        check_arrivals(RunRequest(str(chat), "userlike"), {6: 2, 11: 2, 30: 3})

    def test_conversations_begin_at_their_time(self, tmp_path: Path) -> None:
        path = written(tmp_path, OFFLINE)
        check_arrivals(RunRequest(str(path), "smartsupp", count=4, spacing=6_000), {6: 1, 12: 2, 18: 3})

    def test_times_in_bodies_do_not_depend_on_it(self, vendorsim: Vendorsim, chat: Path) -> None:
        bodies = []
        for speed in ("instant", "60x"):
            with Receiver() as target:
                vendorsim("play", chat, "--vendor", "userlike", "--to", target.url(), "--speed", speed)
            bodies.append(target.bodies)
        assert bodies[0] == bodies[1]


class TestExpectations:
    @pytest.mark.parametrize(
        ("expect", "answered", "reason"),
        [
            ("{status: 202}", 202, None),
            ("{status: 202}", 200, "answered 200, the step expects 202"),
            ("{status: [201, 202]}", 204, "answered 204, the step expects 201 or 202"),
            ("{status: 422}", 422, None),
            ("{within: 10s}", 200, None),
            ("{within: 10s}", 500, "answered 500, the vendor expects 200-299"),
        ],
    )
    def test_a_step_is_judged_by_its_own(
        self, vendorsim: Vendorsim, tmp_path: Path, expect: str, answered: int, reason: str | None
    ) -> None:
        path = written(tmp_path, f"{OFFLINE}    expect: {expect}\n")
        with Receiver(status(answered)) as target:
            played = vendorsim("play", path, "--vendor", "smartsupp", "--to", target.url(), "--json", *ONCE)
        assert attempts(played)[0]["reason"] == reason
        assert played.code == (1 if reason else 0)

    def test_too_slow(self, vendorsim: Vendorsim, tmp_path: Path) -> None:
        path = written(tmp_path, f"{OFFLINE}    expect: {{within: 20ms}}\n")

        def slowly(connection: Connection, request: Request) -> None:
            time.sleep(0.05)  # what is being tested, not a way to wait for something
            connection.send(status(200))

        with Receiver(slowly) as target:
            played = vendorsim("play", path, "--vendor", "smartsupp", "--to", target.url())
        assert played.code == 1
        assert "the step expects it within 20 ms" in played.out


class TestRefusals:
    def test_a_vendor_that_the_scenario_leaves_out(self, vendorsim: Vendorsim, chat: Path) -> None:
        refused = vendorsim("play", chat, "--vendor", "chatvisor", "--to", "http://127.0.0.1:1/")
        assert refused.code == 2
        assert "'chatvisor' is not among the scenario's vendors (smartsupp, userlike, messagehub)" in refused.err

    @pytest.mark.parametrize(
        ("pinned", "named"),
        [("conversation: {id: 5}", "conversation"), ("cast: {visitor: {id: 9}}", "visitor")],
    )
    def test_a_pinned_id_in_many_conversations(
        self, vendorsim: Vendorsim, tmp_path: Path, pinned: str, named: str
    ) -> None:
        path = written(tmp_path, f"scenario: Pinned\nvendors: [smartsupp]\n{pinned}\nsteps: [offline_message: Hello]\n")
        with Receiver() as target:
            arguments = ("play", path, "--vendor", "smartsupp", "--to", target.url(), "--count")
            assert vendorsim(*arguments, 1).code == 0
            refused = vendorsim(*arguments, 2)
        assert refused.code == 2
        assert named in refused.err
        assert len(target.requests) == 1


class TestInterruption:
    """A real process and a real signal."""

    @pytest.fixture
    def start(self, chat: Path, tmp_path: Path) -> Any:
        def start(*arguments: object) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "vendorsim", "play", chat, "--vendor", "userlike", *arguments]
            return subprocess.Popen(
                [str(part) for part in command],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )

        return start

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_in_a_pause(self, start: Any, number: int) -> None:
        with Receiver() as target, start("--to", target.url(), "--speed", "1x") as process:
            target.wait_for(2)
            process.send_signal(number)
            out, err = process.communicate()
        assert process.returncode == 130
        assert err == ""
        *_, third, fourth, fifth, closing = out.splitlines()
        for event, row in zip(EVENTS["userlike"][2:], (third, fourth, fifth), strict=True):
            assert event in row
            assert row.rstrip().endswith("not sent")
        assert closing == "interrupted: 2 delivered, 3 not sent"

    def test_while_an_answer_is_awaited(self, start: Any) -> None:
        with Receiver(status(200), never) as target, start("--to", target.url(), "--json", *ONCE) as process:
            target.wait_for(2)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()
        assert process.returncode == 130
        assert err == ""
        *lines, last = map(json.loads, out.splitlines())
        assert [line["verdict"] for line in lines] == ["delivered", "broken"] + ["not sent"] * 3
        assert (last["verdict"], last["exit_code"], last["not_sent"]) == ("interrupted", 130, 3)
