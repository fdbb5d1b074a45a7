"""One connection of a client, and its own connection to the target: what comes in goes out as it is.

The two connections belong together. So whatever one side does to its connection (keeps it, closes it, resets it) the
other side sees, and no request can reach the target on another client's connection.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from functools import partial
from typing import Protocol

from vendorsim.captures.exchange import Direction
from vendorsim.core.clock import monotonic, wall_clock
from vendorsim.core.errors import UnreachableError
from vendorsim.http import bodies
from vendorsim.http.connecting import connected
from vendorsim.http.heads import (
    END,
    LARGEST_HEAD,
    AnswerHead,
    BodyEnd,
    Malformed,
    RequestHead,
    answer_head,
    request_head,
)
from vendorsim.http.messages import HttpRequest, refusal, rendered
from vendorsim.http.stream import Stream
from vendorsim.http.transport import BROKEN, TIMEOUT, UNREACHABLE
from vendorsim.recording.passed import Kept, Passed, PassingLimits, Way

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BARE_LINE_FEED = re.compile(rb"(?:^|[^\r])\n")
_FIRST_BYTE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z\r-]")


class _Failed(Exception):
    """The exchange goes no further. `status` is what the client is answered, if its answer has not begun; None: its
    connection ends as that of the target did."""

    def __init__(self, kind: str, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.status = status


class PassageHost(Protocol):
    """What a passage needs from the recording."""

    limits: PassingLimits

    def opened(self, stream: Stream) -> None:
        """Remembers a connection, to close it at the end."""
        ...

    async def next_number(self) -> int:
        """The number of a request that has arrived, as soon as there is room to keep it."""
        ...

    def take(self, passed: Passed) -> None:
        """Keeps a request that is over."""
        ...

    def refuse(self, status: int, why: str) -> None:
        """Counts a request that is no HTTP."""
        ...


class Passage:
    """Passes the requests of one connection on, one after the other."""

    def __init__(self, host: PassageHost, client: Stream, way: Way) -> None:
        self._host = host
        self._client = client
        self._way = way
        self._limits = host.limits
        self._target: Stream | None = None
        # Whether the client may lose its answer if the connection is closed at once.
        self._lingers = False

    async def run(self) -> None:
        """Serves the connection until it ends. Never raises, but when it is cancelled."""
        try:
            while (head := await self._next()) is not None:
                if not await self._pass(head):
                    break
        except Malformed as error:
            self._host.refuse(error.status, str(error))
            self._answer_ourselves(None, error.status, str(error))
        finally:
            if self._lingers:
                await self._linger()
            if self._target is not None:
                self._target.close()
            self._client.close()

    async def turn_away(self, status: int, why: str) -> None:
        """Answers with that status, whatever comes."""
        self._host.refuse(status, why)
        self._answer_ourselves(None, status, why)
        await self._linger()
        self._client.close()

    # The request

    async def _next(self) -> RequestHead | None:
        """The next head; None at the end of the connection, of whichever side. Raises Malformed."""
        client, limits = self._client, self._limits
        client.on_end = lambda: None
        if self._target is not None:
            self._target.on_end = client.wake
        searched, until = 0, monotonic() + limits.request
        while True:
            buffer = client.buffer
            while buffer.startswith(b"\r\n"):
                # RFC 9112, 2.2: clients of old send an empty line after a request.
                del buffer[:2]
            end = buffer.find(END, max(0, searched - len(END)))
            if 0 <= end <= LARGEST_HEAD:
                raw = bytes(buffer[:end])
                del buffer[: end + len(END)]
                return request_head(raw)
            _require_head(buffer, searched)
            searched = len(buffer)
            gone = self._target is not None and self._target.ended
            if client.ended or (gone and not buffer):
                return None
            if not buffer:
                until = monotonic() + limits.request
            try:
                await client.more(searched, until - monotonic() if buffer else limits.idle)
            except TimeoutError:
                if buffer:
                    raise Malformed(408, f"the head has not come within {limits.request:g} s") from None
                return None

    async def _pass(self, head: RequestHead) -> bool:
        """Passes one request on, and its answer back. Returns whether the connection stays open."""
        way, most = self._way, self._limits.kept
        number, began = await self._host.next_number(), monotonic()
        passed = Passed(number, way.direction, way.target.shown, head, wall_clock(), Kept(most), Kept(most))
        body = bodies.body(head.framing)
        try:
            # Bytes that nobody has asked for would be taken for the answer.
            if self._target is None or self._target.ended or self._target.buffer:
                await self._connect()
            return await self._exchange(head, body, passed)
        except _Failed as failed:
            passed.failure, passed.reason = failed.kind, str(failed)
            if failed.kind == UNREACHABLE:
                await self._read_rest(head, body, passed)
            passed.milliseconds = (monotonic() - began) * 1000
            self._fail(passed, failed.status)
            return False
        except asyncio.CancelledError:
            passed.failure, passed.reason = BROKEN, "the recording ended before the answer"
            raise
        finally:
            passed.milliseconds = passed.milliseconds or (monotonic() - began) * 1000
            if passed.body.is_cut:
                passed.problems.append(_cut("body", passed.body))
            if passed.answer_body.is_cut:
                passed.problems.append(_cut("answer", passed.answer_body))
            self._host.take(passed)

    async def _connect(self) -> None:
        way = self._way
        if self._target is not None:
            self._target.close()
        try:
            made = partial(Stream, self._host.opened)
            self._target = await connected(made, way.target, way.tls, way.proxy, self._limits.connect)
        except UnreachableError as error:
            self._target = None
            raise _Failed(UNREACHABLE, str(error), 502) from None

    async def _exchange(self, head: RequestHead, body: bodies.PassingBody, passed: Passed) -> bool:
        client, target = self._client, self._target
        assert target is not None
        # Whoever sends the rest of the body has to see it.
        target.on_end = client.wake
        client.on_end = partial(self._client_ended, body)
        try:
            piece = body.take(client.buffer)
        except Malformed as error:
            raise self._of_request(error) from None
        passed.body.add(piece.content)
        target.write(self._way.request(head) + piece.raw)
        if client.ended:
            self._client_ended(body)
        sending = None if body.over else asyncio.create_task(self._send_rest(body, passed))
        try:
            keep_alive = await self._answer(head, passed)
            if sending is not None and not target.ended:
                # The answer came early.
                await asyncio.wait({sending})
        except _Failed:
            refused = None if sending is None or not sending.done() or sending.cancelled() else sending.exception()
            if isinstance(refused, Malformed):
                raise self._of_request(refused) from None
            if isinstance(refused, _Failed):
                raise refused from None
            raise
        finally:
            if sending is not None:
                sending.cancel()
                with suppress(asyncio.CancelledError, Malformed, _Failed):
                    await sending
        if keep_alive and head.keep_alive and body.over:
            return True
        self._lingers = not body.over or bool(client.buffer)
        return False

    def _of_request(self, error: Malformed) -> _Failed:
        self._host.refuse(error.status, str(error))
        return _Failed(BROKEN, str(error), error.status)

    def _client_ended(self, body: bodies.PassingBody) -> None:
        """Passes the end of the client's connection on."""
        if self._target is None:
            return
        if self._client.lost:
            self._target.abort()
            self._target.wake()
        elif body.over and not self._client.buffer:
            self._target.end()

    async def _flushed(self, stream: Stream, who: str) -> None:
        """Waits while that side reads too slowly. Raises _Failed."""
        try:
            await stream.flushed(self._limits.idle)
        except TimeoutError:
            raise _Failed(TIMEOUT, f"{who} has read nothing for {self._limits.idle:g} s", 504) from None

    async def _send_rest(self, body: bodies.PassingBody, passed: Passed) -> None:
        """Passes the rest of a request's body on, as it comes. Raises Malformed or _Failed."""
        client, target = self._client, self._target
        assert target is not None
        try:
            while not body.over:
                seen = len(client.buffer)
                await self._flushed(target, "the target")
                if target.ended:
                    return
                if not await client.more(seen, self._limits.request) and client.ended:
                    passed.problems.append("the request broke off")
                    target.end()
                    return
                piece = body.take(client.buffer)
                passed.body.add(piece.content)
                target.write(piece.raw)
            if client.ended:
                self._client_ended(body)
        except TimeoutError:
            target.abort()
            target.wake()
            raise Malformed(408, "the body has stopped in the middle") from None
        except (Malformed, _Failed):
            target.abort()
            target.wake()
            raise

    async def _read_rest(self, head: RequestHead, body: bodies.PassingBody, passed: Passed) -> None:
        """Reads the body of a request that can't be passed on, so that it is kept."""
        client = self._client
        expected = any(value.lower() == b"100-continue" for value in head.values(b"expect"))
        if expected and head.version == b"1.1" and not body.over and not client.buffer:
            client.write(_CONTINUE)
        try:
            while True:
                passed.body.add(body.take(client.buffer).content)
                if body.over or passed.body.is_cut:
                    return
                if not await client.more(len(client.buffer), self._limits.request) and client.ended:
                    body.end()
        except (Malformed, TimeoutError) as error:
            passed.problems.append(f"the request broke off: {error}" if str(error) else "the request broke off")

    # The answer

    async def _answer(self, head: RequestHead, passed: Passed) -> bool:
        """Passes the answer back, and the interim ones before it. Returns whether both connections can be used again.
        Raises _Failed."""
        client, target = self._client, self._target
        assert target is not None
        answer = await self._answer_head(head)
        while answer.is_interim:
            if head.version == b"1.1":
                client.write(answer.passed())
            answer = await self._answer_head(head)
        # HTTP/1.0 has no chunks: the body then ends with the connection.
        plain = answer.framing is BodyEnd.CHUNKED and head.version == b"1.0"
        body, first = bodies.body(answer.framing), answer.passed(without_chunks=plain)
        passed.answer, passed.status = answer, answer.status
        while True:
            try:
                piece = body.take(target.buffer)
            except Malformed as error:
                raise _Failed(BROKEN, f"the answer is not HTTP: {error}") from None
            passed.answer_body.add(piece.content)
            client.write(first + (piece.content if plain else piece.raw))
            first = b""
            if body.over:
                break
            await self._more_of_answer(body)
        if client.lost:
            raise _Failed(BROKEN, self._ending("within the answer"))
        return answer.keep_alive and not plain

    async def _more_of_answer(self, body: bodies.PassingBody) -> None:
        """Waits until the client has read what was sent, and more of the answer has come. Raises _Failed."""
        client, target = self._client, self._target
        assert target is not None
        seen = len(target.buffer)
        await self._flushed(client, self._us())
        try:
            more = await target.more(seen, self._limits.answer)
        except TimeoutError:
            raise _Failed(TIMEOUT, f"the answer has stopped for {self._limits.answer:g} s") from None
        if more or not target.ended:
            return
        if target.reset or client.lost:
            raise _Failed(BROKEN, self._ending("within the answer"))
        try:
            body.end()
        except Malformed as error:
            raise _Failed(BROKEN, self._ending("within the answer", str(error))) from None

    async def _answer_head(self, head: RequestHead) -> AnswerHead:
        target, searched = self._target, 0
        assert target is not None
        while (end := target.buffer.find(END, max(0, searched - len(END)))) < 0:
            searched = len(target.buffer)
            if searched > LARGEST_HEAD:
                raise _Failed(BROKEN, "the head of the answer is too large", 502)
            try:
                if not await target.more(searched, self._limits.answer) and target.ended:
                    raise _Failed(BROKEN, self._ending("within the answer" if searched else "without an answer"))
            except TimeoutError:
                raise _Failed(TIMEOUT, f"no answer within {self._limits.answer:g} s", 504) from None
        raw = bytes(target.buffer[:end])
        del target.buffer[: end + len(END)]
        try:
            found = answer_head(raw, head.method)
        except Malformed as error:
            raise _Failed(BROKEN, f"the answer is not HTTP: {error}", 502) from None
        if found.status == 101:
            raise _Failed(BROKEN, "the answer switches to another protocol, which was not asked for", 502)
        return found

    def _us(self) -> str:
        return "the vendor" if self._way.direction is Direction.WEBHOOK else "the integration"

    def _ending(self, when: str, why: str = "") -> str:
        """Who ended the connection, how and when."""
        if self._client.lost:
            return f"{self._us()} closed the connection before the answer was complete"
        target = self._target
        how = "reset the connection" if target is not None and target.reset else "closed the connection"
        after = f", after {self._us()} had closed its side" if self._client.ended else ""
        return f"{how} {when}{after}" + (f": {why}" if why else "")

    # The end

    def _fail(self, passed: Passed, status: int | None) -> None:
        """Answers for the target, or ends the connection as the target did."""
        target, client = self._target, self._client
        was_reset = target is not None and target.reset
        if target is not None:
            target.abort()
        if status is None or passed.answer is not None:
            # Within an answer, a close could look like its end.
            if was_reset or passed.answer is not None:
                client.reset_connection()
            else:
                client.close()
            return
        passed.status = status
        reason = passed.reason or ""
        why = f"{passed.target} can't be reached: {reason}" if passed.failure == UNREACHABLE else reason
        self._answer_ourselves(passed.head, status, why)

    def _answer_ourselves(self, head: RequestHead | None, status: int, why: str) -> None:
        request = None if head is None else HttpRequest(head.method.decode(), head.target, {}, None)
        self._client.write(rendered(request, refusal(status, why), False))
        self._lingers = True

    async def _linger(self) -> None:
        """Waits until the client has closed. Closing at once, with unread bytes, would reset the connection, and the
        client could lose the answer."""
        client = self._client
        client.end()
        until = monotonic() + self._limits.linger
        with suppress(TimeoutError):
            while not client.ended and (left := until - monotonic()) > 0:
                client.buffer.clear()
                await client.more(0, left)


def _require_head(buffer: bytearray, searched: int) -> None:
    """Raises Malformed if these bytes can't be the beginning of a head."""
    if len(buffer) > LARGEST_HEAD:
        if buffer.find(b"\r\n", 0, LARGEST_HEAD) < 0:
            raise Malformed(414, "the request line is longer than 64 KiB")
        raise Malformed(431, "the head is larger than 64 KiB")
    if buffer and (not _FIRST_BYTE.match(buffer) or _BARE_LINE_FEED.search(buffer, max(0, searched - 1))):
        raise Malformed(400, "this is not HTTP/1.1, whose lines end with CR LF")


def _cut(what: str, kept: Kept) -> str:
    return f"the {what} has {kept.size:,} bytes, of which the first {len(kept.data):,} were kept"
