"""One connection of the server. It answers its requests one at a time, in the order of their arrival."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from threading import Event
from typing import Any, Protocol, cast

from vendorsim.http.header_cache import HeaderCache
from vendorsim.http.limits import ServerLimits
from vendorsim.http.messages import FastPath, HttpRequest, HttpResponse, internal_error, refusal, rendered
from vendorsim.http.request_reader import RequestReader
from vendorsim.http.wsgi import ResponseChannel

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_log = logging.getLogger(__name__)


class ConnectionHost(Protocol):
    """What a connection needs from its server."""

    loop: asyncio.AbstractEventLoop
    limits: ServerLimits
    header_cache: HeaderCache
    fast_path: FastPath
    closing: bool

    def add(self, connection: Connection) -> bool:
        """Registers a new connection. Returns False when the server refuses it."""
        ...

    def remove(self, connection: Connection) -> None:
        """Forgets a closed connection."""
        ...

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Calls a function in the loop, from any thread."""
        ...

    def run_app(self, request: HttpRequest, channel: ResponseChannel, peer: tuple[str, int]) -> None:
        """Answers a request with the WSGI app, in a thread. `peer` is the host and port of the client."""
        ...


class Connection(asyncio.Protocol):
    """A client's connection. Everything here runs in the loop's thread."""

    def __init__(self, host: ConnectionHost) -> None:
        self._host = host
        self._limits = host.limits
        self._reader = RequestReader(self._take, host.header_cache)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[HttpRequest | HttpResponse] = deque()
        # The request in progress. The app answers through `_channel`; a delayed response waits for `_timer`.
        self._current: HttpRequest | None = None
        self._channel: ResponseChannel | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writable = Event()
        self._writable.set()
        self._half_closed = False
        # Set after the last response. Later data is ignored.
        self._over = False
        self.deadline = 0.0

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._expire_after(self._limits.request)
        if not self._host.add(self):
            self._send(None, refusal(503, "too many connections"))

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        reader = self._reader
        begun = reader.begun
        reader.feed(data)
        if reader.begun:
            if not begun or self._current is not None:
                self._expire_after(self._limits.request)
            self._continue()

    def eof_received(self) -> bool:
        # A client that has closed its sending side may still wait for responses.
        self._half_closed = True
        return not self._over and (self._current is not None or bool(self._waiting))

    def connection_lost(self, error: Exception | None) -> None:
        self._over = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._channel is not None:
            self._channel.disconnect()
        self._writable.set()
        self._host.remove(self)

    def pause_writing(self) -> None:
        self._writable.clear()
        self._expire_after(self._limits.stalled)

    def resume_writing(self) -> None:
        self._writable.set()
        self._next()

    # Requests and responses

    def _take(self, item: HttpRequest | HttpResponse) -> None:
        """Answers a complete request (or sends the reader's refusal), or queues it."""
        if self._over:
            return
        if self._current is not None or self._waiting or not self._writable.is_set():
            if not self._waiting and self._transport is not None:
                self._transport.pause_reading()
            self._waiting.append(item)
            return
        self._answer(item)

    def _answer(self, item: HttpRequest | HttpResponse) -> None:
        if isinstance(item, HttpResponse):
            self._send(None, item)
            return
        try:
            response = self._host.fast_path(item)
        except Exception:
            _log.exception("%s %s", item.method, item.target.decode("latin-1"))
            response = internal_error()
        if response is None:
            self._current = item
            self._channel = ResponseChannel(item, self._writable, self._host.call, self._write, self._finish)
            self._host.run_app(item, self._channel, self._peer())
        elif response.delay:
            self._current = item
            self._timer = self._host.loop.call_later(response.delay, self._send_delayed, response)
        else:
            self._send(item, response)

    def _send_delayed(self, response: HttpResponse) -> None:
        request, self._current, self._timer = self._current, None, None
        self._send(request, response)
        self._next()

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._over:
            self._transport.write(data)

    def _finish(self, data: bytes, keep_alive: bool) -> None:
        """Sends the last part of the app's response."""
        if self._over:
            return
        self._write(data)
        self._current = self._channel = None
        self._answered(keep_alive)
        self._next()

    def _send(self, request: HttpRequest | None, response: HttpResponse) -> None:
        if self._transport is None or self._over:
            return
        keep_alive = request is not None and request.keep_alive and not response.last and not self._host.closing
        self._transport.write(rendered(request, response, keep_alive))
        if response.last:
            self._linger()
        else:
            self._answered(keep_alive)

    def _answered(self, keep_alive: bool) -> None:
        if not keep_alive or self._host.closing or (self._half_closed and not self._waiting):
            self._end()
        else:
            self._expire_after(self._limits.idle)

    def _next(self) -> None:
        """Answers queued requests until one is in progress or the client stops reading."""
        while self._waiting and self._current is None and self._writable.is_set() and not self._over:
            self._answer(self._waiting.popleft())
        if not self._waiting and self._transport is not None and not self._over:
            if not self._half_closed:
                self._transport.resume_reading()
            self._continue()

    def _continue(self) -> None:
        """Sends `100 Continue` to a client that waits for it, after all earlier responses."""
        if self._reader.expects_continue and self._current is None and not self._waiting and not self._over:
            self._reader.expects_continue = False
            self._write(_CONTINUE)

    # The end

    def _expire_after(self, seconds: float) -> None:
        self.deadline = self._host.loop.time() + seconds

    def _end(self) -> None:
        self._over = True
        self._waiting.clear()
        if self._transport is not None:
            self._transport.close()

    def _linger(self) -> None:
        """Closes once the client has closed, or after `limits.linger` seconds.

        Closing at once, with unread bytes, would reset the connection, and the client could lose the response.
        """
        self._over = True
        self._waiting.clear()
        self._expire_after(self._limits.linger)
        if self._transport is not None:
            self._transport.resume_reading()
            if self._transport.can_write_eof():
                self._transport.write_eof()

    def check_deadline(self, now: float) -> None:
        """Ends a connection that is past its deadline: with status 408 in the middle of a request."""
        if now < self.deadline:
            return
        if self._over or not self._writable.is_set():
            self.abort()
        elif self._current is None and self._reader.begun:
            self._send(None, refusal(408, "the request has not come within a minute"))
        elif self._current is None:
            self._end()

    def close_if_idle(self) -> bool:
        """Closes the connection and returns True; False while the app is answering."""
        if self._channel is not None:
            return False
        self.abort()
        return True

    def abort(self) -> None:
        """Closes at once."""
        self._over = True
        if self._transport is not None:
            self._transport.abort()

    def _peer(self) -> tuple[str, int]:
        peer = self._transport.get_extra_info("peername") if self._transport is not None else None
        return (peer[0], peer[1]) if peer else ("", 0)
