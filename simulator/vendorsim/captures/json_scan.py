"""Finds the values of a large JSON document one by one, without holding the document in memory.

Only brackets and strings are looked at; whoever parses a value finds the errors in it. A library for streams of JSON,
such as ijson, was considered: it builds each value from single events, ten times slower than orjson parses the bytes of
one, and tells no position for an error, and no bytes to write again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import orjson

LARGEST_VALUE = 64 * 1024 * 1024
_CHUNK = 256 * 1024
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
# Everything up to the next bracket outside strings.
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+([\[\]{}])", re.DOTALL)
_SCALAR = re.compile(_STRING + rb'|[^\s\[\]{},:"]++', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*+")


def in_mebibytes(size: int) -> str:
    """A size for messages, such as `64 MiB`."""
    return f"{size / 1024 / 1024:.3g} MiB"


class Position(NamedTuple):
    """A place in a file; line and column count from 1. The column counts characters."""

    line: int
    column: int

    def after(self, passed: bytes) -> Position:
        """The position behind these bytes."""
        lines = passed.count(b"\n")
        last = passed[passed.rfind(b"\n") + 1 :]
        characters = len(last) - sum(byte & 0xC0 == 0x80 for byte in last) if not last.isascii() else len(last)
        return Position(self.line + lines, (1 if lines else self.column) + characters)


class ScanError(ValueError):
    """The text is not JSON at this position, or a value is too large."""

    def __init__(self, message: str, position: Position) -> None:
        super().__init__(message)
        self.position = position


class Found(NamedTuple):
    """The bytes of one value, and where it begins."""

    data: bytes
    position: Position


class Window:
    """The part of a stream that is in memory: from the first byte that is still needed to the last that was read.

    A value or line of more than `largest` bytes is refused.
    """

    def __init__(self, stream: BinaryIO, largest: int = LARGEST_VALUE) -> None:
        self._stream = stream
        self.largest = largest
        self._buffer = b""
        self._offset = 0
        self._at_end = False
        self.start = Position(1, 1)

    @property
    def available(self) -> int:
        """The number of bytes in memory."""
        return len(self._buffer) - self._offset

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer at the end of the file."""
        while self.available < size and self.more():
            pass
        return self._buffer[self._offset : self._offset + size]

    def more(self) -> bool:
        """Reads on, as much as there is already; False at the end."""
        if self._at_end:
            return False
        read = self._stream.read(max(_CHUNK, self.available))
        self._at_end = not read
        self._buffer = self._buffer[self._offset :] + read
        self._offset = 0
        return bool(read)

    def drop(self, count: int) -> bytes:
        """Forgets the next bytes, and returns them."""
        dropped = self._buffer[self._offset : self._offset + count]
        self._offset += len(dropped)
        self.start = self.start.after(dropped)
        return dropped

    def skip_mark(self, mark: bytes) -> None:
        """Forgets a mark at the beginning of the file, which has no column."""
        if self.peek(len(mark)) == mark:
            self._offset += len(mark)

    def line_end(self, most: int | None = None) -> int | None:
        """The length of the next line with its line feed; None if the file ends in it, or if it is longer than `most`
        (by default, `largest`)."""
        most = self.largest if most is None else most
        searched = 0
        while True:
            end = self._buffer.find(b"\n", self._offset + searched)
            if end >= 0:
                size = end + 1 - self._offset
                return size if size <= most else None
            searched = self.available
            if searched > most or not self.more():
                return None

    def drop_line(self) -> bool:
        """Drops what is in memory of the next line; False if it goes on."""
        end = self._buffer.find(b"\n", self._offset)
        self.drop(self.available if end < 0 else end + 1 - self._offset)
        return end >= 0

    def next_byte(self) -> bytes:
        """The next byte that is no white space, which is then the first; empty at the end."""
        while True:
            space = _SPACE.match(self._buffer, self._offset)
            assert space is not None
            if space.end() > self._offset:
                self.drop(space.end() - self._offset)
            if self.available or not self.more():
                return self._buffer[self._offset : self._offset + 1]

    def has_more(self, count: int) -> bool:
        """Whether anything but white space follows the next `count` bytes."""
        while True:
            if self._buffer[self._offset + count :].strip():
                return True
            if not self.more():
                return False

    def expect(self, byte: bytes) -> None:
        """Drops the next byte. Raises ScanError if it is another one."""
        found = self.next_byte()
        if found != byte:
            what = f"'{found.decode('utf-8', 'replace')}'" if found else "the end of the file"
            raise ScanError(f"not JSON: expected '{byte.decode()}', found {what}", self.start)
        self.drop(1)

    def value(self) -> Found:
        """Drops the next value and returns it. Raises ScanError if it has no end, or is larger than `largest`."""
        first = self.next_byte()
        at = self.start
        size = self._bracketed() if first in (b"{", b"[") else self._scalar(first)
        return Found(self.drop(size), at)

    def _bracketed(self) -> int:
        size = depth = 0
        while True:
            token = _TO_BRACKET.match(self._buffer, self._offset + size)
            if token is None:
                self._need_more("the file ends in the middle of a value; was it cut off?")
                continue
            size = token.end() - self._offset
            depth += 1 if token[1] in b"{[" else -1
            if not depth:
                return size

    def _scalar(self, first: bytes) -> int:
        while True:
            token = _SCALAR.match(self._buffer, self._offset)
            # A number or word may go on in what is not yet read.
            if token is not None and (first == b'"' or token.end() < len(self._buffer)):
                return token.end() - self._offset
            if token is not None:
                if self.available > self.largest or not self.more():
                    return self.available
            elif first not in (b'"', b""):
                raise ScanError(f"not JSON: expected a value, found '{first.decode('utf-8', 'replace')}'", self.start)
            else:
                self._need_more("the file ends where a value is expected; was it cut off?")

    def _need_more(self, ended: str) -> None:
        if self.available > self.largest:
            raise ScanError(f"a value is larger than {in_mebibytes(self.largest)}", self.start)
        if not self.more():
            raise ScanError(f"not JSON: {ended}", self.start.after(self._buffer[self._offset :]))


def items(window: Window) -> Iterator[Found]:
    """The items of the array that begins here. Raises ScanError where it is not JSON."""
    window.expect(b"[")
    if window.next_byte() == b"]":
        window.drop(1)
        return
    while True:
        yield window.value()
        if window.next_byte() == b"]":
            window.drop(1)
            return
        window.expect(b",")


def members(window: Window) -> Iterator[str]:
    """The keys of the object that begins here. After each the caller drops its value. Raises ScanError."""
    window.expect(b"{")
    if window.next_byte() == b"}":
        window.drop(1)
        return
    while True:
        if window.next_byte() != b'"':
            raise ScanError("not JSON: expected the name of a member", window.start)
        name = window.value()
        window.expect(b":")
        try:
            yield str(orjson.loads(name.data))
        except orjson.JSONDecodeError as error:
            raise ScanError(f"not JSON: {error.msg}", name.position) from None
        if window.next_byte() == b"}":
            window.drop(1)
            return
        window.expect(b",")


def parsed(found: Found) -> Any:
    """Parses a value. Raises ScanError with its position in the file: it is not JSON, not UTF-8, or too deep."""
    try:
        return orjson.loads(found.data)
    except orjson.JSONDecodeError as error:
        raise _not_json(found, error) from None


def _not_json(found: Found, error: orjson.JSONDecodeError) -> ScanError:
    try:
        text = found.data.decode()
    except UnicodeDecodeError as wrong:
        position = found.position.after(found.data[: wrong.start])
        return ScanError(f"byte 0x{found.data[wrong.start]:02x} is not UTF-8; save the file as UTF-8", position)
    return ScanError(f"not JSON: {error.msg}", found.position.after(text[: error.pos].encode()))
