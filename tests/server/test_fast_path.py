"""The fast path answers as the Flask app does, to good calls and bad ones, in a server and in an app."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from vendorsim.http.messages import HttpRequest, HttpResponse
from vendorsim.http.server import RunningServer, running_server
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.server.control.settings import Settings
from vendorsim.server.deferred_app import DeferredApp, ShortCut
from vendorsim.server.fast_path import fast_path
from vendorsim.server.forced_answers import ForcedAnswer
from vendorsim.server.hub import Hub
from vendorsim.vendorkit.api_call import ApiCall
from werkzeug.test import Client

NOW = 1_000.0
STATE: dict[str, Any] = {
    "token": "s3cret",
    "duplicate_interval": 60_000,
    "rate_limit": 2,
    "slow_seconds": 0.001,
    "now": lambda: NOW,
}


class Way:
    """A server that answers all calls in one way, and the calls it has reported."""

    def __init__(self, stack: ExitStack, *, fast: bool = False, short_cut: bool = False) -> None:
        self.state = ServerBackend(**STATE)
        self.calls: list[ApiCall] = []
        self.fast_answers = 0
        self.state.subscribe(self.calls.append)
        self._fast_path = fast_path(self.state)
        app: Any = create_app(self.state)
        if short_cut:
            app = ShortCut(self.state, app)
        self.server = stack.enter_context(running_server(app, fast_path=self._answer if fast else lambda request: None))

    def _answer(self, asked: HttpRequest) -> HttpResponse | None:
        answered = self._fast_path(asked)
        self.fast_answers += answered is not None
        return answered

    def ask(self, sent: bytes) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = answer_of(self.server, sent)
        return status, {name: value for name, value in headers.items() if name != "date"}, body

    def forget(self) -> None:
        """What one request leaves behind must not meet the next."""
        self.calls.clear()
        self.state.duplicates.clear()
        assert self.state.rate_limit is not None
        self.state.rate_limit.__init__(STATE["rate_limit"], STATE["now"])  # type: ignore[misc]


def answer_of(server: RunningServer, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection(server.host, server.port, timeout=20)
    connection.connect()
    assert connection.sock is not None
    connection.sock.sendall(sent)
    reply = connection.response_class(connection.sock, method="POST")
    reply.begin()
    found = reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.read()
    connection.close()
    return found


@pytest.fixture(scope="module")
def ways() -> Iterator[tuple[Way, Way, Way]]:
    with ExitStack() as stack:
        yield Way(stack, fast=True), Way(stack, short_cut=True), Way(stack)


SEGMENTS = st.one_of(
    st.sampled_from(
        ["calls", "chats", "", "mails", "4711", "ended-1", "unsupported-crm-1", "duplicate-1", "unknown-1"]
    ),
    st.sampled_from(["slow-1", "error-1", ".", "..", "~a_b-c", "a%20b", "47%2F11", "%C3%A9", "%FF", "a+b", "a;b", "é"]),
    st.text("abc019._~-%/?#:@!$&'()*+,;=", max_size=12),
)
PATHS = st.one_of(
    st.builds("/apps/api/v1/{}/{}/end_user".format, st.sampled_from(["calls", "chats"]), SEGMENTS),
    st.builds("{}apps/api/v1/{}/{}/end_user{}".format, st.sampled_from(["/", "//", "///"]), SEGMENTS, SEGMENTS,
              st.sampled_from(["", "/", "?", "?a=b", "#x"])),
)  # fmt: skip
AUTHORIZATIONS = st.sampled_from(
    ["Bearer s3cret", "bearer  s3cret ", "\tBearer s3cret", "Bearer wrong", "Basic YWNtZTpzM2NyZXQ=", "Basic x", "\xe9"]
)  # fmt: skip
TYPES = st.sampled_from(
    ["application/json", "Application/JSON; charset=utf-8", "text/plain", "", "\xe9", " application/json "]
)
BODIES = st.one_of(
    st.sampled_from([b'{"identifier": "crm-4711"}', b'{"identifier": "a", "name": "Dana", "phone": "1"}', b""]),
    st.sampled_from([b"{", b"[]", b'{"identifier": 1}', b'{"identifier": " "}', b'{"name": "Dana"}', b"\xff", b"null"]),
    st.sampled_from([b" " * (1024 * 1024) + b"{}", b'{"identifier": "a"}'.ljust(1024 * 1024)]),
    st.binary(max_size=30),
)
HEADERS = st.lists(
    st.one_of(
        st.tuples(st.just("Authorization"), AUTHORIZATIONS),
        st.tuples(st.just("content-type"), TYPES),
        st.sampled_from([("Content_Type", "text/plain"), ("Authorization_", "x"), ("X-Forwarded-For", "192.0.2.1")]),
        st.sampled_from([("Accept", "text/html"), ("Content-Encoding", "gzip"), ("X-HTTP-Method-Override", "GET")]),
    ),
    max_size=3,
)
GOOD_HEADERS = [("Authorization", "Bearer s3cret"), ("Content-Type", "application/json")]


def request(path: str, headers: list[tuple[str, str]], body: bytes, chunked: bool, version: str = "1.1") -> bytes:
    lines = [f"POST {path} HTTP/{version}", "Host: x", *(f"{name}: {value}" for name, value in headers)]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:]) if part) + b"0\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(body)}")
    # Only a connection that ends gives the same headers whatever was asked.
    lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=PATHS,
    headers=st.one_of(st.just(GOOD_HEADERS), HEADERS, HEADERS.map(lambda more: GOOD_HEADERS + more)),
    body=BODIES,
    chunked=st.booleans(),
    times=st.integers(1, 3),
)
@example(
    path="/apps/api/v1/chats/1/end_user", headers=GOOD_HEADERS, body=b'{"identifier": "a"}', chunked=False, times=2
)
@example(path="//apps/api/v1//1/end_user", headers=GOOD_HEADERS, body=b"", chunked=True, times=1)
def test_all_ways_give_the_same_answers_and_tell_the_same(
    ways: tuple[Way, Way, Way], path: str, headers: list[tuple[str, str]], body: bytes, chunked: bool, times: int
) -> None:
    sent = request(path, headers, body, chunked)
    fast, short_cut, app = ways
    for way in ways:
        way.forget()
    for _ in range(times):
        assert fast.ask(sent) == short_cut.ask(sent) == app.ask(sent)
    told = [[untimed(call) for call in way.calls] for way in ways]
    assert told[0] == told[1] == told[2]


def untimed(call: ApiCall) -> tuple[Any, ...]:
    fields = call.fields if call.fields is None else dict(call.fields)
    told = (call.operation, call.comm_type, call.session_id, call.path, call.method, call.vendor)
    return (*told, call.credentials, fields, call.status, call.message, call.body)


@pytest.mark.parametrize(
    ("path", "is_fast"),
    [
        ("/apps/api/v1/chats/4711/end_user", True),
        ("//apps/api/v1/calls/a.b_c~d-e/end_user", True),
        ("/apps/api/v1//4711/end_user", True),
        ("/apps/api/v1/chats/47%31/end_user", False),
        ("/apps/api/v1/chats/4711/end_user?a=b", False),
        ("/apps/api/v1/end_users", False),
    ],
)
def test_unambiguous_paths_take_the_fast_path(ways: tuple[Way, Way, Way], path: str, is_fast: bool) -> None:
    fast = ways[0]
    fast.forget()
    before = fast.fast_answers
    fast.ask(request(path, GOOD_HEADERS, b'{"identifier": "a"}', chunked=False))
    assert fast.fast_answers - before == is_fast


@contextmanager
def whole_server() -> Iterator[RunningServer]:
    with Hub(Settings(), None) as hub, running_server(hub.app, fast_path=hub.fast_path) as server:
        yield server


def test_a_request_that_names_a_namespace_gets_that_one() -> None:
    sent = request("/apps/api/v1/chats/1/end_user", GOOD_HEADERS, b'{"identifier": "a"}', chunked=False)
    with whole_server() as server:

        def status(changed: bytes) -> int:
            return answer_of(server, changed)[0]

        named = sent.replace(b"Host: x", b"Host: x\r\nx-vendorsim-namespace: one")
        in_path = sent.replace(b" /apps", b" /_ns/two/apps")
        # The same call is a duplicate in one namespace, and the first in each of the others.
        assert [status(sent), status(sent)] == [202, 400]
        assert [status(named), status(named)] == [202, 400]
        assert [status(in_path), status(in_path)] == [202, 400]
        assert status(sent.replace(b"Host: x", b"Host: x\r\nX-Vendorsim-Namespace: /")) == 400


def test_an_app_that_is_made_later_knows_the_calls_before_it() -> None:
    with whole_server() as server:
        sent = request("/apps/api/v1/chats/1/end_user", GOOD_HEADERS, b'{"identifier": "crm-1"}', chunked=False)
        assert answer_of(server, sent)[0] == 202
        sent = request("/apps/api/v1/end_users?identifier=crm-1", GOOD_HEADERS, b"", chunked=False)
        status, _, body = answer_of(server, sent.replace(b"POST", b"GET"))
        assert (status, json.loads(body)["identifier"]) == (200, "crm-1")


def test_a_short_cut_needs_no_app() -> None:
    made: list[str] = []

    def make() -> Any:
        made.append("app")
        return create_app(state)

    state = ServerBackend()
    client = Client(ShortCut(state, DeferredApp(make)))
    headers = {"Authorization": "Bearer t"}
    assert (
        client.post("/apps/api/v1/chats/1/end_user", json={"identifier": "crm-1"}, headers=headers).status_code == 202
    )
    assert made == []
    found = client.get("/apps/api/v1/end_users?identifier=crm-1", headers=headers)
    assert (found.status_code, found.json and found.json["identifier"]) == (200, "crm-1")
    assert client.get("/apps/api/v1/end_users", headers=headers).status_code == 404
    assert made == ["app"]


def test_a_short_cut_leaves_calls_to_whoever_forces_their_answers() -> None:
    state = ServerBackend()
    client = Client(ShortCut(state, create_app(state)))
    state.forced_answers.watch(lambda call: ForcedAnswer(503), lambda call: None)
    answer = client.post(
        "/apps/api/v1/chats/1/end_user", json={"identifier": "a"}, headers={"Authorization": "Bearer t"}
    )
    assert answer.status_code == 503


def test_answers_wait_for_a_journal_that_lags_behind() -> None:
    state, waiting = ServerBackend(duplicate_interval=0), [0]
    answer = fast_path(state, lambda: waiting[0])
    asked = HttpRequest(
        "POST", b"/apps/api/v1/chats/1/end_user", {b"authorization": b"Bearer t", b"content-type": b"application/json"},
        b'{"identifier": "a"}',
    )  # fmt: skip
    delays = []
    for waiting[0] in (0, 3_000, 6_000, 33_000):
        answered = answer(asked)
        assert answered is not None
        assert answered.status == 202
        delays.append(answered.delay)
    assert delays == [0.0, 0.0, 0.1, 1.0]


def test_one_connection_serves_both_ways_in_turn() -> None:
    body = b'{"identifier": "a"}'
    fast = request("/apps/api/v1/chats/1/end_user", GOOD_HEADERS, body, chunked=False).replace(
        b"Connection: close\r\n", b""
    )
    app = fast.replace(b"chats/1", b"chats/%31")
    with whole_server() as server, socket.create_connection((server.host, server.port), timeout=20) as connection:
        for sent in (fast, app, fast):
            connection.sendall(sent)
            assert connection.recv(4096).startswith(b"HTTP/1.1 ")
