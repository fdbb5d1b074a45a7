"""A connection that coroutines read and write, no faster than the other side reads: for passing bytes on."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

# Reading pauses while so many bytes wait to be taken.
LARGEST_BUFFER = 256 * 1024


class Stream(asyncio.Protocol):
    """One connection. Everything here runs in the loop's thread.

    `buffer` holds the bytes that have arrived and were not taken. `ended` says that the other side sends no more, and
    `lost` that the connection is of no more use; `reset` that it ended with a reset or another error. `on_end` is
    called once for each of the first two. `closed` says that the loop has nothing more to do with it.
    """

    def __init__(self, on_made: Callable[[Stream], None] = lambda stream: None) -> None:
        self.buffer = bytearray()
        self.ended = self.lost = self.reset = self.closed = False
        self.on_end: Callable[[], None] = lambda: None
        self.peer = ""
        self._on_made = on_made
        self._transport: asyncio.Transport | None = None
        self._reading: asyncio.Future[None] | None = None
        self._writing: asyncio.Future[None] | None = None
        self._paused = self._full = False

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else ""
        self._on_made(self)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) >= LARGEST_BUFFER and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        _wake(self._reading)

    def eof_received(self) -> bool:
        self.ended = True
        _wake(self._reading)
        self.on_end()
        # The other side may still read: the writer closes the connection.
        return self._transport is not None and self._transport.get_extra_info("sslcontext") is None

    def connection_lost(self, error: Exception | None) -> None:
        before = self.lost
        self.closed = True
        self.ended = self.lost = True
        self.reset = self.reset or error is not None
        _wake(self._reading)
        _wake(self._writing)
        if not before:
            self.on_end()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        _wake(self._writing)

    # For coroutines

    async def more(self, seen: int, seconds: float | None = None) -> bool:
        """Waits until the buffer has more than the `seen` bytes. Returns False if none will come, or if it was woken.
        Raises TimeoutError."""
        if len(self.buffer) > seen:
            return True
        if self.ended:
            return False
        if self._paused and self._transport is not None and seen < LARGEST_BUFFER:
            self._paused = False
            self._transport.resume_reading()
        loop = asyncio.get_running_loop()
        self._reading = loop.create_future()
        timer = None if seconds is None else loop.call_later(seconds, _expire, self._reading)
        try:
            await self._reading
        finally:
            self._reading = None
            if timer is not None:
                timer.cancel()
        return len(self.buffer) > seen

    def write(self, data: bytes) -> None:
        """Sends the bytes, or drops them if the connection is gone."""
        if self._transport is not None and not self.lost:
            self._transport.write(data)

    async def flushed(self, seconds: float | None = None) -> None:
        """Waits while the other side reads too slowly. Raises TimeoutError."""
        while self._full and not self.lost:
            loop = asyncio.get_running_loop()
            self._writing = loop.create_future()
            timer = None if seconds is None else loop.call_later(seconds, _expire, self._writing)
            try:
                await self._writing
            finally:
                self._writing = None
                if timer is not None:
                    timer.cancel()

    def end(self) -> None:
        """Tells the other side that no more bytes come. TLS has no such end: there it does nothing."""
        if self._transport is not None and not self.lost and self._transport.can_write_eof():
            self._transport.write_eof()

    def close(self) -> None:
        """Closes the connection once everything is sent."""
        if self._transport is not None:
            self._transport.close()

    def wake(self) -> None:
        """Makes a coroutine that waits for bytes look again."""
        _wake(self._reading)

    def reset_connection(self) -> None:
        """Ends the connection with a reset (RST)."""
        sock = None if self._transport is None or self.lost else self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def abort(self) -> None:
        """Closes the connection at once."""
        self.ended = self.lost = True
        if self._transport is not None:
            self._transport.abort()


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


def _expire(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())
