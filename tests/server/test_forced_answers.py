"""Forced answers of any operation: errors, answers that never come or break off, and answers that are lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests
from vendorsim.delivery.call_matching import call_line
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.server.forced_answers import ForcedAnswer, ServedCall
from vendorsim.server.serving import serve_app

PATH = "/api/v1/accounts/1/canned_responses"
HEADERS = {"api_access_token": "made-up"}
CREATED = {"short_code": "hello", "content": "Hello!"}


class Served:
    """The vendors' APIs. `next` is what happens to the next call."""

    def __init__(self, url: str, backend: ServerBackend) -> None:
        self.url = url
        self.ledger = backend.ledger
        self.next: ForcedAnswer | None = None
        self.calls: list[ServedCall] = []
        backend.forced_answers.watch(lambda call: self._take(), self.calls.append)

    def _take(self) -> ForcedAnswer | None:
        taken, self.next = self.next, None
        return taken

    def create(self) -> requests.Response:
        return requests.post(self.url + PATH, json=CREATED, headers=HEADERS, timeout=10)

    def known(self) -> int:
        return len(requests.get(self.url + PATH, headers=HEADERS, timeout=10).json())


@pytest.fixture
def served() -> Iterator[Served]:
    backend = ServerBackend()
    with serve_app(create_app(backend)) as server:
        yield Served(server.url, backend)
    backend.close()


def test_a_status_replaces_the_call(served: Served) -> None:
    served.next = ForcedAnswer(429, {"Retry-After": "1"})
    answer = served.create()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert "error" in answer.json()
    assert served.known() == 0
    assert (served.calls[0].method, served.calls[0].path, served.calls[0].status) == ("POST", PATH, 429)
    assert not served.calls[0].accepted


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("carried_out", [False, True])
def test_an_answer_that_does_not_come(served: Served, begun: bool, carried_out: bool) -> None:
    served.next = ForcedAnswer(begun=begun, carried_out=carried_out)
    with pytest.raises(requests.RequestException):
        served.create().json()
    assert served.known() == int(carried_out)
    assert served.calls[0].status is None
    assert served.calls[0].ended is not None


@pytest.mark.parametrize(
    ("forced", "told", "is_state"),
    [
        (None, (200, "OK", ""), True),
        (ForcedAnswer(429), (429, "Too Many Requests", "refused"), False),
        (ForcedAnswer(500, message="Out of order"), (500, "Out of order", "refused"), False),
        (ForcedAnswer(), (0, "no answer", "no answer"), False),
        (ForcedAnswer(begun=True), (0, "answer broken off", "answer broken off"), False),
        (ForcedAnswer(carried_out=True), (200, "OK", "answer lost"), True),
        (ForcedAnswer(carried_out=True, begun=True), (200, "OK", "answer lost"), True),
    ],
)
def test_the_ledger_tells_what_became_of_each_call(
    served: Served, forced: ForcedAnswer | None, told: tuple[int, str, str], is_state: bool
) -> None:
    served.next = forced
    with suppress(requests.RequestException):
        served.create()
    served.known()
    call, _ = served.ledger.calls()
    assert (call.name, call.method, call.path) == ("messagehub.create_canned_response", "POST", PATH)
    assert (call.status, call.message, call.forced) == told
    assert call.document() == CREATED
    assert (served.ledger.state("") is not None) == is_state
    assert ("(forced: " in call_line(call)) == (forced is not None)


def test_what_is_no_operation_is_told_by_nobody(served: Served) -> None:
    served.next = ForcedAnswer(500)
    assert requests.get(f"{served.url}/elsewhere", timeout=10).status_code == 500
    assert served.ledger.calls() == []


def test_all_other_calls_are_carried_out(served: Served) -> None:
    assert served.create().status_code == 200
    assert served.known() == 1
    assert [call.accepted for call in served.calls] == [True, True]
    assert b"short_code" in served.calls[0].body
