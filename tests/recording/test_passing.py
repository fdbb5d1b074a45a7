"""What comes in goes out: requests and answers through a recording, at the level of bytes."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable, Iterator

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from ports import free_port
from receiver import Connection, Receiver, Request, close, last_words, never, reset, status
from recorders import Proxy, recording, until
from vendorsim.http.stream import LARGEST_BUFFER
from vendorsim.recording.passed import LIMITS

BODY = b'{"event": "message_created"}'
OK = status(200, b"fine", X_Made_By="the integration")


def post(body: bytes = BODY, *lines: bytes, path: bytes = b"/") -> bytes:
    head = [b"POST " + path + b" HTTP/1.1", b"Host: hooks.example", b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


CLOSE = b"Connection: close"


@pytest.fixture
def proxy() -> Iterator[Callable[[Receiver], Proxy]]:
    """A recording in front of a receiver."""
    opened = []

    def start(target: Receiver) -> Proxy:
        made = recording(target.url("/hook"))
        opened.append(made)
        return made.__enter__()

    yield start
    for made in opened:
        made.__exit__(None, None, None)


def test_nothing_but_path_and_host_is_changed(proxy: Callable[[Receiver], Proxy]) -> None:
    lines = [
        b"x-hub-signature-256: sha256=0123",
        b"X-REPEATED: 1",
        b"Content-type:application/json",
        b"X-Repeated:   2  ",
        b"Cookie: a=b; c=d",
        b"Accept-Encoding: gzip",
        CLOSE,
    ]
    answer = b"HTTP/1.1 202 As You Like\r\nset-COOKIE: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok"
    with Receiver(answer) as target:
        through = proxy(target)
        assert through.ask(post(BODY, *lines)) == answer
        host = f"127.0.0.1:{target.port}".encode()
        expected = post(BODY, *lines, path=b"/hook").replace(b"hooks.example", host)
        assert target.requests[0].raw == expected
        attempt = through.told.attempt()
    assert attempt.verdict == "delivered"
    assert attempt.status == 202
    assert attempt.event.name == "message_created"
    assert attempt.request is not None
    assert attempt.request.head + attempt.request.body == post(BODY, *lines)
    assert attempt.answer is not None
    assert attempt.answer.headers == (("set-COOKIE", "a=1"), ("Set-Cookie", "b=2"), ("Content-Length", "2"))


PATHS = {
    ("/hook", "/"): "/hook",
    ("/hook", "/hook"): "/hook",
    ("/hook", "/hook/bot?a=b"): "/hook/bot?a=b",
    ("/hook", "/hooks"): "/hook/hooks",
    ("/hook", "/api/v1"): "/hook/api/v1",
    ("/hook/", "/"): "/hook/",
    ("/hook?token=s3", "/?a=b"): "/hook?token=s3&a=b",
    ("/", "/any/path?x"): "/any/path?x",
    ("", "/"): "/",
    ("/base/", "/x"): "/base/x",
    ("/hook", "http://evil.example/x"): "/hook/x",
    ("/hook", "http://evil.example"): "/hook",
}


@pytest.mark.parametrize(("given", "arrived"), PATHS)
def test_where_a_path_leads(given: str, arrived: str) -> None:
    with Receiver() as target, recording(target.url(given)) as through:
        through.ask(post(BODY, CLOSE, path=arrived.encode()))
        assert target.requests[0].line == f"POST {PATHS[given, arrived]} HTTP/1.1"
        assert target.requests[0].header("Host") == f"127.0.0.1:{target.port}"


def test_a_connection_is_kept_and_requests_may_come_at_once(proxy: Callable[[Receiver], Proxy]) -> None:
    with Receiver(status(200, b"1"), status(200, b"2"), status(200, b"3")) as target:
        through = proxy(target)
        with through.connect() as client:
            client.send(post() + b"\r\n" + post() + post(BODY, CLOSE))
            answers = client.read_all()
        assert answers == status(200, b"1") + status(200, b"2") + status(200, b"3")
        assert len(target.connections) == 1
        assert [kept.kept.recorded for kept in through.told.wait_for(3)] == [1, 2, 3]


def test_an_answer_passes_as_it_comes(proxy: Callable[[Receiver], Proxy]) -> None:
    def drip(connection: Connection, request: Request) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        go_on.wait_for(1)
        connection.send(b"6;x=y\r\nsecond\r\n0\r\nX-Sum: 1\r\n\r\n")

    with Receiver() as go_on, Receiver(drip) as target:
        through = proxy(target)
        with through.connect() as client:
            client.send(post())
            client.read_until(b"first\r\n")
            with socket.create_connection(("127.0.0.1", go_on.port)) as signal:
                signal.sendall(post())
                assert client.read_until(b"X-Sum: 1\r\n\r\n").endswith(b"6;x=y\r\nsecond\r\n0\r\nX-Sum: 1\r\n\r\n")
        attempt = through.told.attempt()
        assert attempt.answer is not None
        assert attempt.answer.body == b"firstsecond"


def test_a_request_passes_as_it_comes(proxy: Callable[[Receiver], Proxy]) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Receiver(OK) as target:
        through = proxy(target)
        with through.connect() as client:
            client.send(head + b"5\r\nfirst\r\n")
            until(lambda: target.connections and b"first" in target.connections[0].received, "the first part")
            client.send(b"6;x=y\r\nsecond\r\n0\r\n\r\n")
            assert client.read_until(b"fine") == OK
        assert target.requests[0].body == b"5\r\nfirst\r\n6;x=y\r\nsecond\r\n0\r\n\r\n"
        attempt = through.told.attempt()
        assert attempt.request is not None
        assert attempt.request.body == b"firstsecond"


def test_a_large_body_passes_whole_and_is_kept_in_part() -> None:
    large = b"x" * (3 * LARGEST_BUFFER)
    with (
        Receiver(status(200, large)) as target,
        recording(target.url(), limits=replace(LIMITS, kept=1_000)) as through,
    ):
        assert through.ask(post(large, CLOSE)) == status(200, large)
        assert target.requests[0].body == large
        attempt = through.told.attempt()
    assert attempt.request is not None
    assert attempt.answer is not None
    assert (attempt.request.body, attempt.answer.body) == (large[:1_000], large[:1_000])
    size = f"{len(large):,}"
    assert attempt.problem == (
        f"the body has {size} bytes, of which the first 1,000 were kept; "
        f"the answer has {size} bytes, of which the first 1,000 were kept"
    )
    assert through.told.recorded[0].judgement.contract == "not judged"


def test_a_client_waits_for_100_continue(proxy: Callable[[Receiver], Proxy]) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    with Receiver(OK, interim=interim) as target:
        through = proxy(target)
        with through.connect() as client:
            client.send(post(BODY, b"Expect: 100-continue").removesuffix(BODY))
            assert client.read_until(b"\r\n\r\n") == interim
            client.send(BODY)
            assert client.read_until(b"fine") == interim + OK
        assert target.requests[0].header("Expect") == "100-continue"


BODILESS = {
    "HEAD": (b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
    "204": (post(), b"HTTP/1.1 204 No Content\r\n\r\n"),
    "304": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"),
}


@pytest.mark.parametrize(("request_bytes", "answer"), BODILESS.values(), ids=BODILESS)
def test_an_answer_without_a_body_keeps_the_connection(
    proxy: Callable[[Receiver], Proxy], request_bytes: bytes, answer: bytes
) -> None:
    with Receiver(answer, OK) as target:
        through = proxy(target)
        with through.connect() as client:
            client.send(request_bytes)
            assert client.read(len(answer)) == answer
            client.send(post(BODY, CLOSE))
            assert client.read_all() == answer + OK


def test_http_1_0_stays_it_and_gets_no_chunks(proxy: Callable[[Receiver], Proxy]) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    with Receiver(chunked) as target:
        through = proxy(target)
        answer = through.ask(b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi")
        assert answer == b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nok"
        assert target.requests[0].raw == b"POST /hook HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi"


def test_an_answer_that_ends_with_its_connection(proxy: Callable[[Receiver], Proxy]) -> None:
    words = b"HTTP/1.0 200 OK\r\n\r\nuntil the end"
    with Receiver(last_words(words)) as target:
        through = proxy(target)
        assert through.ask(post()) == words
        attempt = through.told.attempt()
        assert attempt.verdict == "delivered"
        assert attempt.answer is not None
        assert attempt.answer.body == b"until the end"


def test_an_answer_before_the_end_of_the_body(proxy: Callable[[Receiver], Proxy]) -> None:
    refusal = status(413, b"no", Connection="close")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        recording(f"http://127.0.0.1:{server.getsockname()[1]}/hook") as through,
        through.connect() as client,
    ):
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin")
        accepted, _ = server.accept()
        with accepted:
            while b"begin" not in accepted.recv(65_536):
                pass
            accepted.sendall(refusal)
            accepted.shutdown(socket.SHUT_RDWR)
        assert client.read_until(refusal) == refusal
        client.send(b"more")
        assert client.read_all() == refusal
        attempt = through.told.attempt()
    assert attempt.status == 413
    assert attempt.verdict == "rejected"


ENDINGS = {
    "closed": (close, "broken", "closed the connection without an answer", b""),
    "reset": (reset, "broken", "reset the connection without an answer", None),
    "within the head": (
        last_words(b"HTTP/1.1 200 OK\r\nX:"),
        "broken",
        "closed the connection within the answer",
        b"",
    ),
    "within the body": (
        last_words(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
        "broken",
        "closed the connection within the answer: the body broke off: 6 bytes of its Content-Length are missing",
        None,
    ),
    "no HTTP": (last_words(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "broken", "the answer is not HTTP", b"HTTP/1.1 502"),
}


@pytest.mark.parametrize(("action", "verdict", "reason", "begins"), ENDINGS.values(), ids=ENDINGS)
def test_how_the_target_ends_its_connection_is_passed_on(
    proxy: Callable[[Receiver], Proxy],
    action: Callable[[Connection, Request], None],
    verdict: str,
    reason: str,
    begins: bytes | None,
) -> None:
    with Receiver(action) as target:
        through = proxy(target)
        if begins is None:
            with pytest.raises(ConnectionResetError):
                through.ask(post())
        else:
            assert through.ask(post())[:12] == begins
        attempt = through.told.attempt()
    assert attempt.verdict == verdict
    assert attempt.reason is not None
    assert attempt.reason.startswith(reason)


def test_a_target_that_is_down_is_answered_502_and_kept() -> None:
    port = free_port()
    with recording(f"http://127.0.0.1:{port}/hook") as through:
        answer = through.ask(post(BODY, b"Expect: 100-continue"))
        assert b"HTTP/1.1 502 Bad Gateway\r\n" in answer
        assert f"http://127.0.0.1:{port}/hook can't be reached: connection refused".encode() in answer
        attempt = through.told.attempt()
    assert attempt.verdict == "unreachable"
    assert attempt.status is None
    assert attempt.reason == "connection refused; the vendor was answered 502"
    assert attempt.event.name == "message_created"


def test_what_the_client_does_to_its_connection_is_passed_on(proxy: Callable[[Receiver], Proxy]) -> None:
    with Receiver(never) as target:
        through = proxy(target)
        client = through.connect()
        client.send(post())
        target.wait_for(1)
        client.socket.close()
        assert target.wait_for_end().ended == "closed"
        assert through.told.attempt().verdict == "broken"


def test_a_client_that_sends_no_more_gets_its_answer(proxy: Callable[[Receiver], Proxy]) -> None:
    with Receiver(OK) as target:
        through = proxy(target)
        with through.connect() as client:
            client.send(post() + post())
            client.socket.shutdown(socket.SHUT_WR)
            assert client.read_all() == OK + OK


def test_a_kept_connection_that_the_target_closes_is_closed(proxy: Callable[[Receiver], Proxy]) -> None:
    with Receiver(OK) as target:
        through = proxy(target)
        with through.connect() as client:
            client.send(post())
            client.read_until(b"fine")
            target.connections[0].close()
            assert client.read_all() == OK


def test_bytes_that_nobody_asked_for_are_no_answer(proxy: Callable[[Receiver], Proxy]) -> None:
    with Receiver(OK + status(200, b"forged"), OK) as target:
        through = proxy(target)
        with through.connect() as client:
            client.send(post())
            client.read_until(b"fine")
            client.send(post(BODY, CLOSE))
            assert client.read_all() == OK + OK
        assert len(target.connections) == 2


def test_a_target_that_does_not_answer_in_time_is_504() -> None:
    with Receiver(never) as target, recording(target.url(), limits=replace(LIMITS, answer=0.05)) as through:
        assert through.ask(post()).startswith(b"HTTP/1.1 504")
        attempt = through.told.attempt()
    assert (attempt.verdict, attempt.reason) == ("timed out", "no answer within 0.05 s; the vendor was answered 504")


@pytest.mark.parametrize("begun", [b"POST / HT", post().removesuffix(BODY)], ids=["head", "body"])
def test_a_request_that_does_not_go_on_is_408(begun: bytes) -> None:
    with Receiver() as target, recording(target.url(), limits=replace(LIMITS, request=0.05)) as through:
        assert through.ask(begun).startswith(b"HTTP/1.1 408")
        assert through.told.refused[0][0] == 408


HOSTILE = {
    "both framings": (post(b"0\r\n\r\n", b"Transfer-Encoding: chunked"), 400),
    "line feeds alone": (b"POST / HTTP/1.1\nHost: a\n\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "a bad chunk": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "a tunnel": (b"CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n", 501),
    "a giant header": (b"POST / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000, 431),
    "a giant target": (b"POST /" + b"a" * 70_000, 414),
}


@pytest.mark.parametrize(("data", "code"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_requests_are_refused_and_go_nowhere(
    proxy: Callable[[Receiver], Proxy], data: bytes, code: int
) -> None:
    with Receiver() as target:
        through = proxy(target)
        answer = through.ask(data + post(b"smuggled"))
        assert answer.startswith(b"HTTP/1.1 %d " % code)
        assert b"Connection: close\r\n" in answer
        assert not target.requests
        assert through.told.refused[0][0] == code
        assert sum(through.recording.summary.refused.values()) == 1


def test_a_bad_chunk_after_good_ones_ends_both_connections(proxy: Callable[[Receiver], Proxy]) -> None:
    with Receiver() as target:
        through = proxy(target)
        with through.connect() as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
            until(lambda: target.connections and b"ab" in target.connections[0].received, "the first chunk")
            client.send(b"zz\r\n" + post(b"smuggled"))
            assert client.read_all().startswith(b"HTTP/1.1 400 ")
        assert b"smuggled" not in target.wait_for_end().received
        attempt = through.told.attempt()
        assert attempt.reason is not None
        assert attempt.reason.startswith("the size of a chunk is no hexadecimal number")


def test_an_answer_that_switches_protocols_is_refused(proxy: Callable[[Receiver], Proxy]) -> None:
    upgrade = (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    with Receiver(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n") as target:
        through = proxy(target)
        assert through.ask(post(BODY, *upgrade)).startswith(b"HTTP/1.1 502 ")
        assert target.requests[0].header("Upgrade") is None


def test_there_is_a_limit_of_connections() -> None:
    with (
        Receiver() as target,
        recording(target.url(), limits=replace(LIMITS, connections=1)) as through,
        through.connect() as first,
    ):
        first.send(post())
        first.read_until(b"\r\n\r\n")
        assert through.ask(post()).startswith(b"HTTP/1.1 503 ")


def test_what_is_under_way_at_the_end_is_kept() -> None:
    with Receiver(never) as target:
        with recording(target.url()) as through:
            client = through.connect()
            client.send(post())
            target.wait_for(1)
        client.socket.close()
        assert through.told.attempt().reason == "the recording ended before the answer"


def test_a_compressed_body_is_kept_as_it_is_and_judged() -> None:
    packed = gzip.compress(orjson.dumps({"event": "webwidget_triggered", "id": 1}))
    with Receiver(OK) as target, recording(target.url()) as through:
        through.ask(post(packed, b"Content-Encoding: gzip", CLOSE))
        assert target.requests[0].body == packed
        (found,) = through.told.wait_for(1)
        attempt = through.told.attempt()
    assert attempt.request is not None
    assert attempt.request.body == packed
    assert attempt.event.name == "webwidget_triggered"
    assert found.judgement.contract == "drifts"


def test_bodies_are_held_to_the_contract() -> None:
    with Receiver(OK) as target, recording(target.url(), profile="observed-4.18") as through:
        through.ask(post(b'{"event": "message_created", "id": "x"}', CLOSE))
        through.ask(post(b"not JSON", CLOSE))
        through.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        first, second, third = through.told.wait_for(3)
    assert first.judgement.contract == "drifts"
    assert any(violation.pointer == "/id" for violation in first.judgement.violations)
    assert second.judgement.violations[0].message.startswith("the body is not JSON")
    assert (third.judgement.contract, third.judgement.why) == ("not judged", "there is no body")
    assert through.recording.summary.exit_code == 1


NAMES = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-", min_size=1, max_size=10).map("X-".__add__)
VALUES = st.binary(max_size=20).map(lambda raw: bytes(byte for byte in raw if 31 < byte != 127).strip())
PARTS = st.lists(st.binary(min_size=1, max_size=3_000), max_size=5)


def framed(first: bytes, headers: list[tuple[str, bytes]], parts: list[bytes], in_chunks: bool) -> bytes:
    lines = [first, *(f"{name}: ".encode() + value for name, value in headers)]
    if in_chunks:
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        lines.append(b"Transfer-Encoding: chunked")
    else:
        body = b"".join(parts)
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def open_proxy() -> Iterator[tuple[socket.socket, Proxy]]:
    """A socket that listens, and a recording in front of it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with recording(f"http://127.0.0.1:{port}/hook") as through:
            yield server, through


@given(
    st.lists(st.tuples(NAMES, VALUES), max_size=5),
    PARTS,
    PARTS,
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(1, 4_000), max_size=6),
)
@settings(max_examples=25)
def test_bytes_in_are_bytes_out(
    open_proxy: tuple[socket.socket, Proxy],
    headers: list[tuple[str, bytes]],
    sent: list[bytes],
    answered: list[bytes],
    request_in_chunks: bool,
    answer_in_chunks: bool,
    cuts: list[int],
) -> None:
    server, through = open_proxy
    answer = framed(b"HTTP/1.1 200 OK", headers, answered, answer_in_chunks)
    request = framed(b"POST /hook HTTP/1.1\r\nHost: t", headers, sent, request_in_chunks)
    expected = request.replace(b"Host: t", b"Host: 127.0.0.1:%d" % server.getsockname()[1])
    before = len(through.told.recorded)
    with through.connect() as client:
        for part in cut(request, cuts):
            client.send(part)
        accepted, _ = server.accept()
        with accepted:
            arrived = b""
            while len(arrived) < len(expected):
                arrived += accepted.recv(65_536)
            assert arrived == expected
            for part in cut(answer, cuts):
                accepted.sendall(part)
            assert client.read(len(answer)) == answer
    attempt = through.told.attempt(before)
    assert attempt.request is not None
    assert attempt.answer is not None
    assert attempt.request.head == request.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert attempt.request.body == b"".join(sent)
    assert attempt.answer.body == b"".join(answered)


def cut(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """The data in parts of these lengths, and the rest."""
    for length in cuts:
        yield data[:length]
        data = data[length:]
    yield data
