"""Splits the files of a capture into items: entries of a HAR, lines, items of an array, documents, raw requests.

A file is read as a stream, in bounded memory. What can't be read is told by `Skipped`, and the rest goes on.
"""

from __future__ import annotations

import gzip
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, BinaryIO

import orjson
from msgspec import Struct

from vendorsim.captures.json_scan import (
    LARGEST_VALUE,
    Found,
    Position,
    ScanError,
    Window,
    in_mebibytes,
    items,
    members,
    parsed,
)
from vendorsim.captures.raw_requests import is_raw, raw_requests
from vendorsim.core.errors import PayloadFileError

_BOM = b"\xef\xbb\xbf"
_NEEDED = 8 * 1024
_LONGEST_FIRST = 1024 * 1024
_HAR = re.compile(rb'\s*\{\s*"log"\s*:\s*\{')
_SUFFIXES = (".json", ".jsonl", ".ndjson", ".har", ".http", ".txt", ".log", ".gz")
# A compressed file may become so large in any case, and then only so many times as large as it is.
_MOST_DECOMPRESSED, _MOST_RATIO = 1024 * 1024 * 1024, 200
_FOREIGN = {
    b"PK\x03\x04": "is a zip archive; unpack it and give the files",
    b"SQLite format 3\0": "is a journal (SQLite); name the file itself, not its folder",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; decompress it first",
    b"\xfd7zXZ\0": "is compressed with xz; decompress it first",
    b"BZh": "is compressed with bzip2; decompress it first",
}


class Kind(Enum):
    """What an item is, which says what its file is."""

    HAR_ENTRY = "entry of a HAR"
    LINE = "line of JSON Lines"
    ARRAY_ITEM = "item of a JSON array"
    DOCUMENT = "JSON document"
    RAW = "raw request"


class Item(Struct, frozen=True):
    """One item of a file. `document` is the parsed JSON, or the `RawRequest`; `data` the bytes of the JSON."""

    place: str
    kind: Kind
    document: Any
    data: bytes = b""


class Skipped(Struct, frozen=True):
    """A part of a capture that is not used. `unreadable`: it is broken; else it is only not of this capture's kind."""

    place: str
    reason: str
    unreadable: bool = True

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


Skip = Callable[[Skipped], None]


def refuse(skipped: Skipped) -> None:
    """Raises PayloadFileError for what can't be read, and passes over what is only not meant."""
    if skipped.unreadable:
        raise PayloadFileError(str(skipped))


def paths(files: Iterable[str], skip: Skip = refuse) -> Iterator[str]:
    """The files, with those of a folder in its place: also of its sub-folders, in the order of their names, in which
    numbers count by their value. Hidden files are left out."""
    for file in files:
        if file != "-" and os.path.isdir(file):
            yield from _folder(file, skip)
        else:
            yield file


def _folder(folder: str, skip: Skip) -> Iterator[str]:
    found = []
    for at, below, names in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            path = os.path.join(at, name)
            if name.startswith("."):
                continue
            if name.lower().endswith(_SUFFIXES):
                found.append(path)
            else:
                skip(Skipped(path, f"left out: its name ends with none of {', '.join(_SUFFIXES)}", unreadable=False))
    if not found:
        skip(Skipped(folder, "there is no capture in this folder"))
    yield from sorted(found, key=_natural)


def _natural(path: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", path)
    return [(0, int(part[:400]), part) if part.isdecimal() and part.isascii() else (1, 0, part) for part in parts]


@contextmanager
def opened(file: str, name: str | None = None, most: int = _MOST_DECOMPRESSED) -> Iterator[BinaryIO]:
    """The bytes of a file, decompressed if it is gzip; `-` is standard input. Raises PayloadFileError, in which `name`
    stands for the file. A file that becomes larger than `most` bytes, and over 200 times as large as it is, is refused
    with ScanError while it is read."""
    name = name or file
    try:
        stream: Any = sys.stdin.buffer if file == "-" else open(file, "rb")  # noqa: SIM115
    except OSError as error:
        raise PayloadFileError(f"{name}: can't be read: {error.strerror or error}") from None
    except ValueError as error:
        raise PayloadFileError(f"{name!r}: is not a file name: {error}") from None
    try:
        peeked = _Peeked(stream)
        yield _Decompressed(peeked, most) if peeked.head.startswith(b"\x1f\x8b") else peeked  # type: ignore[misc]
    finally:
        if file != "-":
            stream.close()


class _Peeked:
    """A stream whose first bytes are known."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.head = self._rest = stream.read(_NEEDED)
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data, self._rest = self._rest, b""
        if not data:
            data = self._stream.read(size)
        elif 0 <= size < len(data):
            data, self._rest = data[:size], data[size:]
        self.count += len(data)
        return data


class _Decompressed:
    """The content of a gzip file. Raises ScanError if it is broken, or a bomb."""

    def __init__(self, packed: _Peeked, most: int) -> None:
        self._packed = packed
        self._most = most
        self._stream = gzip.GzipFile(fileobj=packed, mode="rb")  # type: ignore[call-overload]
        self._count = 0

    def read(self, size: int = -1) -> bytes:
        try:
            data: bytes = self._stream.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise ScanError(f"the gzip file is broken: {error}", Position(1, 1)) from None
        self._count += len(data)
        if self._count > self._most and self._count > _MOST_RATIO * self._packed.count:
            message = f"decompresses to over {in_mebibytes(self._most)}, over {_MOST_RATIO} times its size"
            raise ScanError(f"{message}: a decompression bomb? Decompress it yourself to read it", Position(1, 1))
        return data


def read_items(file: str, skip: Skip = refuse) -> Iterator[Item]:
    """The items of one file, in order. What can't be read goes to `skip`, which may raise; the rest is then read as far
    as it can be told where it begins."""
    with opened(file) as stream:
        yield from items_of(stream, file, skip)


def items_of(stream: BinaryIO, name: str, skip: Skip = refuse, largest: int = LARGEST_VALUE) -> Iterator[Item]:
    """The items of a stream; `name` stands for the file in places. An item of more than `largest` bytes is refused."""
    window = Window(stream, largest)
    try:
        yield from _items(window, name, skip)
    except ScanError as error:
        skip(_skipped(name, error))


def _items(window: Window, name: str, skip: Skip) -> Iterator[Item]:
    window.skip_mark(_BOM)
    begin = window.peek(_NEEDED)
    for magic, remedy in _FOREIGN.items():
        if begin.startswith(magic):
            skip(Skipped(name, remedy))
            return
    if not window.next_byte():
        skip(Skipped(name, "the file is empty; expected JSON, JSON Lines, HAR or raw requests"))
    elif _HAR.match(begin):
        yield from _har(window, name, skip)
    elif is_raw(begin):
        for request in raw_requests(window, lambda line, reason: skip(Skipped(f"{name}:{line}", reason))):
            yield Item(f"{name}:{request.line}", Kind.RAW, request)
    else:
        yield from _documents(window, name, skip)


def har_envelope(file: str) -> dict[str, Any]:
    """What a HAR has beside its entries: the members of its log, with an empty list of entries last."""
    log: dict[str, Any] = {}
    with opened(file) as stream:
        window = Window(stream)
        try:
            window.skip_mark(_BOM)
            for top in members(window):
                if top != "log" or window.next_byte() != b"{":
                    window.value()
                    continue
                for key in members(window):
                    if key == "entries" and window.next_byte() == b"[":
                        for _ in items(window):
                            pass
                    else:
                        log[key] = parsed(window.value())
        except ScanError:
            pass  # It was cut off, which is told when its entries are read.
    log.pop("entries", None)
    return log


def _skipped(name: str, error: ScanError) -> Skipped:
    return Skipped(f"{name}:{error.position.line}:{error.position.column}", str(error))


def _har(window: Window, name: str, skip: Skip) -> Iterator[Item]:
    """The entries of a HAR; a document that only looks like one is one item."""
    found = False
    for top in members(window):
        if top != "log" or window.next_byte() != b"{":
            window.value()
            continue
        for key in members(window):
            if key != "entries":
                window.value()
                continue
            found = True
            if window.next_byte() != b"[":
                skip(Skipped(name, "log.entries of the HAR is not a list"))
                window.value()
                continue
            yield from _array(window, name, skip, "{name}#{number}", Kind.HAR_ENTRY)
    if not found:
        skip(Skipped(name, "the HAR has no log.entries"))


def _array(window: Window, name: str, skip: Skip, place: str, kind: Kind) -> Iterator[Item]:
    for number, item in enumerate(items(window)):
        try:
            document = parsed(item)
        except ScanError as error:
            skip(_skipped(name, error))
            continue
        yield Item(place.format(name=name, number=number), kind, document, item.data)


def _documents(window: Window, name: str, skip: Skip) -> Iterator[Item]:
    """JSON Lines if the first line is a whole document and others follow; else one array, or one document or several
    after each other."""
    # The first line of an array can be all of it; of lines it is at most as long as they may be.
    end = window.line_end(min(_LONGEST_FIRST, window.largest) if window.next_byte() == b"[" else None)
    if end is not None and _is_json(window.peek(end)) and window.has_more(end):
        yield from _lines(window, name, skip)
        return
    if window.next_byte() == b"[":
        yield from _array(window, name, skip, "{name}[{number}]", Kind.ARRAY_ITEM)
        number = 1
    else:
        number = 0
    while window.next_byte():
        found = window.value()
        document = parsed(found)
        entries = _entries(document)
        if entries is not None:
            for position, entry in enumerate(entries):
                yield Item(f"{name}#{position}", Kind.HAR_ENTRY, entry, orjson.dumps(entry))
            continue
        place = name if not number and not window.next_byte() else f"{name}:{found.position.line}"
        number += 1
        yield Item(place, Kind.DOCUMENT, document, found.data)


def _entries(document: Any) -> list[Any] | None:
    """The entries of a HAR whose first member is not its log."""
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    return entries if isinstance(entries, list) else None


def _is_json(line: bytes) -> bool:
    try:
        parsed(Found(line, Position(1, 1)))
    except ScanError:
        return False
    return True


def _lines(window: Window, name: str, skip: Skip) -> Iterator[Item]:
    while window.next_byte():
        end = window.line_end()
        at = window.start
        if end is None and window.available > window.largest:
            skip(Skipped(f"{name}:{at.line}", f"the line is longer than {in_mebibytes(window.largest)}"))
            _drop_line(window)
            continue
        line = window.drop(window.available if end is None else end).rstrip(b"\r\n")
        try:
            document = parsed(Found(line, at))
        except ScanError as error:
            skip(_skipped(name, error))
        else:
            yield Item(f"{name}:{at.line}", Kind.LINE, document, line)


def _drop_line(window: Window) -> None:
    """Drops the rest of a line that is too long."""
    while window.available or window.more():
        if window.drop_line():
            return
