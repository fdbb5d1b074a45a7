"""Cache of parsed header blocks, by their bytes.

A client that keeps its connection open repeats its headers. A look-up costs a tenth of parsing them.
"""

from __future__ import annotations

import re

from vendorsim.http.messages import HttpRequest

# A longer header block, or one of a larger body, is not cached.
_LARGEST_BLOCK = 2048
_LARGEST_BODY = 64 * 1024
# Headers that change how the following bytes are parsed, or what happens to the connection.
_SPECIAL = (b"transfer-encoding", b"expect", b"upgrade", b"trailer", b"te")
# Request lines that every parser reads the same way. httptools parses all others.
_LINE = re.compile(rb"(GET|POST|PUT|PATCH|DELETE) (/[\w.~/?=&%-]{0,1000}) HTTP/1\.1\r\n")
_END = b"\r\n\r\n"


class HeaderCache:
    """The cache of one server. It holds only blocks that the parser has accepted, and is emptied at `size` blocks."""

    def __init__(self, size: int = 512) -> None:
        self._size = size
        # Headers, by the length of the body and the bytes of the block with the empty line after it.
        self._blocks: dict[tuple[int, bytes], dict[bytes, bytes]] = {}

    def read(self, data: bytes) -> HttpRequest | None:
        """Returns the request if the data is exactly one complete request with cached headers, else None."""
        line = _LINE.match(data)
        if line is None:
            return None
        begin, end = line.end(), data.find(_END) + len(_END)
        length = len(data) - end
        headers = self._blocks.get((length, data[begin:end]))
        return None if headers is None else HttpRequest(line[1].decode(), line[2], headers, data[end:], length)

    def learn(self, data: bytes, request: HttpRequest) -> None:
        """Caches the headers of a request that the parser has read from exactly this data, if that is safe."""
        line, headers = _LINE.match(data), request.headers
        head, end, body = data.partition(_END)
        if (
            line is None
            or body != request.body
            or len(head) - line.end() > _LARGEST_BLOCK
            or len(body) > _LARGEST_BODY
            or not request.keep_alive
            or request.version != "1.1"
            or headers.get(b"connection", b"keep-alive").lower() != b"keep-alive"
            or any(name in headers for name in _SPECIAL)
        ):
            return
        if len(self._blocks) >= self._size:
            self._blocks.clear()
        self._blocks[len(body), data[line.end() : len(head) + len(end)]] = headers
