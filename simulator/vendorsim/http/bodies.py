"""Finds the end of a body in the bytes of a connection, which go on as they are. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple, Protocol

from vendorsim.http.heads import BodyEnd, Framing, Malformed, check_trailers

# Bytes of the line before a chunk, and of all trailers.
LONGEST_CHUNK_LINE = 4 * 1024
LARGEST_TRAILERS = 16 * 1024
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t -~\x80-\xff]*)?")


class Piece(NamedTuple):
    """Some bytes of a body: `raw` as they are on the wire, `content` without chunked encoding."""

    raw: bytes
    content: bytes


class PassingBody(Protocol):
    """A body that is being read. `over` says whether its end has come."""

    over: bool

    def take(self, buffer: bytearray) -> Piece:
        """Removes from the buffer what belongs to the body, as far as it has come. Raises Malformed."""
        ...

    def end(self) -> None:
        """Tells that the connection has ended. Raises Malformed if the body has not."""
        ...


def body(framing: Framing) -> PassingBody:
    """A reader of a body that ends so."""
    if framing is BodyEnd.CHUNKED:
        return _Chunked()
    return _UntilEnd() if isinstance(framing, BodyEnd) else _OfLength(framing)


class _OfLength:
    def __init__(self, length: int) -> None:
        self._left = length
        self.over = length == 0

    def take(self, buffer: bytearray) -> Piece:
        data = bytes(buffer[: self._left])
        del buffer[: self._left]
        self._left -= len(data)
        self.over = self._left == 0
        return Piece(data, data)

    def end(self) -> None:
        if not self.over:
            raise Malformed(400, f"the body broke off: {self._left} bytes of its Content-Length are missing")


class _UntilEnd:
    over = False

    def take(self, buffer: bytearray) -> Piece:
        data = bytes(buffer)
        buffer.clear()
        return Piece(data, data)

    def end(self) -> None:
        self.over = True


class _Chunked:
    """Reads strictly: what is not exactly a chunk is refused, since other readers could see other chunks in it."""

    def __init__(self) -> None:
        self.over = False
        # Bytes of the current chunk that are missing, and whether the line break after it is missing.
        self._left = 0
        self._breaks = False
        self._trailers: list[bytes] | None = None
        self._trailing = 0

    def take(self, buffer: bytearray) -> Piece:
        raw, content, position = bytearray(), bytearray(), 0
        while not self.over:
            if self._left:
                data = buffer[position : position + self._left]
                content += data
                self._left -= len(data)
                position += len(data)
                self._breaks = not self._left
                if self._left:
                    break
            elif self._breaks:
                if not b"\r\n".startswith(bytes(buffer[position : position + 2])):
                    raise Malformed(400, "a chunk is longer than its size")
                if len(buffer) < position + 2:
                    break
                position += 2
                self._breaks = False
            else:
                line = self._line(buffer, position)
                if line is None:
                    break
                position += len(line) + 2
                self._read(line)
        raw += buffer[:position]
        del buffer[:position]
        return Piece(bytes(raw), bytes(content))

    def _line(self, buffer: bytearray, position: int) -> bytes | None:
        """The complete line at the position, or None."""
        end = buffer.find(b"\n", position)
        longest = LONGEST_CHUNK_LINE if self._trailers is None else LARGEST_TRAILERS
        if (len(buffer) if end < 0 else end) - position > longest:
            raise Malformed(400, "a line between chunks is too long")
        if end < 0:
            return None
        if buffer[end - 1 : end] != b"\r" or end == position:
            raise Malformed(400, "a line between chunks does not end with CR LF")
        return bytes(buffer[position : end - 1])

    def _read(self, line: bytes) -> None:
        if self._trailers is not None:
            self._read_trailer(line)
            return
        found = _CHUNK_LINE.fullmatch(line)
        if found is None:
            raise Malformed(400, "the size of a chunk is no hexadecimal number")
        self._left = int(found[1], 16)
        if not self._left:
            self._trailers = []

    def _read_trailer(self, line: bytes) -> None:
        assert self._trailers is not None
        if not line:
            check_trailers(self._trailers)
            self.over = True
            return
        self._trailers.append(line)
        self._trailing += len(line)
        if self._trailing > LARGEST_TRAILERS:
            raise Malformed(400, "the trailers are too large")

    def end(self) -> None:
        if not self.over:
            raise Malformed(400, "the body broke off before its last chunk")
