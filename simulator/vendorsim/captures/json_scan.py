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
    """The part of a stream that is in memory: from where nothing is needed any more to what was read."""

    def __init__(self, stream: BinaryIO, data: bytes = b"") -> None:
        self._stream = stream
        self.data = data
        self.start = Position(1, 1)
        self._at_end = False

    def more(self) -> bool:
        """Reads on, as much as there is already; False at the end."""
        if self._at_end:
            return False
        read = self._stream.read(max(_CHUNK, len(self.data)))
        self._at_end = not read
        self.data += read
        return bool(read)

    def drop(self, count: int) -> bytes:
        """Forgets the first bytes, and returns them."""
        dropped, self.data = self.data[:count], self.data[count:]
        self.start = self.start.after(dropped)
        return dropped

    def next_byte(self) -> bytes:
        """The next byte that is no white space, which is then the first; empty at the end."""
        while True:
            space = _SPACE.match(self.data)
            assert space is not None
            self.drop(space.end())
            if self.data or not self.more():
                return self.data[:1]

    def expect(self, byte: bytes) -> None:
        """Drops the next byte. Raises ScanError if it is another one."""
        found = self.next_byte()
        if found != byte:
            what = f"'{found.decode('utf-8', 'replace')}'" if found else "the end of the file"
            raise ScanError(f"not JSON: expected '{byte.decode()}', found {what}", self.start)
        self.drop(1)

    def value(self) -> Found:
        """Drops the next value and returns it. Raises ScanError if it has no end, or is larger than LARGEST_VALUE."""
        first = self.next_byte()
        at = self.start
        end = self._bracketed() if first in (b"{", b"[") else self._scalar(first)
        return Found(self.drop(end), at)

    def _bracketed(self) -> int:
        position = depth = 0
        while True:
            token = _TO_BRACKET.match(self.data, position)
            if token is None:
                self._need_more("the file ends in the middle of a value; was it cut off?")
                continue
            position = token.end()
            depth += 1 if token[1] in b"{[" else -1
            if not depth:
                return position

    def _scalar(self, first: bytes) -> int:
        while True:
            token = _SCALAR.match(self.data)
            # A number or word may go on in what is not yet read.
            if token is not None and (first == b'"' or token.end() < len(self.data) or not self.more()):
                return token.end()
            if token is None:
                if first not in (b'"', b""):
                    raise ScanError(
                        f"not JSON: expected a value, found '{first.decode('utf-8', 'replace')}'", self.start
                    )
                self._need_more("the file ends where a value is expected; was it cut off?")

    def _need_more(self, ended: str) -> None:
        if len(self.data) > LARGEST_VALUE:
            raise ScanError(f"a value is larger than {LARGEST_VALUE // 1024 // 1024} MiB", self.start)
        if not self.more():
            raise ScanError(f"not JSON: {ended}", self.start.after(self.data))


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
