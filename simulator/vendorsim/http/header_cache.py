"""Cache of parsed header blocks, by their bytes.

A client that keeps its connection open repeats its headers. A look-up costs a tenth of parsing them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from vendorsim.http.messages import HttpRequest

# A longer header block, or one of a larger body, is not cached.
_LARGEST_BLOCK = 2048
_LARGEST_BODY = 64 * 1024
# Headers that change how the following bytes are parsed, or what happens to the connection.
_SPECIAL = (b"transfer-encoding", b"expect", b"upgrade", b"trailer", b"te")
# Request lines that every parser reads the same way. httptools parses all others.
_LINE = re.compile(rb"(GET|POST|PUT|PATCH|DELETE) (/[\w.~/?=&%-]{0,1000}) HTTP/1\.1")


class _Block(NamedTuple):
    headers: dict[bytes, bytes]
    length: int


class HeaderCache:
    """The cache of one server. It holds only blocks that the parser has accepted, and is emptied at `size` blocks."""

    def __init__(self, size: int = 512) -> None:
        self._size = size
        self._blocks: dict[bytes, _Block] = {}

    def read(self, data: bytes) -> HttpRequest | None:
        """Returns the request if the data is exactly one complete request with cached headers, else None."""
        line, block, body = _parts(data)
        cached = self._blocks.get(block)
        if cached is None or len(body) != cached.length or (found := _LINE.fullmatch(line)) is None:
            return None
        return HttpRequest(found[1].decode(), found[2], cached.headers, body, cached.length)

    def learn(self, data: bytes, request: HttpRequest) -> None:
        """Caches the headers of a request that the parser has read from exactly this data, if that is safe."""
        line, block, body = _parts(data)
        headers = request.headers
        if (
            body != request.body
            or len(block) > _LARGEST_BLOCK
            or len(body) > _LARGEST_BODY
            or not request.keep_alive
            or request.version != "1.1"
            or headers.get(b"connection", b"keep-alive").lower() != b"keep-alive"
            or any(name in headers for name in _SPECIAL)
            or not _LINE.fullmatch(line)
        ):
            return
        if len(self._blocks) >= self._size:
            self._blocks.clear()
        self._blocks[block] = _Block(headers, len(body))


def _parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    line, _, block = head.partition(b"\r\n")
    return line, block, body
