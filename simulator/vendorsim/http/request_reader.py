"""Reads requests from the bytes of a connection, with httptools, and refuses what could be read in two ways.

llhttp, which httptools wraps, is strict about the grammar. What it lets pass, or can't bound, is judged here: sizes,
`Host`, the framing of bodies (RFC 9112, 6 and 11.2), and expectations.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import httptools

from vendorsim.http.header_cache import KnownHeads
from vendorsim.http.messages import Answered, Asked, refusal

LARGEST_HEAD = 64 * 1024
MOST_HEADERS = 200
# A body is read up to this size, so that the app can refuse it at its turn, and kept up to the next one.
LARGEST_BODY = 64 * 1024 * 1024
LARGEST_KEPT = 1024 * 1024
_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64} \S{1,8000} HTTP/1\.[01]\r\n")


class Reader:
    """One connection's requests. `take` gets each one once it is whole, or the one refusal that ends it all. `heads` is
    what all connections have read.

    `expects_continue` is set where a client waits for `100 Continue` before it sends its body; `begun` while a request
    has come in part. Nothing is read after a refusal.
    """

    def __init__(self, take: Callable[[Asked | Answered], None], heads: KnownHeads) -> None:
        self._take = take
        self._heads = heads
        self._parser = httptools.HttpRequestParser(self)
        self.begun = False
        self.ended = False
        self.expects_continue = False
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._count = 0
        self._size = 0
        self._completed = 0
        # The last request that is whole, until it is learnt from, and whether more may follow it.
        self._whole: Asked | None = None
        self._goes_on = True
        self._in_body = False
        self._body: bytearray | None = None
        self._length = 0
        # Bytes since the last one that was part of a body, or of a request before: heads, trailers, chunk extensions.
        self._overhead = 0

    def feed(self, data: bytes) -> None:
        """Takes in what has arrived."""
        between = not self.begun and not self.ended and self._goes_on
        if between and (asked := self._heads.read(data)) is not None:
            self._take(asked)
            return
        known = self._completed
        self._parse(data)
        asked, self._whole = self._whole, None
        if asked is not None and between and self._completed == known + 1 and not self.begun and not self.ended:
            self._heads.learn(data, asked)

    def _parse(self, data: bytes) -> None:
        while data and not self.ended:
            self._overhead += len(data)
            known = self._completed
            try:
                self._parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as upgrade:
                # The parser stops after the head, and takes what follows for another protocol. That wish is not
                # granted: the same request is read without it, and so is its body.
                data = self._without_upgrade() + data[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(self)
                self._overhead = 0
            except httptools.HttpParserInvalidMethodError:
                if known == self._completed and _REQUEST_LINE.match(data):
                    self._refuse(501, "the method is not known here")
                else:
                    self._refuse(400, "this is not HTTP/1.1")
            except httptools.HttpParserError as error:
                self._refuse(400, str(error))
        if self._overhead > LARGEST_HEAD:
            self._refuse(400 if self._in_body else 431, "there is more than 64 KiB around the body")

    def _without_upgrade(self) -> bytes:
        """The head that was read last, but for the wish for another protocol."""
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
            # Trailers are of no use to anybody here, and must not pass for headers.
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
            self._refuse(400, "it can be told in two ways where the body ends")
        elif self._headers[b"transfer-encoding"].lower() != b"chunked":
            self._refuse(501, "chunked is the only Transfer-Encoding here")

    def _check_expectation(self, version: str) -> None:
        if self._headers[b"expect"].lower() != b"100-continue":
            self._refuse(417, "100-continue is all that can be expected")
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
        asked = self._whole = Asked(
            parser.get_method().decode("ascii"),
            self._target,
            self._headers,
            body,
            self._length,
            parser.get_http_version(),
            parser.should_keep_alive(),
        )
        self._goes_on = asked.keep_alive
        self._take(asked)
