"""A connection that coroutines read and write: nothing that has come is lost, and nobody is overrun."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from vendorsim.http.stream import LARGEST_BUFFER, Stream


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Stream, socket.socket]]:
    """A stream, and the socket at its other end."""
    ours, other = socket.socketpair()
    other.setblocking(False)
    _, stream = await asyncio.get_running_loop().create_connection(Stream, sock=ours)
    with other:
        yield stream, other
        stream.abort()


def test_bytes_that_came_with_the_end_are_read_first() -> None:
    async def run() -> None:
        async with connected() as (stream, other):
            await asyncio.get_running_loop().sock_sendall(other, b"last words")
            other.shutdown(socket.SHUT_WR)
            while not stream.ended:
                await stream.more(len(stream.buffer), 20)
            assert await stream.more(0, 20)
            assert stream.buffer == b"last words"
            assert not await stream.more(len(stream.buffer), 20)

    asyncio.run(run())


def test_waiting_has_an_end_and_can_be_woken() -> None:
    async def run() -> None:
        async with connected() as (stream, _):
            with pytest.raises(TimeoutError):
                await stream.more(0, 0.01)
            asyncio.get_running_loop().call_soon(stream.wake)
            assert not await stream.more(0, 20)

    asyncio.run(run())


def test_a_full_buffer_stops_the_other_side_and_an_empty_one_lets_it_go_on() -> None:
    async def run() -> None:
        async with connected() as (stream, other):
            whole = 40 * LARGEST_BUFFER
            sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(other, b"x" * whole))
            while len(stream.buffer) < LARGEST_BUFFER:
                await stream.more(len(stream.buffer), 20)
            for _ in range(100):
                await asyncio.sleep(0)
            # What was read at once may go over the limit, nothing more.
            assert len(stream.buffer) < 3 * LARGEST_BUFFER
            read = 0
            while (read := read + len(stream.buffer)) < whole:
                stream.buffer.clear()
                await stream.more(0, 20)
            await sending

    asyncio.run(run())


def test_a_side_that_does_not_read_is_waited_for() -> None:
    async def run() -> None:
        async with connected() as (stream, other):
            large = b"x" * (40 * LARGEST_BUFFER)
            stream.write(large)
            with pytest.raises(TimeoutError):
                await stream.flushed(0.01)
            waiting = asyncio.create_task(stream.flushed(20))
            read = 0
            while read < len(large):
                read += len(await asyncio.get_running_loop().sock_recv(other, 1_000_000))
            await waiting

    asyncio.run(run())


def test_an_end_is_told() -> None:
    async def run() -> None:
        async with connected() as (stream, other):
            ends: list[bool] = []
            stream.on_end = lambda: ends.append(stream.lost)
            other.close()
            await stream.more(0, 20)
            assert (stream.ended, stream.reset) == (True, False)
            assert ends

    asyncio.run(run())
