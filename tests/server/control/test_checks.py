"""Checks by the control API: start, follow, cancel, repeat, compare, reports, and opened reports."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from doubling_desk import doubling_desk
from generator import report_schemas
from receiver import Connection, Receiver, Request, status
from variants.model import running
from vendorsim.checks.waiting import Waiting
from vendorsim.cli.served_checks import ServedChecks
from vendorsim.probes.reading import read_probe
from vendorsim.reporting.checks import FORMATS
from vendorsim.runs.config import Config
from vendorsim.server.control import requests, started_checks
from vendorsim.vendorkit.target import Target

from control.client import SECRET, Client, serving

QUICK = {"vendor": "userlike", "only": ["accepts.typical", "rejects.broken_json"]}
# Answers come at once, and what is stored is stored before the answer.
HASTY = Waiting(state=0.1, quiet=1.0, rounds=0.0, settle=1.0, retry=2.0)


@pytest.fixture
def careful() -> Iterator[Receiver]:
    """An integration that refuses what is no JSON."""

    def answer(connection: Connection, request: Request) -> None:
        try:
            json.loads(request.body)
        except ValueError:
            connection.send(status(400))
        else:
            connection.send(status(200))

    with Receiver(answer) as receiver:
        yield receiver


def ended(api: Client, number: int) -> dict[str, Any]:
    """The run of checks as soon as it is over."""
    found: dict[str, Any] = api.until(lambda: api.get(f"/checks/{number}"), lambda one: one["status"] != "running")
    return found


def checked(api: Client, **wanted: Any) -> dict[str, Any]:
    """A run of checks from start to end."""
    return ended(api, api.done("POST", "/checks", QUICK | wanted)["id"])


def report(api: Client, check: dict[str, Any], **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/checks/{check['id']}/report", **query)
    return found


class TestChecking:
    def test_it_is_followed_to_its_verdict(self, api: Client, careful: Receiver) -> None:
        answer = api("POST", "/checks", QUICK | {"to": careful.url()})
        assert answer.status == 201
        path = answer.headers["Location"].partition(f":{api.port}")[2]
        started = api.request("GET", path).json
        assert (started["vendor"], started["target"], started["total"]) == ("userlike", careful.url(), 2)
        check = ended(api, started["id"])
        assert (check["status"], check["verdict"], check["current"]) == ("finished", "passed", None)
        assert check["checks"] == {"passed": 2, "failed": 0, "not_judged": 0, "skipped": 0}
        judged = api.get(f"/checks/{check['id']}/judged")["items"]
        assert [(one["id"], one["check"], one["status"]) for one in judged] == [
            (1, "accepts.typical", "passed"),
            (2, "rejects.broken_json", "passed"),
        ]
        assert api.get(f"/checks/{check['id']}/judged", after=1)["items"] == judged[1:]
        assert api.get("/checks")["items"] == [check]

    def test_the_report_has_the_bytes_of_the_command_line(
        self, api: Client, careful: Receiver, vendorsim: Vendorsim
    ) -> None:
        check = checked(api, to=careful.url(), seed=3)
        options = ("--vendor", "userlike", "--to", careful.url(), "--seed", 3, "--only", ",".join(QUICK["only"]))
        assert api("GET", f"/checks/{check['id']}/report").text == vendorsim("check", *options, "--json").out

    @pytest.mark.parametrize("format", [kind.name for kind in FORMATS])
    def test_every_format_of_a_report(self, api: Client, target: Receiver, format: str) -> None:
        check = checked(api, to=target.url())
        answer = api("GET", f"/checks/{check['id']}/report?format={format}")
        kind = next(kind for kind in FORMATS if kind.name == format)
        assert answer.status == 200
        assert f'filename="check-{check["id"]}{kind.ending}"' in answer.headers["Content-Disposition"]
        assert "rejects.broken_json" in answer.text

    def test_a_case_is_run_again_by_itself(self, api: Client, target: Receiver) -> None:
        check = checked(api, to=target.url(), skip=["accepts"], only=["rejects.broken_json"])
        (finding,) = report(api, check)["findings"]
        command = finding["reproduce"]
        assert command.startswith(f"vendorsim check --vendor userlike --seed 0 --to {target.url()} --only ")
        only = command.rpartition(" ")[2]
        before = len(target.requests)
        again = ended(api, api.done("POST", f"/checks/{check['id']}/again", {"only": [only]})["id"])
        assert (again["only"], again["findings"]) == ([only], {"errors": 0, "warnings": 1})
        # The lead of the case, and the case.
        assert len(target.requests) - before <= 3

    def test_it_asks_nothing_of_a_target_that_is_not_allowed(self, idle_checks: Client) -> None:
        problem = idle_checks.refused("POST", "/checks", QUICK | {"to": "http://192.0.2.7/hook"})
        assert (problem["status"], problem["errors"][0]["pointer"]) == (403, "/to")

    def test_nobody_listening_is_told_of(self, api: Client) -> None:
        with Receiver() as gone:
            url = gone.url()
        check = checked(api, to=url)
        assert (check["status"], check["verdict"]) == ("finished", "failed")
        assert "refused" in report(api, check)["reason"].lower()

    def test_it_is_cancelled(self, api: Client) -> None:
        held = threading.Event()

        def answer(connection: Connection, request: Request) -> None:
            held.wait(20)
            connection.send(status(200))

        with Receiver(answer) as slow:
            check = api.done("POST", "/checks", QUICK | {"to": slow.url()})
            slow.wait_for(1)
            stopped = api.done("POST", f"/checks/{check['id']}/stop")
            held.set()
        assert (stopped["status"], stopped["current"]) == ("stopped", None)
        told = report(api, check)
        assert told["interrupted"]
        assert {one["reason"] for one in told["checks"]} == {"interrupted"}
        # Cancelled once more it stays as it is.
        assert api.done("POST", f"/checks/{check['id']}/stop") == stopped

    def test_too_many_at_once_are_refused(self, api: Client) -> None:
        held = threading.Event()

        def answer(connection: Connection, request: Request) -> None:
            held.wait(20)
            connection.send(status(200))

        with Receiver(answer) as slow:
            wanted = QUICK | {"to": slow.url()}
            api.done("POST", "/checks", wanted | {"api": True})
            problem = api.refused("POST", "/checks", wanted | {"api": True})
            assert (problem["status"], problem["errors"][0]["pointer"]) == (429, "/api")
            for _ in range(started_checks.MOST_CHECKING - 1):
                api.done("POST", "/checks", wanted)
            assert api.refused("POST", "/checks", wanted)["status"] == 429
            assert api.refused("GET", f"/checks/{api.get('/checks')['items'][0]['id']}/report")["status"] == 409
            api.done("POST", "/reset")
            held.set()
        assert api.get("/checks")["items"] == []

    def test_the_oldest_are_forgotten(self, api: Client, careful: Receiver) -> None:
        first = checked(api, to=careful.url())
        kept = {"name": "a.json", "report": report(api, first)}
        for _ in range(started_checks.MOST_KEPT):
            api.done("POST", "/checks/opened", kept)
        assert api("GET", f"/checks/{first['id']}").status == 404
        assert len(api.get("/checks", limit=100)["items"]) == started_checks.MOST_KEPT

    def test_a_namespace_has_its_own(self, api: Client, careful: Receiver) -> None:
        team = replace(api, prefix="/_ns/checking")
        check = checked(team, to=careful.url())
        assert api.get("/checks")["items"] == []
        assert [one["id"] for one in team.get("/checks")["items"]] == [check["id"]]
        team.done("POST", "/reset")


class TestConfiguredTargets:
    """A request names no secret and no program: those of vendorsim.yaml are used for its targets."""

    def test_the_secret_and_the_probe_are_those_of_the_file(
        self, journal: Path, careful: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOOK_SECRET", SECRET)
        probe = (read_probe("command: true {conversation_id}"),)
        first, second = (
            Target("http://127.0.0.1:9/other"),
            Target(careful.url(), secret_env=("HOOK_SECRET",), probe=probe),
        )
        config = Config(targets={"smartsupp": (first, second)})
        with serving(journal, checker=ServedChecks, config=config) as api:
            wanted = {
                "vendor": "smartsupp",
                "profile": "webhooks",
                "only": ["accepts.typical", "authenticates.missing"],
            }
            check = checked(api, **wanted, to=careful.url())
            assert check["target"] == careful.url()
            assert careful.requests[0].header("X-Smartsupp-Hmac")
            findings = report(api, check)["findings"]
            (missing,) = [one for one in findings if one["check"] == "authenticates.missing"]
            assert "--secret-env HOOK_SECRET --probe 'command: true" in missing["reproduce"]
            everything = api("GET", f"/checks/{check['id']}/report").text + json.dumps(api.get("/checks"))
            assert SECRET not in everything
            problem = api.refused("POST", "/checks", {**wanted, "to": careful.url("/unknown")})
            assert problem["errors"][0]["pointer"] == "/to"
            assert "secret_env" in problem["detail"]

    def test_a_probe_that_can_not_be_used_is_told_of(self, journal: Path, careful: Receiver) -> None:
        probe = (read_probe("command: no-such-program {conversation_id}"),)
        config = Config(targets={"userlike": (Target(careful.url(), probe=probe),)})
        with serving(journal, checker=ServedChecks, config=config) as api:
            check = checked(api)
            assert (check["status"], "no-such-program" in check["reason"]) == ("failed", True)
            assert api.refused("GET", f"/checks/{check['id']}/report")["status"] == 409


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no vendor": ({"vendor": None}, "", '"vendor" is a required property'),
    "a vendor that nobody knows": ({"vendor": "userlik"}, "/vendor", "did you mean 'userlike'"),
    "a profile that nobody knows": ({"profile": "old"}, "/profile", "known: documented"),
    "the folder of an overlay": ({"profile": "./seen"}, "/profile", "is a folder"),
    "no target": ({"to": None}, "/to", "no target"),
    "no URL": ({"to": "localhost"}, "/to", "localhost"),
    "a check that nobody knows": ({"only": ["acepts"]}, "/only", "did you mean 'accepts'"),
    "a family that nobody knows": ({"require": ["acepts"]}, "/require", "unknown family"),
    "a program as a probe": ({"probe": "command: id {conversation_id}"}, "/probe", "a request can name a URL only"),
    "a function as a probe": ({"probe": "os:system"}, "/probe", "a request can name a URL only"),
    "a query as a probe": ({"probe": "sql: sqlite:///a.db select 1"}, "/probe", "a request can name a URL only"),
    "a probe of another host": ({"probe": "http://192.0.2.7/{conversation_id}"}, "/probe", "only to this machine"),
    "a host that is filled in": ({"probe": "http://{identifier}.localhost/"}, "/probe", "placeholder"),
    "an unknown placeholder": ({"probe": "http://127.0.0.1/{id}"}, "/probe", "unknown placeholder"),
    "no JSON pointer": ({"probe_ignore": ["at"]}, "/probe_ignore", "is not a JSON pointer"),
    "no time": ({"budget": "0s"}, "/budget", "no time"),
    "no duration": ({"settle": "5"}, "/settle", "not a duration"),
    "no rate": ({"pace": "5"}, "/pace", "no rate"),
    "no check to compare with": ({"against": 4711}, "/against", "there is no check 4711"),
    "no policy": ({"policy": {"retires": "none"}}, "/policy", "retires"),
    "a header of two lines": ({"headers": {"X-A": "a\r\nX-B: b"}}, "/headers", "line break"),
    "an inbox where there is none": ({"vendor": "smartsupp", "inbox": 4}, "/inbox", "sends no id of an inbox"),
    "a locale that nobody knows": ({"locale": "xx_XX"}, "/locale", "unknown locale"),
    "a key that nobody knows": ({"onyl": []}, "", "onyl"),
}


@pytest.fixture(scope="module")
def idle_checks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One server with checks for all tests that change nothing of it."""
    with serving(tmp_path_factory.mktemp("idle checks") / "server.sqlite", checker=ServedChecks) as client:
        yield client


class TestRefusing:
    @pytest.mark.parametrize(("changes", "pointer", "reason"), REFUSED.values(), ids=list(REFUSED))
    def test_says_where_and_why(self, idle_checks: Client, changes: dict[str, Any], pointer: str, reason: str) -> None:
        wanted = QUICK | {"to": "http://127.0.0.1:9/hook"} | changes
        problem = idle_checks.refused(
            "POST", "/checks", {key: value for key, value in wanted.items() if value is not None}
        )
        assert problem["status"] in (403, 422)
        assert reason in problem["detail"]
        assert problem["errors"][0]["pointer"] == pointer
        assert idle_checks.get("/checks")["items"] == []

    def test_a_server_without_checks_says_so(self, idle: Client) -> None:
        for method, path in (("GET", "/checks/known"), ("POST", "/checks")):
            problem = idle.refused(method, path, None if method == "GET" else QUICK | {"to": "http://127.0.0.1:9/"})
            assert (problem["status"], "runs no checks" in problem["detail"]) == (501, True)


class TestComparing:
    @pytest.mark.slow
    def test_what_is_mended_is_fixed(self, journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        checker = partial(ServedChecks, waiting=HASTY)
        with serving(journal, checker=checker) as api, doubling_desk(tmp_path, monkeypatch) as desk:
            before = ended(api, api.done("POST", "/checks", desk.request)["id"])
            assert before["findings"]["errors"] == 1
            (finding,) = report(api, before)["findings"]
            assert finding["differences"]
            case = finding["reproduce"].rpartition("--only ")[2].strip("'")
            still = ended(api, api.done("POST", f"/checks/{before['id']}/again", {"only": [case]})["id"])
            assert still["findings"]["errors"] == 1
            desk.mended = True
            passes = ended(api, api.done("POST", f"/checks/{before['id']}/again", {"only": [case]})["id"])
            assert passes["verdict"] == "passed"
            after = ended(api, api.done("POST", f"/checks/{before['id']}/again", {"against": before["id"]})["id"])
            against = report(api, after)["against"]
            assert (against["file"], against["new"], against["still"]) == (f"check {before['id']}", [], [])
            assert [one["key"] for one in against["fixed"]] == [finding["key"]]
            # Compared later, and with the file of it, it is the same.
            kept = api.done("POST", "/checks/opened", {"name": "old.json", "report": report(api, before)})
            again = report(api, after, against=kept["id"])["against"]
            assert again == against | {"file": "old.json"}
            assert b"old.json" in api("GET", f"/checks/{after['id']}/report?format=junit&against={kept['id']}").body

    def test_with_a_report_of_another_vendor_it_is_refused(self, api: Client, careful: Receiver) -> None:
        check = checked(api, to=careful.url())
        other = report(api, check) | {"vendor": "chatvisor"}
        opened = api.done("POST", "/checks/opened", {"name": "other.json", "report": other})
        problem = api.refused("GET", f"/checks/{check['id']}/report?against={opened['id']}")
        assert (problem["status"], "is about chatvisor" in problem["detail"]) == (422, True)
        wanted = QUICK | {"to": careful.url(), "against": opened["id"]}
        assert api.refused("POST", "/checks", wanted)["errors"][0]["pointer"] == "/against"


class TestOpening:
    @pytest.mark.slow
    def test_a_report_of_the_command_line_is_shown_as_it_is(
        self, api: Client, target: Receiver, vendorsim: Vendorsim
    ) -> None:
        printed = vendorsim("check", "--vendor", "userlike", "--to", target.url(), "--only", "rejects", "--json").out
        opened = api.done("POST", "/checks/opened", {"name": "main.json", "report": json.loads(printed)})
        assert (opened["status"], opened["name"], opened["verdict"]) == ("opened", "main.json", "passed")
        assert opened["findings"]["warnings"] > 0
        assert api("GET", f"/checks/{opened['id']}/report").text == printed
        for path in ("report?format=junit", "report?against=1"):
            assert api.refused("GET", f"/checks/{opened['id']}/{path}")["status"] in (409, 422)
        assert api.refused("POST", f"/checks/{opened['id']}/again", {})["status"] == 409

    def test_what_is_no_report_is_refused_with_its_places(self, api: Client, careful: Receiver) -> None:
        good = report(api, checked(api, to=careful.url()))
        bad = good | {"verdict": "fine", "checks": [{"id": 1}, *good["checks"]]}
        problem = api.refused("POST", "/checks/opened", {"name": "a.json", "report": bad})
        assert {"/report/verdict", "/report/checks/0", "/report/checks/0/id"} == {
            error["pointer"] for error in problem["errors"]
        }
        other = api.refused("POST", "/checks/opened", {"name": "a.json", "report": {"log": {"entries": []}}})
        assert other["status"] == 422

    def test_the_control_api_has_the_published_schema(self) -> None:
        published = report_schemas.check_report()
        ours = requests.openapi()["components"]["schemas"]["CheckReport"]
        assert {key: ours[key] for key in published if key in ours and key != "description"} == {
            key: value for key, value in published.items() if key not in ("$schema", "$id", "title", "description")
        }

    def test_the_control_api_names_every_format(self) -> None:
        parameters = requests.openapi()["paths"]["/checks/{number}/report"]["get"]["parameters"]
        formats = next(one["schema"]["enum"] for one in parameters if one["name"] == "format")
        assert sorted(formats) == sorted(kind.name for kind in FORMATS)


class TestTheVendorsApi:
    """With `api` the vendors' API answers on the server's own port for the check, and for nobody else meanwhile."""

    @pytest.mark.slow
    def test_the_calls_of_the_integration_are_judged(self, journal: Path, tmp_path: Path) -> None:
        checker = partial(ServedChecks, waiting=HASTY)
        with serving(journal, checker=checker) as api:
            with running(None, tmp_path, api=f"http://127.0.0.1:{api.port}") as desk:
                wanted = {"vendor": "userlike", "to": f"{desk}/hooks/userlike", "api": True}
                only = ["calls_api.called", "calls_api.once", "calls_api.credentials"]
                check = ended(api, api.done("POST", "/checks", wanted | {"only": only})["id"])
            told = report(api, check)
            assert {one["id"]: one["status"] for one in told["checks"]} == dict.fromkeys(only, "passed")
            assert told["coverage"]["calls"]["ccai.end_user"]["500 (forced)"] > 0
            # The journal has the calls, and the server's own API is back.
            assert api.get("/calls")["items"]
            assert api.end_user("4711").status == 202

    def test_without_it_that_is_not_judged(self, api: Client, careful: Receiver) -> None:
        check = checked(api, to=careful.url(), only=["calls_api.called"])
        (one,) = report(api, check)["checks"]
        assert (one["status"], "--serve" in one["reason"]) == ("not_judged", True)


def test_a_server_that_closes_ends_its_checks(journal: Path) -> None:
    held = threading.Event()

    def answer(connection: Connection, request: Request) -> None:
        held.wait(20)
        connection.send(status(200))

    with Receiver(answer) as slow, warnings.catch_warnings():
        warnings.simplefilter("error")
        with serving(journal, checker=ServedChecks) as api:
            api.done("POST", "/checks", QUICK | {"to": slow.url(), "api": True})
            slow.wait_for(1)
        held.set()
        gc.collect()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("vendorsim-check")]


@pytest.mark.slow
def test_a_server_starts_without_the_checks() -> None:
    """They take longer to import than all else, so that waits for the first check."""
    code = "import sys, vendorsim.cli.serve, vendorsim.server.hub; print('vendorsim.checks.run' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
