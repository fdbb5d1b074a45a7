"""`replies`, `leaks` and `calls_api`: what an integration does by the vendor's API when a visitor writes. The bugs that
each check names are in `tests/variants/replies.py`."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from command_line import Completed, Vendorsim
from ports import free_port
from receiver import Connection, Receiver, status
from receiver import Request as Received
from vendorsim.checks.waiting import Waiting

HASTY = Waiting(settle=0.5, quiet=0.2, retry=0.8, first_call=0.3)


@pytest.fixture
def port() -> int:
    """A free port for --serve."""
    return free_port()


class Api:
    """The vendor's API as an integration of these tests calls it."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.trust_env = False

    def post(self, path: str, body: dict[str, Any]) -> int:
        """One call; gives the status, 0 without an answer."""
        headers = {"api_access_token": "made-up", "Authorization": "Bearer made-up"}
        try:
            return self._session.post(self._base + path, json=body, headers=headers, timeout=10).status_code
        except requests.RequestException:
            return 0


@contextmanager
def integration(port: int, act: Callable[[Api, dict[str, Any]], object]) -> Iterator[str]:
    """An integration that answers 200 at once and acts on each body in a thread."""
    threads: list[threading.Thread] = []

    def answer(connection: Connection, request: Received) -> None:
        threads.append(threading.Thread(target=act, args=(Api(port), request.json)))
        threads[-1].start()
        connection.send(status(200))

    with Receiver(answer) as target:
        yield target.url()
    for thread in threads:
        thread.join()


def check(
    vendorsim: Vendorsim, vendor: str, port: int, act: Callable[[Api, dict[str, Any]], object], only: str
) -> Completed:
    with integration(port, act) as url:
        arguments = ("--vendor", vendor, "--to", url, "--serve", port, "--only", only, "--json")
        return vendorsim("check", *arguments, settings=HASTY)


def nothing(api: Api, body: dict[str, Any]) -> None:
    """Stores what it gets."""


def tags(api: Api, body: dict[str, Any]) -> int:
    """Tags the customer of each message, and takes any answer as final."""
    if "text" not in body:
        return 200
    return api.post(f"/rest/v1/customer/{body['customerId']}/tag", {"tags": ["wrote"]})


def tags_until_accepted(api: Api, body: dict[str, Any]) -> None:
    """Tries again until it is done; not for good, since the API ends with the check."""
    pause = 0.3
    for _ in range(8):
        answer = tags(api, body)
        if answer not in (0, 429, 500, 503):
            return
        time.sleep(2.1 if answer == 429 else pause)
        pause *= 1.5


def replies_elsewhere(api: Api, body: dict[str, Any]) -> None:
    """Replies in a conversation of its configuration."""
    if body.get("event") == "message_created":
        api.post("/api/v1/accounts/1/conversations/4711/messages", {"content": "Hello!"})


@pytest.mark.parametrize(
    ("vendor", "act", "only", "reason"),
    [
        ("smartsupp", nothing, "replies.once", "smartsupp has no API that an integration could call"),
        ("messagehub", nothing, "replies.once", "it replied to no message of a visitor by the API of messagehub"),
        ("messagehub", nothing, "calls_api.outages", "it never called"),
        (
            "chatvisor",
            tags,
            "leaks.private",
            "it replied to no message of a visitor by the API of chatvisor; it called tag_customer (200); no sink is "
            "declared the customer's side, as with --sink whatsapp=customer",
        ),
        (
            "messagehub",
            replies_elsewhere,
            "replies.once",
            "it replied to no message of a visitor by the API of messagehub; it called POST "
            "/api/v1/accounts/1/conversations/4711/messages (404)",
        ),
    ],
    ids=["no API", "no reply", "no call", "other calls", "another conversation"],
)
def test_what_cannot_be_judged_says_why(
    vendorsim: Vendorsim,
    port: int,
    vendor: str,
    act: Callable[[Api, dict[str, Any]], object],
    only: str,
    reason: str,
) -> None:
    checked = check(vendorsim, vendor, port, act, only)
    (judged,) = checked.json["checks"]
    assert (judged["status"], judged["reason"]) == ("not_judged", reason)
    assert checked.code == 4
    assert checked.json["reason"].startswith("--serve: ")


def test_without_a_server(vendorsim: Vendorsim) -> None:
    with Receiver() as target:
        checked = vendorsim("check", "--vendor", "messagehub", "--to", target.url(), "--only", "replies", "--json")
    assert {each["reason"] for each in checked.json["checks"]} == {"give --serve PORT, and let the integration call it"}
    assert target.requests == []


# Any operation of any vendor is judged, not only one that writes to the visitor.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "messages"),
    [
        (
            tags,
            [
                "when tag_customer was answered 500, it was not called again, and its work is lost",
                "when tag_customer was answered 429, it was not called again, and its work is lost",
                "when tag_customer gave no answer once, it was not called again, and its work is lost",
            ],
        ),
        (tags_until_accepted, []),
    ],
    ids=["any answer is final", "tries again"],
)
def test_any_operation_has_bad_days(
    vendorsim: Vendorsim, port: int, act: Callable[[Api, dict[str, Any]], object], messages: list[str]
) -> None:
    checked = check(vendorsim, "chatvisor", port, act, "calls_api.retries_5xx,calls_api.retry_after,calls_api.outages")
    assert [finding["message"] for finding in checked.json["findings"]] == messages
    assert {each["status"] for each in checked.json["checks"]} == {"failed" if messages else "passed"}
    for finding in checked.json["findings"]:
        assert finding["request"].startswith("POST /rest/v1/customer/")
        assert json.loads(finding["request"].partition("\r\n\r\n")[2]) == {"tags": ["wrote"]}


class HandsOver:
    """Labels a conversation with its first message, notes it, and does nothing more in it. With `stuck` it does nothing
    more anywhere once the call after the label is refused."""

    def __init__(self, *, stuck: bool) -> None:
        self._stuck, self._seen, self._gone = stuck, set[int](), False

    def __call__(self, api: Api, body: dict[str, Any]) -> None:
        if body.get("event") != "message_created" or body["message_type"] != 0 or self._gone:
            return
        number, account = body["conversation"]["id"], body["account"]["id"]
        if number in self._seen:
            return
        path = f"/api/v1/accounts/{account}/conversations/{number}"
        if api.post(f"{path}/labels", {"labels": ["escalated"]}) == 200:
            self._seen.add(number)
        status = api.post(f"{path}/toggle_priority", {"priority": "high"})
        self._gone = self._stuck and status in (401, 404, 422)


@pytest.mark.slow
@pytest.mark.parametrize("stuck", [False, True])
def test_what_an_integration_does_once_in_a_conversation_is_expected_once(
    vendorsim: Vendorsim, port: int, stuck: bool
) -> None:
    """After a failure the next work may only be in the next conversation."""
    only = "calls_api.goes_on:*:toggle_priority/401"
    checked = check(vendorsim, "messagehub", port, HandsOver(stuck=stuck), only)
    assert {each["status"] for each in checked.json["checks"]} == {"failed" if stuck else "passed"}
