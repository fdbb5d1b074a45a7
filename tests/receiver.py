"""An integration made of a bare socket: it records every byte it gets, and answers whatever a test says.

    with Receiver() as target:                          # 200 to everything
    with Receiver(status(204)) as target:               # the same answer each time
    with Receiver(status(200), status(500)) as target:  # one by one; the last one goes on
    with Receiver(reset) as target:                     # or a function that does as it likes

`target.requests` are the requests in the order in which they were complete, over all connections;
`target.connections` hold what each connection got, complete or not, and in which pieces.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import orjson

# Far beyond what any test needs: a test that waits this long has failed.
PATIENCE = 20.0


def status(code: int, body: bytes = b"", **headers: object) -> bytes:
    """A complete answer; `headers` are written with underscores for dashes."""
    lines = [f"HTTP/1.1 {code} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True)
class Request:
    """One complete request. `raw` are its bytes; `at` is when it was complete, in monotonic seconds."""

    raw: bytes
    connection: int
    at: float

    @property
    def head(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.partition(b"\r\n")[0].decode()

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names as they were sent, values in order."""
        pairs = (line.decode().partition(": ") for line in self.head.split(b"\r\n")[1:])
        return [(name, value) for name, _, value in pairs]

    def header(self, name: str) -> str | None:
        """The value of the one header of that name. More than one is an error."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} was sent {len(values)} times"
        return values[0] if values else None


@dataclass(frozen=True)
class Piece:
    """Bytes that were read together, and when, in monotonic seconds."""

    data: bytes
    at: float


@dataclass
class Connection:
    """One connection, as the integration sees it. `ended` says how, once it is over: "closed" or "reset" by
    the other side, or "by us"."""

    number: int
    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)
    pieces: list[Piece] = field(default_factory=list)
    ended: str | None = None
    open: bool = True

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.socket.sendall(data)

    def close(self) -> None:
        """Closes in the orderly way, after everything sent so far."""
        self.open = False
        self.socket.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Closes with a reset (RST)."""
        self.open = False
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


Action = Callable[[Connection, Request], None]
Answer = bytes | Action


def never(connection: Connection, request: Request) -> None:
    """Keeps the connection and says nothing."""


def close(connection: Connection, request: Request) -> None:
    """Hangs up without a word."""
    connection.close()


def reset(connection: Connection, request: Request) -> None:
    """Resets the connection."""
    connection.reset()


def last_words(data: bytes) -> Action:
    """Sends bytes, then hangs up."""

    def act(connection: Connection, request: Request) -> None:
        connection.send(data)
        connection.close()

    return act


class Receiver:
    """Listens on a free port of this machine until it is closed. A `greeting` is sent to whoever connects, an
    `interim` answer as soon as a head is there and its body is not; with `tls` connections are encrypted."""

    def __init__(
        self,
        *answers: Answer,
        greeting: bytes = b"",
        interim: bytes = b"",
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.requests: list[Request] = []
        self.connections: list[Connection] = []
        self._answers = answers or (status(200),)
        self._greeting = greeting
        self._interim = interim
        self._tls = tls
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listening.getsockname()[1]
        self._start(self._accept)

    def url(self, path: str = "/hook") -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}{path}"

    @property
    def bodies(self) -> list[bytes]:
        return [request.body for request in self.requests]

    def wait_for(self, count: int) -> list[Request]:
        """The first `count` requests, as soon as they have arrived."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.requests) >= count, PATIENCE)
            assert arrived, f"{len(self.requests)} requests arrived, not {count}"
            return self.requests[:count]

    def wait_for_end(self, number: int = 0) -> Connection:
        """Connection `number` (from 0), as soon as it is over."""
        with self._changed:
            over = self._changed.wait_for(lambda: self._is_over(number), PATIENCE)
            assert over, f"connection {number} is not over"
            return self.connections[number]

    def _is_over(self, number: int) -> bool:
        return len(self.connections) > number and self.connections[number].ended is not None

    def stop_listening(self) -> None:
        """Refuses new connections from now on; those that are open go on. It may be called again."""
        if self._listening.fileno() == -1:
            return
        # A thread that waits in accept() holds the port until it is woken.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def close(self) -> None:
        """Stops listening, closes every connection and waits for the threads."""
        self.stop_listening()
        # Whoever has connected meanwhile is among the connections then.
        self._threads[0].join(PATIENCE)
        for connection in self.connections:
            connection.open = False
            with contextlib.suppress(OSError):  # it may be closed already
                connection.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                return
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(len(self.connections), accepted)
            with self._changed:
                self.connections.append(connection)
                self._changed.notify_all()
            self._start(self._serve, connection)

    def _serve(self, connection: Connection) -> None:
        try:
            if self._tls is not None:
                connection.socket = self._tls.wrap_socket(connection.socket, server_side=True)
            if self._greeting:
                connection.send(self._greeting)
            self._converse(connection)
        except OSError as error:
            connection.ended = "reset" if isinstance(error, ConnectionResetError) else str(error)
        finally:
            connection.ended = connection.ended if connection.open else "by us"
            connection.socket.close()
            with self._changed:
                self._changed.notify_all()

    def _converse(self, connection: Connection) -> None:
        taken, told = 0, -1
        while connection.open:
            data = _read(connection.socket)
            if not data:
                connection.ended = "reset" if _is_dead(connection.socket) else "closed"
                return
            connection.received += data
            connection.pieces.append(Piece(data, time.monotonic()))
            while connection.open and (raw := _complete(connection.received, taken)) is not None:
                taken += len(raw)
                self._answer(connection, Request(raw, connection.number, time.monotonic()))
            if self._interim and told < taken and b"\r\n\r\n" in connection.received[taken:]:
                told = taken
                connection.send(self._interim)

    def _answer(self, connection: Connection, request: Request) -> None:
        with self._changed:
            answer = self._answers[min(len(self.requests), len(self._answers) - 1)]
            self.requests.append(request)
            self._changed.notify_all()
        if isinstance(answer, bytes):
            connection.send(answer)
        else:
            answer(connection, request)


def _read(source: socket.socket) -> bytes:
    if isinstance(source, ssl.SSLSocket) and not source.pending():
        # `ssl` takes a reset for an end: look for it below.
        socket.socket.recv(source, 1, socket.MSG_PEEK)
    return source.recv(65_536)


def _is_dead(source: socket.socket) -> bool:
    """Whether nothing can be sent any more after an end. `ssl` may have swallowed the reset that it met in mid-read;
    a connection that was only closed takes another byte."""
    if not isinstance(source, ssl.SSLSocket):
        return False
    try:
        socket.socket.send(source, b"\0")
    except OSError:
        return True
    return False


def _complete(received: bytearray, start: int) -> bytes | None:
    """The request that begins at `start`, if all of it is there. One without a length has no body; a chunked body
    is taken as it is, and must not hold an empty line before its end."""
    head_end = received.find(b"\r\n\r\n", start)
    if head_end < 0:
        return None
    length = 0
    if b"\r\ntransfer-encoding: chunked" in bytes(received[start:head_end]).lower():
        last = received.find(b"\r\n0\r\n\r\n", head_end)
        return bytes(received[start : last + 7]) if last >= 0 else None
    for line in bytes(received[start:head_end]).split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
    end = head_end + 4 + length
    return bytes(received[start:end]) if len(received) >= end else None
