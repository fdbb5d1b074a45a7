"""One connection of the front: requests are answered in the order in which they came, one at a time."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from threading import Event
from typing import TYPE_CHECKING, cast

from vendorsim.http.messages import Answered, Asked, of_fault, refusal, rendered
from vendorsim.http.request_reader import Reader
from vendorsim.http.wsgi import Outlet

if TYPE_CHECKING:
    from vendorsim.http.server import Front

# Seconds: for a whole request to arrive, between two of them, for a client to take its answer, and for one that was
# refused to read why before the connection is closed under it.
REQUEST_SECONDS = 60.0
IDLE_SECONDS = 75.0
STALLED_SECONDS = 60.0
LINGER_SECONDS = 2.0
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """A client's connection. All but the outlet of an answer in the making belongs to the loop's thread."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._reader = Reader(self._take, front.heads)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Asked | Answered] = deque()
        # The request whose answer is in the making: in a thread, by its outlet, or held back, by a timer.
        self._making: Asked | None = None
        self._outlet: Outlet | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writable = Event()
        self._writable.set()
        self._half_closed = False
        # Everything is said; what still comes is thrown away.
        self._over = False
        self._begun_at = 0.0
        self.deadline = 0.0

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.deadline = self._front.now() + REQUEST_SECONDS
        if not self._front.enter(self):
            self._send(None, refusal(503, "too many connections"))

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        begun = self._reader.begun
        self._reader.feed(data)
        if self._reader.begun:
            if not begun or self._making is not None:
                self.deadline = self._front.now() + REQUEST_SECONDS
            self._continue()

    def eof_received(self) -> bool:
        # A client that has said all may still wait for its answers.
        self._half_closed = True
        return not self._over and (self._making is not None or bool(self._waiting))

    def connection_lost(self, error: Exception | None) -> None:
        self._over = True
        self._waiting.clear()
        self._drop()
        self._front.leave(self)

    def pause_writing(self) -> None:
        self._writable.clear()
        self.deadline = self._front.now() + STALLED_SECONDS

    def resume_writing(self) -> None:
        self._writable.set()
        self._next()

    # Requests and answers

    def _take(self, asked: Asked | Answered) -> None:
        if self._over:
            return
        if self._making is not None or self._waiting or not self._writable.is_set():
            if not self._waiting and self._transport is not None:
                self._transport.pause_reading()
            self._waiting.append(asked)
            return
        self._answer(asked)

    def _answer(self, asked: Asked | Answered) -> None:
        if isinstance(asked, Answered):
            self._send(None, asked)
            return
        try:
            answered = self._front.hot(asked)
        except Exception:
            _log.exception("%s %s", asked.method, asked.target.decode("latin-1"))
            answered = of_fault()
        if answered is None:
            self._making = asked
            self._outlet = Outlet(asked, self._writable, self._front.call, self._written, self._finished)
            self._front.hand_over(asked, self._outlet, self._address())
        elif answered.held:
            self._making = asked
            self._timer = self._front.later(answered.held, self._held_long_enough, answered)
        else:
            self._send(asked, answered)

    def _held_long_enough(self, answered: Answered) -> None:
        asked, self._making, self._timer = self._making, None, None
        self._send(asked, answered)
        self._next()

    def _written(self, data: bytes) -> None:
        """Part of an answer in the making."""
        if self._transport is not None and not self._over:
            self._transport.write(data)

    def _finished(self, data: bytes, keep_alive: bool) -> None:
        """The last of an answer that was in the making."""
        if self._over:
            return
        self._written(data)
        self._making = self._outlet = None
        self._sent(keep_alive)
        self._next()

    def _send(self, asked: Asked | None, answered: Answered) -> None:
        if self._transport is None or self._over:
            return
        keep_alive = asked is not None and asked.keep_alive and not answered.last and not self._front.closing
        self._transport.write(rendered(asked, answered, keep_alive))
        if answered.last:
            self._linger()
        else:
            self._sent(keep_alive)

    def _sent(self, keep_alive: bool) -> None:
        if not keep_alive or self._front.closing or (self._half_closed and not self._waiting):
            self._end()
        else:
            self.deadline = self._front.now() + IDLE_SECONDS

    def _next(self) -> None:
        """Whatever waits for the answer before."""
        while self._waiting and self._making is None and self._writable.is_set() and not self._over:
            self._answer(self._waiting.popleft())
        if not self._waiting and self._transport is not None and not self._over:
            if not self._half_closed:
                self._transport.resume_reading()
            self._continue()

    def _continue(self) -> None:
        """Asks for the body that a client holds back, once all that came before is answered."""
        if self._reader.expects_continue and self._making is None and not self._waiting and not self._over:
            self._reader.expects_continue = False
            self._written(_CONTINUE)

    # The end

    def _end(self) -> None:
        self._over = True
        self._waiting.clear()
        if self._transport is not None:
            self._transport.close()

    def _linger(self) -> None:
        """Closes once the client has, or after a moment: closed at once, with bytes unread, a connection is reset, and
        the answer may be lost."""
        self._over = True
        self._waiting.clear()
        self.deadline = self._front.now() + LINGER_SECONDS
        if self._transport is not None:
            self._transport.resume_reading()
            if self._transport.can_write_eof():
                self._transport.write_eof()

    def _drop(self) -> None:
        """Nobody waits for the answer in the making any more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._outlet is not None:
            self._outlet.gone()
        self._writable.set()

    def overdue(self, now: float) -> None:
        """Ends what has taken too long."""
        if now < self.deadline:
            return
        if self._over or not self._writable.is_set():
            self.abort()
        elif self._making is None and self._reader.begun:
            self._send(None, refusal(408, "the request has not come within a minute"))
        elif self._making is None:
            self._end()

    def close_soon(self) -> bool:
        """The server closes: ends the connection unless an answer is in the making in a thread; whether it has."""
        if self._outlet is not None:
            return False
        self.abort()
        return True

    def abort(self) -> None:
        """Closes at once."""
        self._over = True
        if self._transport is not None:
            self._transport.abort()

    def _address(self) -> tuple[str, int]:
        peer = self._transport.get_extra_info("peername") if self._transport is not None else None
        return (peer[0], peer[1]) if peer else ("", 0)
