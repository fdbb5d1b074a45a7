"""HTTP/1.1 client over asyncio: sends exact bytes and returns one parsed answer.

Client libraries don't give the control of every byte, its timing and its connection that faults need; on httptools this
client is also several times as fast. It keeps connections alive, pools them per endpoint, and follows no redirects. A
server may close an idle connection at any moment (RFC 9112, 9.3): a request that meets a kept connection which ends
before the first byte of an answer is sent once more, on a new one.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections import defaultdict
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

import httptools
from msgspec import Struct, field

from vendorsim.core.clock import monotonic
from vendorsim.core.errors import InputError, UnreachableError
from vendorsim.http.connecting import connected
from vendorsim.http.endpoint import Endpoint
from vendorsim.http.outgoing import Wire
from vendorsim.http.proxies import through

MOST_HEADERS = 200
LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 1024 * 1024
# Seconds after which an idle connection is not reused: servers close idle connections after 5 s or more.
LONGEST_IDLE = 4.0
# Seconds for which the last byte of a request is held back at most.
LONGEST_HELD = 5.0
# Seconds between two attempts to reach a target that may come back.
_PATIENCE_PAUSE = 0.1
# The largest answer that is cached, in bytes.
LARGEST_CACHED = 4 * 1024
# Kinds of failures: no connection; no answer in time; the exchange broke off, or the answer is not HTTP.
UNREACHABLE, TIMEOUT, BROKEN = "unreachable", "timeout", "broken"
SENT_AGAIN = "sent again on a new connection: the kept one ended before an answer"


class Answer(NamedTuple):
    """The answer of the integration. `oddity` says what was unusual about it, or is None."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    oddity: str | None = None

    def header(self, name: str) -> str | None:
        """Returns the value of the first header of that name, or None. `name` is in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class Failure(NamedTuple):
    """No answer: `kind` is UNREACHABLE, TIMEOUT or BROKEN."""

    kind: str
    reason: str


class Transport(Protocol):
    """The HTTP client, as delivery and checks use it."""

    async def exchange(
        self, target: Endpoint, wire: Wire, connect_timeout: float, read_timeout: float
    ) -> Answer | Failure:
        """Sends one request and waits for its answer. Timeouts are in seconds. Returns failures, and never raises."""
        ...

    def abort(self) -> None:
        """Closes all connections at once; exchanges in progress end as failures."""
        ...


class HttpTransport:
    """Sends over real connections. Use it in one event loop only.

    `tls` is the context for https; the default verifies certificates against the system's authorities. With a `proxy`
    all requests go through it. After `Expect: 100-continue` the client waits `continue_seconds` for the interim answer,
    and then sends the body anyway (RFC 9110, 10.1.1). At most `cache` parsed answers are cached. A target that can't be
    reached is tried again for `patience` seconds.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        proxy: Endpoint | None = None,
        continue_seconds: float = 1.0,
        cache: int = 64,
        patience: float = 0.0,
    ) -> None:
        self._patience = patience
        self._continue_seconds = continue_seconds
        self._cache_size = cache
        self._tls = tls
        self._proxy = proxy
        # By origin: scheme, host and port.
        self._idle: defaultdict[tuple[Any, ...], list[_ClientConnection]] = defaultdict(list)
        self._open: set[_ClientConnection] = set()
        self._single: dict[Endpoint, asyncio.Lock] = {}
        self._cache: dict[bytes, Answer] = {}

    def exchange(
        self, target: Endpoint, wire: Wire, connect_timeout: float, read_timeout: float
    ) -> Coroutine[Any, Any, Answer | Failure]:
        exchange = self._exchange_singly if wire.connection == "single" else self._exchange
        return exchange(target, wire, connect_timeout, read_timeout)

    async def _exchange_singly(
        self, target: Endpoint, wire: Wire, connect_timeout: float, read_timeout: float
    ) -> Answer | Failure:
        async with self._single.setdefault(target, asyncio.Lock()):
            return await self._exchange(target, wire, connect_timeout, read_timeout)

    async def _exchange(
        self, target: Endpoint, wire: Wire, connect_timeout: float, read_timeout: float
    ) -> Answer | Failure:
        idle = self._idle[target[:3]]
        kept = self._take(idle) if idle and wire.reuses else None
        if kept is None:
            return await self._exchange_on_new(target, wire, connect_timeout, read_timeout)
        answer = await kept.exchange(self._as_sent(target, wire), read_timeout)
        self._release(kept, idle, wire)
        if not kept.ended_unheard or not wire.repeatable:
            return answer
        again = await self._exchange_on_new(target, wire, connect_timeout, read_timeout)
        if isinstance(again, Answer):
            return again._replace(oddity="; ".join(filter(None, (SENT_AGAIN, again.oddity))))
        # A target that can be reached no more: what happened to the request that it got says more.
        return answer if again.kind == UNREACHABLE else again._replace(reason=f"{again.reason} ({SENT_AGAIN})")

    async def _exchange_on_new(
        self, target: Endpoint, wire: Wire, connect_timeout: float, read_timeout: float
    ) -> Answer | Failure:
        ends = monotonic() + self._patience
        opened = await self._connect(target, connect_timeout)
        while isinstance(opened, Failure) and opened.kind == UNREACHABLE and monotonic() < ends:
            await asyncio.sleep(_PATIENCE_PAUSE)
            opened = await self._connect(target, connect_timeout)
        if isinstance(opened, Failure):
            if wire.barrier is not None:
                await wire.barrier.abort()
            return opened
        answer = await opened.exchange(self._as_sent(target, wire), read_timeout)
        self._release(opened, self._idle[target[:3]], wire)
        return answer

    def _as_sent(self, target: Endpoint, wire: Wire) -> Wire:
        return wire if self._proxy is None or target.secure else through(self._proxy, target, wire)

    def _release(self, connection: _ClientConnection, idle: list[_ClientConnection], wire: Wire) -> None:
        """Keeps a connection for the next request, if both may share one; closes it otherwise."""
        if connection.reusable and wire.reuses:
            connection.idle_since = monotonic()
            idle.append(connection)
        else:
            connection.abort()
            self._open.discard(connection)

    def abort(self) -> None:
        for connection in self._open:
            connection.abort()
        self._open.clear()
        self._idle.clear()

    def _take(self, idle: list[_ClientConnection]) -> _ClientConnection | None:
        """Returns an idle connection that can be reused, or None. Closes those that can't."""
        while idle:
            connection = idle.pop()
            if connection.alive and monotonic() - connection.idle_since < LONGEST_IDLE:
                return connection
            connection.abort()
            self._open.discard(connection)
        return None

    async def _connect(self, target: Endpoint, timeout: float) -> _ClientConnection | Failure:
        connection = partial(_ClientConnection, self._cache, self._cache_size, self._continue_seconds)
        tls = self._context() if target.secure else None
        try:
            protocol = await connected(connection, target, tls, self._proxy, timeout)
        except UnreachableError as error:
            return Failure(UNREACHABLE, str(error))
        self._open.add(protocol)
        return protocol

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def tls_context(ca: str | None = None, certificate: str | None = None, key: str | None = None) -> ssl.SSLContext:
    """Returns a context that verifies certificates against the system's authorities or those in the file `ca`.

    `certificate` and `key` are the files of a client certificate. Raises InputError.
    """
    if key is not None and certificate is None:
        raise InputError(f"{key}: a key is of no use without its certificate; name that too, with --cert")
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            # Without a password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(name for name in (ca, certificate, key) if name)
        raise InputError(f"{files}: can't be used for TLS: {error.strerror or error}") from None
    return context


class _Incoming(Struct):
    """An answer while it arrives."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    size: int = 0
    body: bytearray = field(default_factory=bytearray)


class _ClientConnection(asyncio.Protocol):
    """One connection, with at most one request at a time.

    `cache` holds up to `cache_size` parsed answers by their bytes: an integration repeats its answers.
    """

    def __init__(self, cache: dict[bytes, Answer], cache_size: int, continue_seconds: float) -> None:
        self._cache = cache
        self._cache_size = cache_size
        self._continue_seconds = continue_seconds
        self.alive = False
        self.reusable = False
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._incoming = _Incoming()
        self._waiter: asyncio.Future[Answer | Failure] | None = None
        self._continued: asyncio.Future[None] | None = None
        self._sending = False
        # Whether the other side ended the connection before any byte of an answer, interim answers included.
        self.ended_unheard = False
        self._heard = False
        # Whether the first byte of the answer has arrived, and whether its headers are complete.
        self._begun = self._headers_done = False
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timed = self._ends = self._timeout = 0.0

    def exchange(self, wire: Wire, timeout: float) -> Awaitable[Answer | Failure]:
        """Sends the bytes and returns what to await: the answer, at most `timeout` seconds after the last byte."""
        assert self._transport is not None
        self.reusable = False
        self._parser = None
        self._heard = self._begun = self._headers_done = False
        waiter = self._waiter = self._loop.create_future()
        self._timeout = timeout
        # Most requests are sent so, without a coroutine of their own.
        if wire.at_once:
            self._wait_until(self._loop.time() + timeout)
            self._transport.write(b"".join(wire.parts))
            return waiter
        self._sending = True
        return self._send_slowly(wire, waiter)

    async def _send_slowly(self, wire: Wire, waiter: asyncio.Future[Answer | Failure]) -> Answer | Failure:
        if wire.barrier is not None:
            self._wait_until(self._loop.time() + self._timeout + LONGEST_HELD + wire.late)
            await self._send_held(b"".join(wire.parts), wire.barrier, wire.late)
        else:
            sending = wire.pause * (len(wire.parts) - 1) + self._continue_seconds * bool(wire.continue_after)
            self._wait_until(self._loop.time() + self._timeout + sending)
            await self._send_parts(wire)
        return await waiter

    def _wait_until(self, ends: float) -> None:
        """Sets the time (of the loop) at which the exchange ends without an answer."""
        self._ends = ends
        if self._timer is None or self._timed > ends:
            self._cancel_timer()
            self._set_timer()

    def _set_timer(self) -> None:
        self._timed = self._ends
        self._timer = self._loop.call_at(self._ends, self._look_at_time)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_at_time(self) -> None:
        """Ends an exchange whose time is up. A timer outlives its exchange and serves the next one, too: to set and
        cancel one for each costs more than anything else in it."""
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._ends:
            self._set_timer()
        else:
            self._fail(TIMEOUT, f"no answer within {self._timeout:g} s")

    async def _send_held(self, data: bytes, barrier: asyncio.Barrier, late: float) -> None:
        """Sends all but the last byte, and that one together with those of the other requests at the barrier."""
        transport, waiter = self._transport, self._waiter
        assert transport is not None
        assert waiter is not None
        transport.write(data[:-1])
        with suppress(asyncio.BrokenBarrierError, TimeoutError):
            async with asyncio.timeout(LONGEST_HELD):
                await self._flushed(transport, waiter)
                await barrier.wait()
        if late:
            await asyncio.wait({waiter}, timeout=late)
        self._sending = False
        if not transport.is_closing():
            transport.write(data[-1:])

    async def _send_parts(self, wire: Wire) -> None:
        """Sends part by part, until all are sent or an answer arrives."""
        transport, waiter = self._transport, self._waiter
        assert transport is not None
        assert waiter is not None
        for number, part in enumerate(wire.parts):
            if number and wire.pause:
                await asyncio.wait({waiter}, timeout=wire.pause)
            if waiter.done() or transport.is_closing():
                return
            transport.write(part)
            if wire.continue_after == number + 1:
                self._continued = self._loop.create_future()
                waiting: set[asyncio.Future[Any]] = {waiter, self._continued}
                await asyncio.wait(waiting, timeout=self._continue_seconds, return_when=asyncio.FIRST_COMPLETED)
        if wire.ending == "answer":
            self._sending = False
        elif wire.ending == "reset":
            await self._flushed(transport, waiter)
            self._reset()
        elif transport.can_write_eof():
            transport.write_eof()
        elif wire.ending == "close":
            # TLS has no half-closed connections, so an answer is impossible.
            await self._flushed(transport, waiter)
            self._fail(BROKEN, "the connection was closed on purpose")
            transport.close()

    async def _flushed(self, transport: asyncio.Transport, waiter: asyncio.Future[Answer | Failure]) -> None:
        """Waits until the operating system has all bytes, or the exchange is over (at the latest by its timer)."""
        while transport.get_write_buffer_size() and not transport.is_closing() and not waiter.done():
            await asyncio.sleep(0.001)

    def _reset(self) -> None:
        """Ends the connection with RST instead of FIN."""
        assert self._transport is not None
        self._fail(BROKEN, "the connection was reset on purpose")
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def abort(self) -> None:
        """Closes at once."""
        self.alive = False
        self._cancel_timer()
        if self._transport is not None:
            self._transport.abort()

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.alive = True

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            # Data without a request: don't use this connection again.
            self.alive = self.reusable = False
            return
        self._heard = self._begun = True
        if self._parser is None and not self._sending and (known := self._cache.get(data)) is not None:
            self.reusable = self.alive
            self._waiter.set_result(known)
            return
        if self._parser is not None:
            self._parse(self._parser, data)
            return
        self._incoming = _Incoming()
        self._parser = httptools.HttpResponseParser(self)
        self._parse(self._parser, data)
        if self.reusable and len(data) <= LARGEST_CACHED:
            self._remember(data, self._waiter)

    def _parse(self, parser: httptools.HttpResponseParser, data: bytes) -> None:
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(BROKEN, "the answer switches to another protocol")
        except httptools.HttpParserError as error:
            if self._waiter is not None and not self._waiter.done():
                self._fail(BROKEN, f"the answer is not HTTP: {error}")
            else:
                self.reusable = False

    def _remember(self, data: bytes, waiter: asyncio.Future[Answer | Failure]) -> None:
        """Caches a complete answer that leaves the connection reusable."""
        answer = waiter.result()
        if isinstance(answer, Answer):
            if len(self._cache) >= self._cache_size:
                self._cache.clear()
            self._cache[data] = answer

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.ended_unheard = self.alive and not self._heard
        self.alive = self.reusable = False
        self._cancel_timer()
        if self._waiter is None or self._waiter.done():
            return
        if error is None and self._ends_with_connection():
            self._complete()
            return
        if isinstance(error, ssl.SSLError):
            self._fail(BROKEN, f"TLS failed: {error.reason or error}")
            return
        how = "reset the connection" if isinstance(error, ConnectionResetError) else "closed the connection"
        when = "within the answer" if self._begun else "without an answer"
        # TLS 1.3 refuses a client certificate, or its lack, after the handshake, and a reset can overtake the alert.
        refused = error is not None and self.ended_unheard and self._encrypted()
        self._fail(BROKEN, f"{how} {when}" + (" after the TLS handshake: it may want a client certificate" * refused))

    def _encrypted(self) -> bool:
        return self._transport is not None and self._transport.get_extra_info("sslcontext") is not None

    def _ends_with_connection(self) -> bool:
        """Returns whether the answer has no length, and so ends with the connection."""
        names = {name.lower() for name, _ in self._incoming.headers}
        return self._headers_done and not names & {"content-length", "transfer-encoding"}

    # httptools' callbacks

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
            self._begun = self._headers_done = False
            if self._continued is not None and not self._continued.done():
                self._continued.set_result(None)
            return
        # After an early answer, the rest of the request was not sent: the connection is not reusable.
        self.reusable = self.alive and not self._sending and parser.should_keep_alive()
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
