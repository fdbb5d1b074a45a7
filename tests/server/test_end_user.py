"""The `end_user` API over real HTTP, through both doors of the server: every row of its table, credentials, limits, and
what is no request at all."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace
from vendorsim.conversation.state import BY_VISITOR
from vendorsim.core.clock import InstantClock, wall_clock
from vendorsim.http.messages import FastPath
from vendorsim.http.server import RunningServer, running_server
from vendorsim.runs import library
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import LiveConversation, Run
from vendorsim.scenario import verbs
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.server.fast_path import fast_path
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall

CHAT = "/apps/api/v1/chats/4711/end_user"
CALL = "/apps/api/v1/calls/4711/end_user"
GOOD = {"identifier": "crm-4711"}
BEARER = {"Authorization": "Bearer s3cret"}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def message(self) -> str:
        document = json.loads(self.body)
        assert set(document) == {"message"}
        assert self.headers["Content-Type"] == "application/json"
        return str(document["message"])


@dataclass
class Api:
    """A server and its state; `post` sends one good call, or one that differs from it as asked."""

    server: RunningServer
    state: ServerBackend
    calls: list[ApiCall] = field(default_factory=list)

    def post(
        self, path: str = CHAT, body: Any = GOOD, headers: dict[str, str] | None = None, method: str = "POST"
    ) -> Reply:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=20)
        try:
            connection.request(method, path, content, BEARER | JSON if headers is None else headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def raw(self, sent: bytes) -> Reply:
        """Sends bytes as they are; gives the first answer."""
        with socket.create_connection((self.server.host, self.server.port), timeout=20) as connection:
            connection.sendall(sent)
            answer = http.client.HTTPResponse(connection, method="POST")
            answer.begin()
            return Reply(answer.status, answer.headers, answer.read())


Start = Callable[..., Api]


@pytest.fixture(params=[fast_path, lambda state: lambda asked: None], ids=["fast path", "app"])
def door(request: pytest.FixtureRequest) -> Callable[[ServerBackend], FastPath]:
    """With the fast path, and without it: everything goes to the Flask app then."""
    made: Callable[[ServerBackend], FastPath] = request.param
    return made


@pytest.fixture
def start(door: Callable[[ServerBackend], FastPath]) -> Iterator[Start]:
    """`start(strict=True)` starts a server with that state."""
    with ExitStack() as stack:

        def run(**configuration: Any) -> Api:
            state = ServerBackend(**configuration)
            api = Api(stack.enter_context(running_server(create_app(state), fast_path=door(state))), state)
            state.subscribe(api.calls.append)
            return api

        yield run


@pytest.fixture
def api(start: Start) -> Api:
    return start()


@pytest.fixture
def live() -> LiveConversation:
    text = "scenario: A chat\nvendors: [smartsupp]\nsteps: [{say: Hello}, {close: {by: visitor}}]\n"
    smartsupp = registry.get("smartsupp")
    run = Run(library.load_text(text, "a.yaml"), smartsupp, smartsupp.default_profile, seed=1, starts=0)
    return run.conversation(0)


def handle_of(live: LiveConversation) -> LiveHandle:
    """The handle of the conversation as session 4711; its events go nowhere."""
    live.id = "4711"
    return LiveHandle(live, InstantClock(), lambda live, events: None)


def identity(live: LiveConversation) -> dict[str, str] | None:
    return handle_of(live).look(lambda conversation: conversation.identity)


class Now:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        (CALL, GOOD, 202, "accepted"),
        (CHAT, GOOD, 202, "accepted"),
        (
            CHAT,
            GOOD | {"name": "Dana", "email": "dana@example.com", "phone": "555-010-0199", "more": 1},
            202,
            "accepted",
        ),
        ("/apps/api/v1/chats/a%20b%C3%A9%FF/end_user", GOOD, 202, "accepted"),
        (CHAT, {"name": "Dana"}, 400, "param is missing or the value is empty: identifier"),
        (CHAT, {"identifier": None}, 400, "param is missing or the value is empty: identifier"),
        (CHAT, {"identifier": "  "}, 400, "param is missing or the value is empty: identifier"),
        ("/apps/api/v1//4711/end_user", GOOD, 400, "param is missing or the value is empty: comm_type"),
        ("//apps/api/v1//4711/end_user", GOOD, 400, "param is missing or the value is empty: comm_type"),
        ("/apps/api/v1/mails/4711/end_user", GOOD, 404, "Not Found"),
        ("/apps/api/v1/call/4711/end_user", GOOD, 404, "Not Found"),
        ("/apps/api/v1/Chats/4711/end_user", GOOD, 404, "Not Found"),
        ("/apps/api/v1/chats//end_user", GOOD, 404, "Not Found"),
        ("/apps/api/v1/calls/ended-1/end_user", GOOD, 400, "Call is already ended"),
        ("/apps/api/v1/chats/ended-1/end_user", GOOD, 400, "Chat is already ended"),
        ("/apps/api/v1/chats/unsupported-crm-1/end_user", GOOD, 400, "Unsupported CRM request"),
        (
            "/apps/api/v1/chats/duplicate-1/end_user",
            GOOD,
            400,
            "Duplicate request: Please wait for the interval to expire",
        ),
        ("/apps/api/v1/chats/unknown-1/end_user", GOOD, 404, "Not Found"),
        ("/apps/api/v1/chats/error-1/end_user", GOOD, 500, "Internal Server Error"),
        (CHAT, [GOOD], 400, "the body is not a JSON object"),
        (CHAT, {"identifier": 4711}, 400, "identifier is not a string"),
        (CHAT, GOOD | {"phone": 5550100}, 400, "phone is not a string"),
        (CHAT, b"x" * (1024 * 1024 + 1), 413, "the body is larger than 1 MiB"),
        (CHAT, b"x" * 10_000_000, 413, "the body is larger than 1 MiB"),
        (CHAT, b'{"identifier": "a"}'.ljust(1024 * 1024), 202, "accepted"),
        ("/apps/api/v1/chats/ended-1/end_user", b"x" * 2_000_000, 400, "Chat is already ended"),
        ("/", GOOD, 404, "Not Found"),
        (CHAT + "/", GOOD, 404, "Not Found"),
        ("/apps//api/v1/chats/4711/end_user", GOOD, 404, "Not Found"),
        ("/apps/api/v1/chats/47%2F11/end_user", GOOD, 404, "Not Found"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_every_case_has_its_answer(api: Api, path: str, body: Any, status: int, message: str) -> None:
    reply = api.post(path, body)
    assert (reply.status, reply.message) == (status, message)


@pytest.mark.parametrize("slashes", ["/", "//"])
@pytest.mark.parametrize("comm_type", ["calls", "chats"])
def test_both_forms_of_the_address_answer_directly(api: Api, slashes: str, comm_type: str) -> None:
    target = f"{slashes}apps/api/v1/{comm_type}/4711/end_user".encode()
    body = b'{"identifier": "crm-4711"}'
    reply = api.raw(
        b"POST " + target + b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    assert (reply.status, reply.message) == (202, "accepted")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_another_method_is_told_which_one_is_allowed(api: Api, method: str) -> None:
    reply = api.post(method=method)
    assert (reply.status, reply.message, reply.headers["Allow"]) == (405, "Method Not Allowed", "POST")


def test_a_method_that_nobody_knows_is_told_so(api: Api) -> None:
    reply = api.post(method="BREW")
    assert (reply.status, reply.message) == (501, "Not Implemented: the method is not known here")


def basic(credentials: bytes) -> str:
    return "Basic " + base64.b64encode(credentials).decode()


@pytest.mark.parametrize(
    ("authorization", "with_token", "without_token"),
    [
        ("Bearer s3cret", 202, 202),
        ("bearer s3cret", 202, 202),
        (basic(b"acme:s3cret"), 202, 202),
        (basic(b"other:s3cret"), 202, 202),
        ("Bearer wrong", 401, 202),
        ("Bearer s3cre", 401, 202),
        (basic(b"acme:wrong"), 401, 202),
        (basic(b"acme:s3cret:"), 401, 202),
        (basic("acme:señor".encode()), 401, 202),
        (None, 401, 401),
        ("", 401, 401),
        ("Bearer", 401, 401),
        ("Bearer ", 401, 401),
        ("Bearer s3cret s3cret", 401, 401),
        ("Bearer s\xe9cret", 401, 401),
        ("s3cret", 401, 401),
        ("Digest s3cret", 401, 401),
        (basic(b"s3cret"), 401, 401),
        (basic(b":s3cret"), 401, 401),
        (basic(b"acme:"), 401, 401),
        ("Basic acme:s3cret", 401, 401),
        ("Basic YWNtZTpzM2NyZXQ", 401, 401),
    ],
)
def test_credentials(start: Start, authorization: str | None, with_token: int, without_token: int) -> None:
    headers = JSON if authorization is None else JSON | {"Authorization": authorization}
    for token, status in (("s3cret", with_token), (None, without_token)):
        reply = start(token=token).post(headers=headers)
        assert reply.status == status
        if status == 401:
            assert reply.message.startswith("Unauthorized")
            assert reply.headers["WWW-Authenticate"] == 'Bearer realm="Apps API", Basic realm="Apps API"'


def test_credentials_are_judged_before_anything_else(start: Start) -> None:
    api = start(token="s3cret")
    for path in ("/apps/api/v1//1/end_user", "/apps/api/v1/mails/1/end_user", "/apps/api/v1/chats/error-1/end_user"):
        assert api.post(path, b"x" * 2_000_000, {}).status == 401


def test_strict_knows_only_sessions_that_are_played_and_reserved_ones(start: Start, live: LiveConversation) -> None:
    api = start(strict=True)
    assert api.post().status == 404
    api.state.conversations.add_session(handle_of(live))
    assert api.post().status == 202
    assert api.post("/apps/api/v1/chats/ended-1/end_user").status == 400
    assert api.post("/apps/api/v1/chats/slow/end_user").status == 404
    api.state.conversations.remove("smartsupp", "4711")
    api.state.conversations.remove("smartsupp", "4711")
    assert api.post().status == 404


def test_a_session_that_is_played_is_what_the_scenario_made_of_it(api: Api, live: LiveConversation) -> None:
    api.state.conversations.add_session(handle_of(live))
    assert api.post(body=GOOD | {"name": "Dana", "more": 1}).status == 202
    assert identity(live) == GOOD | {"name": "Dana"}
    assert api.post(body={"identifier": ""}).status == 400
    handle_of(live).act(verbs.Close(BY_VISITOR), lambda conversation: None)
    assert api.post(body={"identifier": "other"}).message == "Chat is already ended"
    assert identity(live) == GOOD | {"name": "Dana"}


@pytest.mark.parametrize(("channel", "chats", "calls"), [("chat", 202, 404), ("call", 404, 202)])
def test_a_chat_is_no_call(start: Start, live: LiveConversation, channel: str, chats: int, calls: int) -> None:
    api = start(strict=True)
    handle_of(live).act(verbs.Start(channel), lambda conversation: None)
    api.state.conversations.add_session(handle_of(live))
    assert (api.post(CHAT).status, api.post(CALL).status) == (chats, calls)


def test_forced_answers_come_in_their_order_and_then_all_is_judged_as_usual(api: Api, live: LiveConversation) -> None:
    api.state.conversations.add_session(handle_of(live), ["error", None, "Unsupported CRM request", "ended"])
    assert api.post(headers=JSON).status == 401, "a call without credentials takes no answer"
    got = [api.post(body={"identifier": f"crm-{number}"}).message for number in range(5)]
    ended = "Chat is already ended"
    assert got == ["Internal Server Error", "accepted", "Unsupported CRM request", ended, "accepted"]
    assert identity(live) == {"identifier": "crm-4"}


def test_the_same_request_is_a_duplicate_until_the_interval_is_over(start: Start) -> None:
    now = Now()
    api = start(duplicate_interval=60_000, now=now)

    def status(path: str = CHAT, identifier: str = "a", **more: str) -> int:
        return api.post(path, {"identifier": identifier, **more}).status

    assert status() == 202
    assert status() == 400
    assert status(name="Dana") == 400
    assert status(identifier="b") == 202
    assert status(CALL) == 202
    assert status("/apps/api/v1/chats/4712/end_user") == 202
    now.seconds += 59.9
    assert api.post(CHAT, {"identifier": "a"}).message == "Duplicate request: Please wait for the interval to expire"
    now.seconds += 0.1
    assert status() == 202, "a refused request does not start the interval anew"


def test_of_the_same_request_many_times_at_once_one_is_accepted(api: Api) -> None:
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda _: api.post().status, range(32)))
    assert sorted(got) == [202] + [400] * 31


def test_the_duplicate_rule_can_be_switched_off(start: Start) -> None:
    api = start(duplicate_interval=0)
    assert [api.post().status for _ in range(3)] == [202, 202, 202]


def test_only_accepted_requests_start_the_interval(start: Start) -> None:
    api = start(now=Now())
    assert api.post(body=GOOD | {"name": 5}).status == 400
    assert api.post(headers=JSON).status == 401
    assert [api.post().status, api.post().status] == [202, 400]


def test_the_rate_is_limited_per_customer(start: Start) -> None:
    now = Now()
    api = start(rate_limit=2, duplicate_interval=0, now=now)
    acme, other = JSON | {"Authorization": basic(b"acme:t")}, JSON | {"Authorization": basic(b"other:t")}
    assert [api.post(headers=acme).status for _ in range(3)] == [202, 202, 429]
    assert api.post(headers=other).status == 202
    assert api.post(headers=BEARER | JSON).status == 202
    limited = api.post("/apps/api/v1//1/end_user", headers=acme)
    assert (limited.status, limited.message, limited.headers["Retry-After"]) == (429, "Too Many Requests", "1")
    now.seconds += 0.5
    assert [api.post(headers=acme).status for _ in range(2)] == [202, 429]
    assert api.post(headers=JSON).status == 401


def test_retry_after_says_how_long_to_wait(start: Start) -> None:
    now = Now()
    api = start(rate_limit=0.1, duplicate_interval=0, now=now)
    assert api.post().status == 202
    assert api.post().headers["Retry-After"] == "10"
    now.seconds += 10
    assert api.post().status == 202


def test_ten_slow_answers_hold_up_nobody_else(start: Start) -> None:
    # The slow answers never come within this test; the others do.
    api = start(slow_seconds=30)
    waiting = []
    for number in range(10):
        connection = http.client.HTTPConnection(api.server.host, api.server.port, timeout=20)
        connection.request("POST", f"/apps/api/v1/chats/slow-{number}/end_user", json.dumps(GOOD), BEARER | JSON)
        waiting.append(connection)
    for number in range(20):
        assert api.post(f"/apps/api/v1/chats/{number}/end_user").status == 202
    for connection in waiting:
        connection.close()


def test_a_slow_session_answers_in_the_end(start: Start) -> None:
    api = start(slow_seconds=0.01)
    assert api.post("/apps/api/v1/chats/slow-1/end_user").status == 202
    assert api.post("/apps/api/v1/chats/slow-1/end_user", {}).status == 400


def test_subscribers_learn_of_every_call_and_never_of_the_secret(api: Api) -> None:
    before = wall_clock()
    more: list[ApiCall] = []
    unsubscribe = api.state.subscribe(more.append)
    api.post()
    unsubscribe()
    api.post("/apps/api/v1/calls/ended-1/end_user", headers=JSON | {"Authorization": basic(b"acme:s3cret")})
    api.post("/apps/api/v1/mails/1/end_user", headers=JSON)
    first, second, third = api.calls
    assert before <= first.at <= wall_clock()
    bare = [replace(call, body=None, media_type=None) for call in (first, second)]
    assert bare[0] == ApiCall(
        "ccai", "end_user", "chats", "4711", first.at, "bearer", GOOD, 202, "accepted", path=first.path
    )
    assert bare[1] == ApiCall(
        "ccai", "end_user", "calls", "ended-1", second.at, "basic", None, 400, "Call is already ended", path=second.path
    )
    assert (third.credentials, third.status) == (None, 401)
    assert "s3cret" not in repr(api.calls)
    assert more == [first]


# What is no request, or stops being one; the answer still is JSON, and the server still answers the next.
HEAD = (
    b"POST /apps/api/v1/chats/4711/end_user HTTP/1.1\r\nHost: x\r\n"
    b"Authorization: Bearer t\r\nContent-Type: application/json\r\n"
)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (HEAD + b"Content-Length: many\r\n\r\n", 400),
        (HEAD + b"Content-Length: -1\r\n\r\n", 400),
        (HEAD + b"Content-Length: 99999999999\r\n\r\n", 413),
        (HEAD + b"X: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"hello\r\n\r\n", 400),
    ],
    ids=lambda value: repr(value)[-50:],
)
def test_a_broken_request_gets_a_json_answer(
    api: Api, capfd: pytest.CaptureFixture[str], sent: bytes, status: int
) -> None:
    reply = api.raw(sent)
    assert reply.status == status
    assert reply.message
    assert api.post().status == 202
    assert capfd.readouterr().err == ""


def test_a_body_in_chunks_is_a_body(api: Api) -> None:
    chunk = b'{"identifier": "crm-4711"}'
    sent = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(chunk), chunk)
    assert api.raw(sent).status == 202


def test_a_client_that_stops_halfway_harms_nobody(api: Api, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_connection((api.server.host, api.server.port)) as connection:
        connection.sendall(HEAD + b'Content-Length: 100\r\n\r\n{"identifier"')
        assert api.post().status == 202
    assert api.post("/apps/api/v1/chats/4712/end_user").status == 202
    assert capfd.readouterr().err == ""


def test_a_fault_of_ours_is_a_json_answer_and_shows_no_secret(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    api = start(token="s3cret")

    def fail(call: ApiCall) -> None:
        raise RuntimeError("out of order")

    api.state.subscribe(fail)
    reply = api.post(body={"identifier": "private"})
    assert (reply.status, reply.message) == (500, "Internal Server Error")
    assert "out of order" in caplog.text
    assert "s3cret" not in caplog.text
    assert "private" not in caplog.text
