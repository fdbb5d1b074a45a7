"""HTTP/1.1 over asyncio: exact bytes out, one judged answer back.

Our own client, because the product is about bytes on the wire: faults need control of every byte, its
timing and its connection, and a protocol of our own over httptools is several times as fast as the
client libraries. Connections are kept alive and pooled per endpoint. Redirects are not followed and
proxies are not used.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass, field
from typing import Protocol, cast

import httptools

from simulator.delivery.clock import monotonic
from simulator.delivery.endpoint import Endpoint

MOST_HEADERS = 200
LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 1024 * 1024
# Kept connections are used again only for a while: servers close idle ones after 5 s and more.
LONGEST_IDLE = 4.0
# How an exchange can fail; `UNREACHABLE` means that no connection came about.
UNREACHABLE, TIMEOUT, BROKEN = "unreachable", "timeout", "broken"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the integration answered. `oddity` names what was strange about it, if anything."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    oddity: str | None = None

    def header(self, name: str) -> str | None:
        """The first header of that name, in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer: `kind` is UNREACHABLE, TIMEOUT or BROKEN."""

    kind: str
    reason: str


class Transport(Protocol):
    """What the player needs of a transport."""

    async def exchange(
        self, target: Endpoint, request: bytes, connect_timeout: float, read_timeout: float
    ) -> Answer | Failure:
        """Sends one request and waits for its answer. Times are seconds. Raises nothing."""
        ...

    def abort(self) -> None:
        """Closes all connections at once; exchanges under way end as failures."""
        ...


class HttpTransport:
    """The real one."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._idle: dict[Endpoint, list[_Connection]] = {}
        self._open: set[_Connection] = set()

    async def exchange(
        self, target: Endpoint, request: bytes, connect_timeout: float, read_timeout: float
    ) -> Answer | Failure:
        connection = self._take_idle(target)
        if connection is None:
            opened = await self._connect(target, connect_timeout)
            if isinstance(opened, Failure):
                return opened
            connection = opened
        answer = await connection.exchange(request, read_timeout)
        if connection.reusable:
            connection.idle_since = monotonic()
            self._idle.setdefault(target, []).append(connection)
        else:
            connection.abort()
            self._open.discard(connection)
        return answer

    def abort(self) -> None:
        for connection in self._open:
            connection.abort()
        self._open.clear()
        self._idle.clear()

    def _take_idle(self, target: Endpoint) -> _Connection | None:
        idle = self._idle.get(target)
        while idle:
            connection = idle.pop()
            if connection.alive and monotonic() - connection.idle_since < LONGEST_IDLE:
                return connection
            connection.abort()
            self._open.discard(connection)
        return None

    async def _connect(self, target: Endpoint, timeout: float) -> _Connection | Failure:
        loop = asyncio.get_running_loop()
        tls = self._context() if target.secure else None
        try:
            async with asyncio.timeout(timeout):
                _, protocol = await loop.create_connection(_Connection, target.host, target.port, ssl=tls)
        except TimeoutError:
            return Failure(UNREACHABLE, f"no connection within {timeout:g} s")
        except ssl.SSLCertVerificationError as error:
            return Failure(UNREACHABLE, f"the certificate is not trusted: {error.verify_message}")
        except ssl.SSLError as error:
            return Failure(UNREACHABLE, f"TLS failed: {error.reason or error}")
        except socket.gaierror as error:
            return Failure(UNREACHABLE, f"the host name '{target.host}' can't be resolved: {error.strerror}")
        except OSError as error:
            return Failure(UNREACHABLE, _reason(error))
        self._open.add(protocol)
        return protocol

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return (error.strerror or str(error)).lower()


@dataclass(slots=True)
class _Incoming:
    """An answer while it arrives."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    size: int = 0
    body: bytearray = field(default_factory=bytearray)


class _Connection(asyncio.Protocol):
    """One connection: at most one request at a time."""

    def __init__(self) -> None:
        self.alive = False
        self.reusable = False
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._incoming = _Incoming()
        self._waiter: asyncio.Future[Answer | Failure] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    async def exchange(self, request: bytes, timeout: float) -> Answer | Failure:
        """Sends the bytes and waits for the answer, at most `timeout` seconds."""
        assert self._transport is not None
        self.reusable = False
        self._parser = httptools.HttpResponseParser(self)
        self._incoming = _Incoming()
        self._waiter = self._loop.create_future()
        self._timer = self._loop.call_later(timeout, self._fail, TIMEOUT, f"no answer within {timeout:g} s")
        self._transport.write(request)
        try:
            return await self._waiter
        finally:
            self._timer.cancel()
            self._waiter = None

    def abort(self) -> None:
        """Closes at once."""
        self.alive = False
        if self._transport is not None:
            self._transport.abort()

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.alive = True

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done() or self._parser is None:
            # Bytes that nobody asked for: whatever they are, this connection can't be trusted again.
            self.alive = self.reusable = False
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(BROKEN, "the answer switches to another protocol")
        except httptools.HttpParserError as error:
            if not self._waiter.done():
                self._fail(BROKEN, f"the answer is not HTTP: {error}")
            else:
                self.reusable = False

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.alive = self.reusable = False
        if self._waiter is None or self._waiter.done():
            return
        if error is None and self._ends_with_connection():
            self._complete()
            return
        how = "reset the connection" if isinstance(error, ConnectionResetError) else "closed the connection"
        when = "within the answer" if self._incoming.size else "without an answer"
        self._fail(BROKEN, f"{how} {when}")

    def _ends_with_connection(self) -> bool:
        """An answer of unknown length ends where the connection ends."""
        names = {name.lower() for name, _ in self._incoming.headers}
        return self._headers_done and not names & {"content-length", "transfer-encoding"}

    # httptools' callbacks

    _headers_done = False

    def on_message_begin(self) -> None:
        if self._waiter is not None and self._waiter.done():
            self.reusable = False
        self._headers_done = False

    def on_header(self, name: bytes, value: bytes) -> None:
        incoming = self._incoming
        incoming.size += len(name) + len(value) + 4
        if len(incoming.headers) >= MOST_HEADERS or incoming.size > LARGEST_HEAD:
            self._fail(BROKEN, "the head of the answer is too large")
            return
        incoming.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self._headers_done = True
        self._incoming.size += 1

    def on_body(self, body: bytes) -> None:
        incoming = self._incoming
        room = LARGEST_BODY - len(incoming.body)
        incoming.body += body[:room]
        if len(body) > room:
            self._complete("the body of the answer is larger than 1 MiB; the rest was not read")

    def on_message_complete(self) -> None:
        parser = self._parser
        if parser is None or self._waiter is None or self._waiter.done():
            self.reusable = False
            return
        if 100 <= parser.get_status_code() < 200:
            # An interim answer; the real one follows on the same connection.
            self._incoming = _Incoming()
            return
        self.reusable = self.alive and parser.should_keep_alive()
        self._complete()

    def _complete(self, oddity: str | None = None) -> None:
        if self._waiter is None or self._waiter.done() or self._parser is None:
            return
        if oddity is not None:
            self.reusable = False
        incoming = self._incoming
        status = self._parser.get_status_code()
        self._waiter.set_result(Answer(status, tuple(incoming.headers), bytes(incoming.body), oddity))

    def _fail(self, kind: str, reason: str) -> None:
        self.reusable = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(Failure(kind, reason))
