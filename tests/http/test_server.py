"""The server at the level of bytes: malformed and ambiguous requests, timeouts, and how responses end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from http.client import HTTPResponse
from threading import Event, Thread
from threading import enumerate as enumerate_threads
from typing import TYPE_CHECKING, Any

import pytest
from vendorsim.http.limits import LIMITS, ServerLimits
from vendorsim.http.messages import HttpRequest, HttpResponse
from vendorsim.http.server import RunningServer, ServerThreads, running_server
from vendorsim.http.thread_pool import ThreadPool

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATIENCE = 20.0
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class App:
    """Says what it was asked. `released` lets the answers to `/wait` go."""

    def __init__(self) -> None:
        self.asked: list[WSGIEnvironment] = []
        self.released = Event()
        self.closed = Event()
        self.parts_taken = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.asked.append(environ)
        path = environ["PATH_INFO"]
        if path == "/wait":
            self.released.wait(PATIENCE)
        if path == "/fault":
            raise RuntimeError("out of order")
        if path == "/late-fault":
            return self._late_fault(start_response)
        if path == "/empty":
            start_response("204 No Content", [])
            return []
        if path == "/split":
            start_response("200 OK", [("X-Evil", "a\r\nX-More: b")])
            return [b""]
        if path.startswith("/parts"):
            start_response("200 OK", [("Content-Length", "5000000")] if path == "/parts-of-known-length" else [])
            return self._parts()
        if path == "/short":
            start_response("200 OK", [("Content-Length", "10")])
            return [b"short"]
        start_response("200 Fine", [("Content-Type", "text/plain"), ("Connection", "upgrade")])
        return [environ["REQUEST_METHOD"].encode(), b" ", environ["wsgi.input"].read()]

    def _parts(self) -> Iterator[bytes]:
        try:
            for _ in range(500):
                self.parts_taken += 1
                yield b"x" * 10_000
        finally:
            self.closed.set()

    def _late_fault(self, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"x" * 100_000
        raise RuntimeError("out of order")


def fast_path(request: HttpRequest) -> HttpResponse | None:
    """Answers below /fast."""
    if request.target == b"/fast-fault":
        raise RuntimeError("out of order")
    if request.target == b"/fast-delayed":
        return HttpResponse(200, b"delayed", delay=0.01)
    return HttpResponse(200, request.body or b"") if request.target == b"/fast" else None


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def limits() -> ServerLimits:
    return LIMITS


@pytest.fixture
def server(app: App, limits: ServerLimits) -> Iterator[RunningServer]:
    with running_server(app, fast_path=fast_path, limits=limits, underscored=[b"x_token"]) as running:
        yield running
        app.released.set()


Connect = Callable[[], socket.socket]


@pytest.fixture
def connect(server: RunningServer) -> Iterator[Connect]:
    opened: list[socket.socket] = []

    def connection() -> socket.socket:
        opened.append(socket.create_connection((server.host, server.port), timeout=PATIENCE))
        return opened[-1]

    yield connection
    for each in opened:
        each.close()


def answers(connection: socket.socket, *methods: str) -> list[tuple[int, bytes]]:
    """The next answers on a connection, to requests of these methods."""
    # The file is shared, so that what is read ahead of one answer is there for the next.
    found = []
    with connection.makefile("rb") as file:
        for method in methods:
            reply = HTTPResponse(_Kept(file), method=method)  # type: ignore[arg-type]
            reply.begin()
            found.append((reply.status, reply.read()))
    return found


class _Kept:
    """A socket whose file does not close with an answer."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._file_close, file.close = file.close, lambda: None

    def makefile(self, mode: str) -> Any:
        return self._file


def all_of(connection: socket.socket) -> bytes:
    """Everything until the server closes the connection."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /\r\n\r\n", 505),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 501),
        (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: x\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70_000, 431),
        (b"GET /" + b"a" * 70_000, 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 300 + b"\r\n", 431),
        (b"\r\n" * 40_000, 431),
        # Where does the body end? Two answers are one too many.
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
        (POST + b"Content-Length: 1, 1\r\n\r\na", 400),
        (POST + b"Content-Length: +1\r\n\r\na", 400),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Content-Length: 0x1\r\n\r\na", 400),
        (POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: identity\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (CHUNKED + b"zz\r\n", 400),
        (CHUNKED + b"2\r\nabX\r\n", 400),
        (CHUNKED + b"2\nab\n0\n\n", 400),
        (CHUNKED + b"fffffffffffffffff\r\n", 400),
        (CHUNKED + b"1;" + b"x" * 600_000, 400),
        (CHUNKED + b"0\r\nA: " + b"x" * 600_000, 400),
        (POST + b"Content-Length: 67108865\r\n\r\n", 413),
        (POST + b"Expect: 200-ok\r\nContent-Length: 1\r\n\r\n", 417),
    ],
    ids=lambda value: repr(value)[-60:],
)
def test_what_is_no_request_gets_a_json_answer_and_nothing_after_it(
    app: App, connect: Connect, sent: bytes, status: int
) -> None:
    connection = connect()
    # An eager client may already see the connection closed while it sends.
    connection.sendall(sent + GET if len(sent) < 60_000 else sent)
    ((got, body),) = answers(connection, "POST")
    assert (got, body[:12]) == (status, b'{"message":"')
    assert connection.recv(1) == b""
    assert app.asked == []
    other = connect()
    other.sendall(GET)
    assert answers(other, "GET") == [(200, b"GET ")]


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (POST + b"Content-Length: 3\r\n\r\nabc", b"POST abc"),
        (CHUNKED + b"1\r\na\r\n2;x=y\r\nbc\r\n0\r\nX-Trailer: t\r\n\r\n", b"POST abc"),
        (POST + b"content-length:3 \r\n\r\nabc", b"POST abc"),
        (b"\r\n\r\n" + GET, b"GET "),
        (b"GET http://other/path?q HTTP/1.1\r\nHost: x\r\n\r\n", b"GET "),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"OPTIONS "),
        (POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc", b"POST abc"),
        (CHUNKED[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"POST abc"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", b"GET "),
        (b"POST /fast HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (b"POST /fast-delayed HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"delayed"),
    ],
    ids=lambda value: repr(value)[:60],
)
@pytest.mark.parametrize("pieces", [1, 7, 1_000])
def test_a_request_is_read_however_it_is_cut_and_the_next_one_too(
    connect: Connect, sent: bytes, body: bytes, pieces: int
) -> None:
    connection = connect()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    size = -(-len(sent) // pieces)
    for start in range(0, len(sent), size):
        connection.sendall(sent[start : start + size])
    connection.sendall(GET)
    assert answers(connection, "POST", "GET") == [(200, body), (200, b"GET ")]


def test_the_app_is_told_what_a_wsgi_app_is_told(app: App, server: RunningServer, connect: Connect) -> None:
    connection = connect()
    connection.sendall(
        b"POST //a%20b/%C3%A9/%2F?q=%41&r HTTP/1.1\r\nHost: y:1\r\nContent-Type: text/plain\r\nA-B: 1\r\na-b: 2\r\n"
        b"A_B: 3\r\nContent_Length: 9\r\nX_Token: t\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    )
    assert answers(connection, "POST") == [(200, b"POST x")]
    (told,) = app.asked
    wanted = {
        "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/a b/\xc3\xa9//", "QUERY_STRING": "q=%41&r",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": str(server.port), "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": str(connection.getsockname()[1]), "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "1", "HTTP_HOST": "y:1", "HTTP_A_B": "1, 2", "HTTP_X_TOKEN": "t",
        "wsgi.url_scheme": "http", "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }  # fmt: skip
    assert {name: told[name] for name in wanted} == wanted
    assert {name for name in told if name.startswith("HTTP_")} == {"HTTP_HOST", "HTTP_A_B", "HTTP_X_TOKEN"}


def test_a_whole_url_says_which_host_is_meant(app: App, connect: Connect) -> None:
    connection = connect()
    connection.sendall(
        b"GET http://other:5/a/b?c HTTP/1.1\r\nHost: x\r\n\r\nGET http://other?d HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    answers(connection, "GET", "GET")
    told = [(each["HTTP_HOST"], each["PATH_INFO"], each["QUERY_STRING"]) for each in app.asked]
    assert told == [("other:5", "/a/b", "c"), ("other", "/", "d")]


def test_a_body_larger_than_what_is_kept_has_its_length_and_no_content(app: App, connect: Connect) -> None:
    connection = connect()
    connection.sendall(POST + b"Content-Length: 3000000\r\n\r\n" + b"x" * 3_000_000)
    assert answers(connection, "POST") == [(200, b"POST ")]
    assert app.asked[0]["CONTENT_LENGTH"] == "3000000"


def test_many_requests_at_once_are_answered_in_their_order(app: App, connect: Connect) -> None:
    connection = connect()
    targets = [b"/wait", b"/fast", b"/fast-delayed", b"/a", b"/fast", b"/fast-fault"] * 50
    connection.sendall(
        b"".join(
            b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n%03d" % (target, number)
            for number, target in enumerate(targets)
        )
    )
    app.released.set()
    told = {b"/fast": b"%03d", b"/fast-delayed": b"delayed", b"/fast-fault": b'{"message": "Internal Server Error"}'}
    wanted = []
    for number, target in enumerate(targets):
        body = told.get(target, b"POST %03d")
        wanted.append((500 if target == b"/fast-fault" else 200, body % number if b"%" in body else body))
    assert answers(connection, *["POST"] * len(targets)) == wanted


def test_a_refusal_waits_for_the_answers_before_it(app: App, connect: Connect) -> None:
    connection = connect()
    connection.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n")
    app.released.set()
    first, second = answers(connection, "GET", "GET")
    assert (first, second[0]) == ((200, b"GET "), 400)


def test_a_client_that_reads_nothing_is_not_answered_without_end(
    app: App, connect: Connect, server: RunningServer
) -> None:
    connection = connect()
    connection.sendall(b"GET /parts HTTP/1.1\r\nHost: x\r\n\r\n")
    connection.recv(1)
    # Another client is served meanwhile, and what the first one has not read has not been made.
    other = connect()
    other.sendall(GET)
    assert answers(other, "GET") == [(200, b"GET ")]
    connection.close()
    assert app.closed.wait(PATIENCE), "the app learns that its client has gone"


def test_the_body_is_asked_for_where_the_client_waits_for_that(connect: Connect) -> None:
    connection = connect()
    connection.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert connection.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"abc")
    assert answers(connection, "POST") == [(200, b"POST abc")]


def test_the_body_is_asked_for_only_after_the_answers_before(app: App, connect: Connect) -> None:
    connection = connect()
    connection.sendall(
        b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + POST + b"Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n"
    )
    app.released.set()
    received = b""
    while not received.endswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
        received += connection.recv(1_000)
    assert received.startswith(b"HTTP/1.1 200 Fine\r\n")
    assert received.count(b"HTTP/1.1") == 2
    connection.sendall(b"a")
    assert answers(connection, "POST") == [(200, b"POST a")]


@pytest.mark.parametrize(
    ("sent", "ends"),
    [
        (GET, False),
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", True),
        (b"GET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", False),
        (b"GET /short HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (b"GET /fault HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (b"GET /split HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (b"GET /fast-fault HTTP/1.1\r\nHost: x\r\n\r\n", False),
    ],
)
def test_who_wants_the_connection_kept_has_it_kept(connect: Connect, sent: bytes, ends: bool) -> None:
    connection = connect()
    connection.sendall(sent)
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1_000) or pytest.fail("the connection ended without an answer")
    if not ends:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    rest = head + all_of(connection)
    assert rest.count(b"HTTP/1.1 ") == 1 + (not ends)
    assert (b"Connection: keep-alive" in head) == (b"keep-alive" in sent)
    assert b"upgrade" not in rest
    assert b"X-More" not in rest


@pytest.mark.parametrize(
    ("path", "version", "framing"),
    [
        ("/parts", "1.1", b"Transfer-Encoding: chunked"),
        ("/parts", "1.0", b"Connection: close"),
        ("/parts-of-known-length", "1.1", b"Content-Length: 5000000"),
        ("/parts-of-known-length", "1.0", b"Content-Length: 5000000"),
    ],
)
def test_a_long_answer_goes_out_in_parts(connect: Connect, path: str, version: str, framing: bytes) -> None:
    connection = connect()
    connection.sendall(f"GET {path} HTTP/{version}\r\nHost: x\r\n\r\n".encode())
    assert framing in connection.recv(300, socket.MSG_PEEK | socket.MSG_WAITALL)
    assert answers(connection, "GET") == [(200, b"x" * 5_000_000)]


def test_an_answer_that_breaks_off_does_not_look_whole(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    connection = connect()
    connection.sendall(b"GET /late-fault HTTP/1.1\r\nHost: x\r\n\r\n")
    assert not all_of(connection).endswith(b"0\r\n\r\n")
    assert "out of order" in caplog.text


@pytest.mark.parametrize("path", ["/", "/parts", "/fast", "/parts-of-known-length"])
def test_the_answer_to_head_has_no_body(connect: Connect, path: str) -> None:
    connection = connect()
    connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() + GET)
    first, second = answers(connection, "HEAD", "GET")
    assert (first, second) == ((200, b""), (200, b"GET "))


def test_an_answer_without_a_body_has_no_length(connect: Connect) -> None:
    connection = connect()
    connection.sendall(b"GET /empty HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    received = all_of(connection)
    assert received.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert b"Content-Length" not in received


def test_a_client_may_say_that_it_has_said_all(app: App, connect: Connect) -> None:
    connection = connect()
    connection.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
    connection.shutdown(socket.SHUT_WR)
    app.released.set()
    assert all_of(connection).count(b"HTTP/1.1 200 Fine") == 2


# Who takes too long


impatient = pytest.mark.parametrize(
    "limits", [ServerLimits(sweep=0.01, request=0.1, idle=0.1, stalled=0.1, linger=0.1)], ids=["impatient"]
)


@impatient
@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"", b""),
        (GET[:10], b"HTTP/1.1 408 "),
        (POST + b"Content-Length: 10\r\n\r\nab", b"HTTP/1.1 408 "),
        (CHUNKED + b"5\r\nab", b"HTTP/1.1 408 "),
        (GET, b"HTTP/1.1 200 "),
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET /parts HTTP/1.1\r\nHost: x\r\n\r\n" * 20, b"HTTP/1.1 200 "),
    ],
    ids=lambda value: repr(value)[-50:],
)
def test_who_says_nothing_more_or_takes_nothing_is_left(connect: Connect, sent: bytes, answered: bytes) -> None:
    connection = connect()
    connection.sendall(sent)
    if sent.count(b"GET /parts") > 1:
        time.sleep(0.3)  # what is being tested: who takes nothing for a while
        try:
            received = all_of(connection)
        except ConnectionResetError:
            return
        assert len(received) < 20 * 5_000_000
    else:
        received = all_of(connection)
        assert received[: len(answered)] == answered


@impatient
def test_a_request_that_trickles_in_has_no_more_time_than_any_other(connect: Connect) -> None:
    connection = connect()
    trickle = b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 1_000
    connection.settimeout(0.02)
    for number in range(1_000):
        connection.sendall(trickle[number : number + 1])
        try:
            received = connection.recv(1_000)
        except TimeoutError:
            continue
        break
    assert received.startswith(b"HTTP/1.1 408 ")
    assert number < 100


@impatient
def test_an_answer_may_take_longer_than_any_of_that(app: App, connect: Connect) -> None:
    connection = connect()
    connection.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    connection.settimeout(0.3)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    app.released.set()
    connection.settimeout(PATIENCE)
    assert answers(connection, "GET") == [(200, b"GET ")]


@pytest.mark.parametrize("limits", [ServerLimits(connections=2)], ids=["two"])
def test_connections_beyond_the_limit_are_told_so(connect: Connect) -> None:
    first, second, third = connect(), connect(), connect()
    assert answers(third, "GET")[0][0] == 503
    third.close()
    for each in (first, second):
        each.sendall(GET)
        assert answers(each, "GET") == [(200, b"GET ")]


# The end


def test_closing_waits_a_moment_for_answers_in_the_making(app: App) -> None:
    server = running_server(app, fast_path=fast_path)
    with closing(socket.create_connection((server.host, server.port), timeout=PATIENCE)) as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        while not app.asked:
            time.sleep(0.001)
        app.released.set()
        server.close()
        received = all_of(connection)
    assert received.startswith(b"HTTP/1.1 200 Fine")
    server.close()


def test_closing_does_not_wait_for_delayed_answers(app: App) -> None:
    # It would wait for an hour: for the delay, or for the grace that the app's answers get.
    limits = ServerLimits(grace=3_600.0)
    asked = Event()

    def late(request: HttpRequest) -> HttpResponse:
        asked.set()
        return HttpResponse(200, b"", delay=3_600.0)

    server = running_server(app, limits=limits, fast_path=late)
    with closing(socket.create_connection((server.host, server.port), timeout=PATIENCE)) as connection:
        connection.sendall(GET)
        assert asked.wait(PATIENCE)
        ending = Thread(target=server.close, daemon=True)
        ending.start()
        ending.join(PATIENCE)
        assert not ending.is_alive()
        # Without uvloop the connection is reset, since the answer was never sent.
        with suppress(ConnectionResetError):
            assert all_of(connection) == b""


class TestThreadsThatServersShare:
    def test_serve_one_server_after_the_other(self, app: App) -> None:
        with closing(ServerThreads()) as threads:
            with running_server(app, threads=threads) as first:
                assert asked(first, "GET / HTTP/1.1") == b"GET "
            with running_server(app, threads=threads) as second:
                with pytest.raises(ConnectionRefusedError):
                    asked(first, "GET / HTTP/1.1")
                assert asked(second, "GET / HTTP/1.1") == b"GET "

    def test_serve_several_servers_at_once(self, app: App) -> None:
        with (
            closing(ServerThreads()) as threads,
            running_server(app, threads=threads) as first,
            running_server(app, threads=threads) as second,
        ):
            assert [asked(each, "GET / HTTP/1.1") for each in (first, second)] == [b"GET ", b"GET "]

    def test_are_not_kept_from_the_next_server_by_an_answer_that_takes_long(self, app: App) -> None:
        limits = ServerLimits(grace=0.0)
        with closing(ServerThreads(most_for_apps=1)) as threads:
            with (
                running_server(app, limits=limits, threads=threads) as first,
                closing(socket.create_connection((first.host, first.port), timeout=PATIENCE)) as connection,
            ):
                connection.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
                while not app.asked:
                    time.sleep(0.001)
            with running_server(app, threads=threads) as second:
                assert asked(second, "GET / HTTP/1.1") == b"GET "
        app.released.set()

    def test_end_when_they_are_closed(self, app: App) -> None:
        before = set(enumerate_threads())
        with closing(ServerThreads()) as threads, running_server(app, threads=threads) as server:
            asked(server, "GET / HTTP/1.1")
            started = set(enumerate_threads()) - before
        for thread in started:
            thread.join(PATIENCE)
        assert started
        assert not any(thread.is_alive() for thread in started)


def asked(server: RunningServer, line: str) -> bytes:
    """The body of the answer to a request without a body."""
    with closing(socket.create_connection((server.host, server.port), timeout=PATIENCE)) as connection:
        connection.sendall(f"{line}\r\nHost: x\r\n\r\n".encode())
        response = HTTPResponse(connection)
        response.begin()
        return response.read()


def test_the_thread_pool_grows_on_demand_up_to_its_size() -> None:
    pool = ThreadPool(3)
    started, release, names = [Event() for _ in range(7)], Event(), set()

    def work(number: int) -> Callable[[], None]:
        def do() -> None:
            import threading

            names.add(threading.current_thread().name)
            started[number].set()
            release.wait(PATIENCE)

        return do

    for number in range(7):
        pool.submit(work(number))
    assert all(each.wait(PATIENCE) for each in started[:3])
    assert not started[3].is_set()
    release.set()
    assert all(each.wait(PATIENCE) for each in started)
    assert len(names) == 3
    pool.close()
