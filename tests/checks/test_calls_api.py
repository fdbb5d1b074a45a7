"""`calls_api`: how an integration calls `end_user`, and what it makes of the answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from command_line import Completed, Vendorsim
from helpdesk import EndUser, Store, create_app
from msgspec.structs import replace
from ports import free_port
from receiver import Connection, Receiver, status
from receiver import Request as Received
from thorough import few_of
from vendorsim.checks.waiting import Waiting
from vendorsim.testing.app_server import app_server

IDS = {
    f"calls_api.{name}"
    for name in (
        "called",
        "once",
        "valid_body",
        "credentials",
        "identifier",
        "no_retry_of_400",
        "duplicate",
        "retries_5xx",
        "hammering",
        "retry_after",
        "outages",
        "goes_on",
    )
}
FORCED = {"unauthorized", "not-found", "rate-limited", "error"}
TOKEN = "Bearer made-up"
GOOD = {"identifier": "crm-4711", "email": "dana@example.com"}


@pytest.fixture
def port() -> int:
    """A free port for --serve."""
    return free_port()


# The integrations of these tests do at once what they do at all.
HASTY = Waiting(quiet=0.6, retry=2.0)


# What a call gives that the platform has failed to answer: an error, or nothing at all.
FAILED = (0, 500, 503)


class Caller:
    """An integration for Chatvisor that calls as told, in a thread per session, when a customer's number comes."""

    def __init__(self, port: int, behave: Callable[[Caller, str], object]) -> None:
        self._base = f"http://127.0.0.1:{port}/apps/api/v1"
        self._behave = behave
        self._opener = build_opener(ProxyHandler({}))
        self.threads: list[threading.Thread] = []

    def call(self, session: str, body: Any = GOOD, **headers: str) -> int:
        """One call; gives the status of its answer."""
        sent = {"Content-Type": "application/json", "Authorization": TOKEN, **headers}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(f"{self._base}/chats/{session}/end_user", data, {k: v for k, v in sent.items() if v})
        try:
            with self._opener.open(request, timeout=10) as answer:
                answer.read()
                return int(answer.status)
        except HTTPError as error:
            error.close()
            return error.code
        except (OSError, HTTPException):  # no answer, or half of one
            return 0

    def answer(self, connection: Connection, request: Received) -> None:
        connection.send(status(200))
        body = request.json
        if "crm-4711" in body.get("text", ""):
            thread = threading.Thread(target=self._behave, args=(self, body["customerId"]))
            self.threads.append(thread)
            thread.start()


class Hasty(Caller):
    """An integration that calls before it answers the first event of a session, whatever that says."""

    def __init__(self, port: int) -> None:
        super().__init__(port, Caller.call)
        self._known: set[str] = set()

    def answer(self, connection: Connection, request: Received) -> None:
        session = request.json.get("customerId") or request.json["id"]
        if session not in self._known:
            self._known.add(session)
            self.call(session)
        connection.send(status(200))


@contextmanager
def integration(port: int, behave: Callable[[Caller, str], object]) -> Iterator[str]:
    caller = Caller(port, behave)
    with Receiver(caller.answer) as target:
        yield target.url()
    for thread in caller.threads:
        thread.join()


def retrying(*pauses: float, on: tuple[int, ...]) -> Callable[[Caller, str], None]:
    """Calls, and again after each pause while it is told so."""

    def behave(caller: Caller, session: str) -> None:
        for pause in (*pauses, 0.0):
            if caller.call(session) not in on:
                return
            time.sleep(pause)

    return behave


def twice_at_once(caller: Caller, session: str) -> None:
    other = threading.Thread(target=caller.call, args=(session,))
    other.start()
    caller.call(session)
    other.join()


def twice(caller: Caller, session: str) -> None:
    caller.call(session)
    caller.call(session)


def twice_after_an_error(caller: Caller, session: str) -> None:
    """The one who called and a repairing job both try again."""
    if caller.call(session) == 500:
        time.sleep(0.3)
        twice(caller, session)


def run(
    vendorsim: Vendorsim,
    port: int,
    behave: Callable[[Caller, str], object],
    only: str = "calls_api",
    waiting: Waiting = HASTY,
) -> Completed:
    with integration(port, behave) as url:
        arguments = ("--vendor", "chatvisor", "--to", url, "--serve", port, "--only", only, "--json")
        return vendorsim("check", *arguments, settings=waiting)


def found(checked: Completed) -> set[tuple[str, str]]:
    """The checks that found something, and how bad it is."""
    assert checked.out, checked.err
    return {(finding["check"].partition(".")[2], finding["severity"]) for finding in checked.json["findings"]}


def statuses(checked: Completed) -> dict[str, str]:
    return {check["id"]: check["status"] for check in checked.json["checks"]}


@pytest.mark.slow
@pytest.mark.parametrize("vendor", few_of(["userlike", "messagehub", "chatvisor"], 1))
def test_the_helpdesk_calls_as_it_should(vendorsim: Vendorsim, tmp_path: Path, port: int, vendor: str) -> None:
    store = Store(tmp_path / "tickets.sqlite")
    end_user = EndUser(f"http://127.0.0.1:{port}", "made-up", store, pause=0.2)
    with app_server(create_app(store, end_user)) as desk:
        url = f"{desk.url}/hooks/{vendor}"
        arguments = ("--vendor", vendor, "--to", url, "--serve", port, "--only", "calls_api", "--json")
        checked = vendorsim("check", *arguments, settings=HASTY)
    end_user.close()
    store.close()
    assert found(checked) == set()
    assert statuses(checked) == dict.fromkeys(IDS, "passed")
    assert checked.code == 0
    given = checked.json["coverage"]["answers"]["exercised"]
    assert given.keys() == {"accepted", "ended", "unsupported-crm", "duplicate"} | FORCED


BUGS: dict[str, tuple[Callable[[Caller, str], object], str, set[tuple[str, str]]]] = {
    "calls twice, one after the other": (twice, "once", {("once", "error")}),
    "calls twice after an error": (twice_after_an_error, "once", {("once", "error")}),
    "calls twice at the same time": (twice_at_once, "hammering", {("hammering", "error")}),
    "another identifier": (
        lambda caller, session: caller.call(session, GOOD | {"identifier": "4711"}),
        "identifier",
        {("identifier", "error")},
    ),
    "no identifier": (lambda caller, session: caller.call(session, {}), "valid_body", {("valid_body", "error")}),
    "no text": (
        lambda caller, session: caller.call(session, GOOD | {"phone": 5550142}),
        "valid_body",
        {("valid_body", "error")},
    ),
    "no JSON": (
        lambda caller, session: caller.call(session, b"identifier=crm-4711"),
        "valid_body",
        {("valid_body", "error")},
    ),
    "not declared as JSON": (
        lambda caller, session: caller.call(session, **{"Content-Type": "text/plain"}),
        "valid_body",
        {("valid_body", "error")},
    ),
    "no credentials": (
        lambda caller, session: caller.call(session, Authorization=""),
        "credentials",
        {("credentials", "error")},
    ),
    "credentials without their kind": (
        lambda caller, session: caller.call(session, Authorization="made-up"),
        "credentials",
        {("credentials", "error")},
    ),
    "tries a 400 again": (retrying(0.3, on=(400, 500)), "no_retry_of_400", {("no_retry_of_400", "error")}),
    "tries a duplicate again": (retrying(0.3, on=(400,)), "duplicate", {("duplicate", "error")}),
    "waits the duplicate out": (retrying(1.8, on=(400,)), "duplicate", set()),
    "never tries again": (retrying(on=FAILED), "retries_5xx", {("retries_5xx", "error")}),
    "even pauses": (retrying(*[0.2] * 9, on=FAILED), "retries_5xx", {("retries_5xx", "error")}),
    "growing pauses": (retrying(0.2, 0.5, 1.0, on=FAILED), "retries_5xx", set()),
    "the first one at once": (retrying(0, 0.3, 0.6, 1.2, on=FAILED), "retries_5xx", {("retries_5xx", "warning")}),
    "no pauses": (retrying(*[0] * 9, on=FAILED), "hammering", {("hammering", "error")}),
    "tries a 404 again": (retrying(0.3, 0.3, on=(404,)), "no_retry_of_400", {("no_retry_of_400", "error")}),
    "tries a 404 again once": (retrying(0.3, on=(404,)), "no_retry_of_400", {("no_retry_of_400", "warning")}),
    "does not wait after 429": (retrying(0.4, 0.8, on=(429,)), "retry_after", {("retry_after", "error")}),
    "waits after 429": (retrying(2.2, on=(429,)), "retry_after", set()),
    "takes 429 as final": (retrying(on=()), "retry_after", {("retry_after", "error")}),
    "takes silence as final": (retrying(0.4, 0.8, 1.6, on=(500, 503)), "outages", {("outages", "error")}),
    "gives up in an outage": (retrying(0.2, 0.4, on=FAILED), "outages", {("outages", "error")}),
    "outlasts an outage": (retrying(0.3, 0.6, 1.2, on=FAILED), "outages", set()),
}


@pytest.mark.slow
@pytest.mark.parametrize(("behave", "only", "findings"), few_of(BUGS.values(), 3, BUGS))
def test_bugs(
    vendorsim: Vendorsim,
    port: int,
    behave: Callable[[Caller, str], object],
    only: str,
    findings: set[tuple[str, str]],
) -> None:
    checked = run(vendorsim, port, behave, f"calls_api.{only}")
    assert found(checked) == findings
    assert checked.code == (1 if ("error" in {severity for _, severity in findings}) else 0)
    for finding in checked.json["findings"]:
        day = finding["reproduce"].partition(f"--serve {port} --only calls_api.{only}")[2]
        assert not day or day.startswith(":new_message:end_user/")
        assert finding["request"].startswith("POST /apps/api/v1/chats/")
        assert "made-up" not in json.dumps(finding)


def test_the_field_is_named(vendorsim: Vendorsim, port: int) -> None:
    checked = run(
        vendorsim, port, lambda caller, session: caller.call(session, GOOD | {"phone": 5550142}), "*.valid_body"
    )
    (finding,) = checked.json["findings"]
    assert (finding["check"], finding["pointer"]) == ("calls_api.valid_body", "/phone")
    assert '"phone": 5550142' in finding["request"]
    assert "phone is not a string" in finding["answer"]


@pytest.mark.parametrize(
    ("behave", "told"),
    [
        (lambda caller, session: None, "no call"),
        (lambda caller, session: caller.call("4711"), "calls for chats/4711, which is no session of this check"),
    ],
    ids=["no call", "another session"],
)
def test_not_called(vendorsim: Vendorsim, port: int, behave: Callable[[Caller, str], object], told: str) -> None:
    checked = run(vendorsim, port, behave, waiting=replace(HASTY, first_call=1.0))
    (finding,) = checked.json["findings"]
    assert (finding["check"], finding["found"]) == ("calls_api.called", told)
    assert finding["expected"].startswith("POST /apps/api/v1/chats/")
    others = [check for check in checked.json["checks"] if check["id"] != "calls_api.called"]
    assert {check["reason"] for check in others} == {"it never called"}
    assert checked.code == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (twice, "it calls more than once anyway: see calls_api.once"),
        (
            lambda caller, session: caller.call(session, Authorization=""),
            "its calls were refused for their credentials",
        ),
    ],
    ids=["calls twice anyway", "no credentials"],
)
def test_what_it_makes_of_answers_cannot_be_told(
    vendorsim: Vendorsim, port: int, behave: Callable[[Caller, str], object], reason: str
) -> None:
    checked = run(vendorsim, port, behave, "calls_api.no_retry_of_400", replace(HASTY, first_call=1.0))
    (judged,) = checked.json["checks"]
    assert (judged["status"], judged["reason"]) == ("not_judged", reason)


def test_called_before_the_visitor_has_said_who_he_is(vendorsim: Vendorsim, port: int) -> None:
    with Receiver(Hasty(port).answer) as target:
        arguments = ("--vendor", "chatvisor", "--to", target.url(), "--serve", port, "--only", "calls_api.called")
        checked = vendorsim("check", *arguments, "--json", settings=HASTY)
    (finding,) = checked.json["findings"]
    assert finding["message"] == "end_user was called before the visitor had said who he is"
    assert finding["expected"] == "a call when the visitor has named his identifier"
    assert checked.code == 1


def test_without_serve(vendorsim: Vendorsim) -> None:
    with Receiver() as target:
        checked = vendorsim("check", "--vendor", "userlike", "--to", target.url(), "--only", "calls_api", "--json")
    assert {check["reason"] for check in checked.json["checks"]} == {
        "give --serve PORT, and let the integration call it"
    }
    assert set(statuses(checked)) == IDS
    assert target.requests == []


def test_a_vendor_whose_stories_make_nobody_call(vendorsim: Vendorsim, port: int) -> None:
    with Receiver() as target:
        arguments = ("--vendor", "smartsupp", "--to", target.url(), "--serve", port, "--only", "calls_api", "--json")
        checked = vendorsim("check", *arguments)
    assert {check["reason"] for check in checked.json["checks"]} == {
        "no scenario of smartsupp makes an integration call the API"
    }
