"""Parses the requests of a connection with httptools, and refuses ambiguous ones.

llhttp, which httptools wraps, is strict about the grammar. This module checks what llhttp accepts or doesn't limit:
sizes, `Host`, the framing of bodies (RFC 9112, 6 and 11.2), and `Expect`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import httptools

from vendorsim.http.header_cache import HeaderCache
from vendorsim.http.messages import HttpRequest, HttpResponse, refusal

LARGEST_HEAD = 64 * 1024
MOST_HEADERS = 200
# The reader accepts bodies up to LARGEST_BODY, so that the app can refuse them, but keeps them only up to LARGEST_KEPT.
LARGEST_BODY = 64 * 1024 * 1024
LARGEST_KEPT = 1024 * 1024
_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64} \S{1,8000} HTTP/1\.[01]\r\n")


class RequestReader:
    """Parses the requests of one connection.

    It calls `take` with every complete request. At the first request that it refuses it calls `take` with the response
    to send, and ignores all further bytes.

    `expects_continue` is set while the client waits for `100 Continue` before it sends its body, `begun` while a
    request is incomplete, `ended` after a refusal. All connections of a server share the `header_cache`.
    """

    def __init__(self, take: Callable[[HttpRequest | HttpResponse], None], header_cache: HeaderCache) -> None:
        self._take = take
        self._header_cache = header_cache
        self._parser = httptools.HttpRequestParser(self)
        self.begun = False
        self.ended = False
        self.expects_continue = False
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._count = 0
        self._size = 0
        self._completed = 0
        # The last complete request, until it is cached, and whether the connection stays open after it.
        self._last: HttpRequest | None = None
        self._keep_alive = True
        self._in_body = False
        self._body: bytearray | None = None
        self._length = 0
        # Bytes since the last byte of a body or the end of a request: headers, trailers, chunk extensions.
        self._overhead = 0

    def feed(self, data: bytes) -> None:
        """Parses the bytes that have arrived."""
        at_start = not self.begun and not self.ended and self._keep_alive
        if at_start and (request := self._header_cache.read(data)) is not None:
            self._take(request)
            return
        before = self._completed
        self._parse(data)
        request, self._last = self._last, None
        if request is not None and at_start and self._completed == before + 1 and not self.begun and not self.ended:
            self._header_cache.learn(data, request)

    def _parse(self, data: bytes) -> None:
        while data and not self.ended:
            self._overhead += len(data)
            before = self._completed
            try:
                self._parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as upgrade:
                # The parser stops after the headers of a request with `Upgrade`. This server doesn't switch protocols:
                # it parses the headers again without `Upgrade`, and then the body.
                data = self._without_upgrade() + data[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(self)
                self._overhead = 0
            except httptools.HttpParserInvalidMethodError:
                if before == self._completed and _REQUEST_LINE.match(data):
                    self._refuse(501, "the method is not known here")
                else:
                    self._refuse(400, "this is not HTTP/1.1")
            except httptools.HttpParserError as error:
                self._refuse(400, str(error))
        if self._overhead > LARGEST_HEAD:
            self._refuse(400 if self._in_body else 431, "there is more than 64 KiB around the body")

    def _without_upgrade(self) -> bytes:
        """The request line and headers that were parsed last, without `Upgrade`."""
        lines = [b"%b: %b" % header for header in self._headers.items() if header[0] != b"upgrade"]
        first = b"%b %b HTTP/%b" % (self._parser.get_method(), self._target, self._parser.get_http_version().encode())
        return b"\r\n".join([first, *lines, b"", b""])

    def _refuse(self, status: int, why: str) -> None:
        if not self.ended:
            self.ended = True
            self._take(refusal(status, why))

    # httptools' callbacks

    def on_message_begin(self) -> None:
        self.begun = True
        self.expects_continue = False
        self._target = b""
        self._headers = {}
        self._count = self._size = self._length = 0
        self._in_body = False
        self._body = None

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_body:
            # Ignore trailers: they must not replace headers.
            return
        self._count += 1
        self._size += len(name) + len(value)
        if self._count > MOST_HEADERS or self._size > LARGEST_HEAD:
            self._refuse(431, f"more than {MOST_HEADERS} headers, or more than 64 KiB of them")
            return
        name, value = name.lower(), value.strip(b" \t")
        headers = self._headers
        if name not in headers:
            headers[name] = value
        elif name == b"host":
            self._refuse(400, "there are two Host headers")
        else:
            headers[name] += b", " + value

    def on_headers_complete(self) -> None:
        self._in_body = True
        headers = self._headers
        version = self._parser.get_http_version()
        if version == "1.1":
            if b"host" not in headers:
                self._refuse(400, "the Host header is missing")
        elif version != "1.0":
            self._refuse(505, "this server speaks HTTP/1.1 and HTTP/1.0")
        if self._parser.get_method() == b"CONNECT":
            self._refuse(501, "this server is no proxy")
        if b"transfer-encoding" in headers:
            self._check_encoding(version)
        elif (length := headers.get(b"content-length")) is not None:
            if not length.isdigit():
                self._refuse(400, "Content-Length is no number")
            elif int(length) > LARGEST_BODY:
                self._refuse(413, "the body is larger than 64 MiB")
        if b"expect" in headers:
            self._check_expectation(version)

    def _check_encoding(self, version: str) -> None:
        if b"content-length" in self._headers or version == "1.0":
            self._refuse(400, "the end of the body is ambiguous: Transfer-Encoding with Content-Length, or in HTTP/1.0")
        elif self._headers[b"transfer-encoding"].lower() != b"chunked":
            self._refuse(501, "chunked is the only supported Transfer-Encoding")

    def _check_expectation(self, version: str) -> None:
        if self._headers[b"expect"].lower() != b"100-continue":
            self._refuse(417, "100-continue is the only supported expectation")
        else:
            self.expects_continue = version == "1.1" and not self.ended

    def on_body(self, body: bytes) -> None:
        self._overhead = 0
        self.expects_continue = False
        self._length += len(body)
        if self._length > LARGEST_BODY:
            self._refuse(413, "the body is larger than 64 MiB")
        elif self._length > LARGEST_KEPT:
            self._body = None
        elif self._body is None:
            self._body = bytearray(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        parser = self._parser
        if parser.should_upgrade():
            return
        self._completed += 1
        self.begun = False
        self._overhead = 0
        self.expects_continue = False
        if self.ended:
            return
        body = b"" if not self._length else None if self._body is None else bytes(self._body)
        self._body = None
        request = self._last = HttpRequest(
            parser.get_method().decode("ascii"),
            self._target,
            self._headers,
            body,
            self._length,
            parser.get_http_version(),
            parser.should_keep_alive(),
        )
        self._keep_alive = request.keep_alive
        self._take(request)
