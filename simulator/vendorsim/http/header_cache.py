"""Headers that were read before: a client that keeps its connection says the same ones again and again, and finding
them again costs a tenth of reading them."""

from __future__ import annotations

import re
from typing import NamedTuple

from vendorsim.http.messages import Asked

# Beyond so many different ones all are forgotten; longer ones, and those of larger bodies, are not remembered.
_MOST = 512
_LONGEST = 2048
_LARGEST_BODY = 64 * 1024
# What decides how the bytes around are to be read, or what becomes of the connection.
_SPECIAL = (b"transfer-encoding", b"expect", b"upgrade", b"trailer", b"te")
# A request line that every reader takes for the same; any other is left to the parser.
_LINE = re.compile(rb"(GET|POST|PUT|PATCH|DELETE) (/[\w.~/?=&%-]{0,1000}) HTTP/1\.1")


class _Known(NamedTuple):
    headers: dict[bytes, bytes]
    length: int


class KnownHeads:
    """What one server has read. The parser has judged every block of headers that is known here."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Known] = {}

    def read(self, data: bytes) -> Asked | None:
        """The one whole request that these bytes are, if its headers are known; else None."""
        line, block, body = _parts(data)
        known = self._known.get(block)
        if known is None or len(body) != known.length or (found := _LINE.fullmatch(line)) is None:
            return None
        return Asked(found[1].decode(), found[2], known.headers, body, known.length)

    def learn(self, data: bytes, asked: Asked) -> None:
        """Remembers the headers of a request that the parser has made of exactly these bytes."""
        line, block, body = _parts(data)
        headers = asked.headers
        if (
            body != asked.body
            or len(block) > _LONGEST
            or len(body) > _LARGEST_BODY
            or not asked.keep_alive
            or asked.version != "1.1"
            or headers.get(b"connection", b"keep-alive").lower() != b"keep-alive"
            or any(name in headers for name in _SPECIAL)
            or not _LINE.fullmatch(line)
        ):
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[block] = _Known(headers, len(body))


def _parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    line, _, block = head.partition(b"\r\n")
    return line, block, body
