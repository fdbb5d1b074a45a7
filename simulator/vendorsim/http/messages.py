"""A request and a response as the server handles them, and the bytes of a response."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

import orjson
from msgspec import Struct

JSON = (("Content-Type", "application/json"),)
SERVER = "vendorsim"
# Statuses without a body and without Content-Length (RFC 9110, 6.4.1).
BODILESS = frozenset({*range(100, 200), 204, 304})
# The reason phrases. Those of `http.client` are the same, and importing it takes longer than all else here.
PHRASES = {status.value: status.phrase for status in HTTPStatus}


class HttpResponse(Struct):
    """A complete response. It is sent after `delay` seconds; `last` closes the connection after it."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = JSON
    delay: float = 0.0
    last: bool = False


class HttpRequest(Struct):
    """A complete request.

    `headers` have names in lower case; the values of a repeated name are joined by commas. `body` is None when it was
    too large to keep (over 1 MiB); `length` is its true length in bytes.
    """

    method: str
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes | None
    length: int = 0
    version: str = "1.1"
    keep_alive: bool = True

    def header(self, name: bytes) -> str | None:
        """The value of a header, decoded as in WSGI (Latin-1); None when it is missing. `name` is in lower case."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


FastPath = Callable[[HttpRequest], HttpResponse | None]
"""Answers a request in the event loop, so it must not block. None leaves the request to the WSGI app."""


def refusal(status: int, why: str) -> HttpResponse:
    """The response to an invalid or unsupported request. It closes the connection."""
    message = f"{PHRASES[status]}: {why}"
    return HttpResponse(status, orjson.dumps({"message": message}), last=True)


def internal_error() -> HttpResponse:
    """The response when the server itself fails, with the same body as that of the Flask app."""
    return HttpResponse(500, b'{"message": "Internal Server Error"}')


def rendered(request: HttpRequest | None, response: HttpResponse, keep_alive: bool) -> bytes:
    """The bytes of a response; `request` is None when it could not be parsed."""
    body = b"" if request is not None and request.method == "HEAD" else response.body
    version = "1.1" if request is None else request.version
    length = len(response.body)
    head = _head(response.status, response.headers, version, keep_alive, int(time.time()))
    return b"%bContent-Length: %d\r\n\r\n%b" % (head, length, body)


def status_line(status: int, phrase: str = "") -> bytes:
    """`HTTP/1.1 202 Accepted`, by default with the standard reason phrase."""
    return f"HTTP/1.1 {status} {phrase or PHRASES.get(status, '')}\r\n".encode("latin-1")


@lru_cache(maxsize=256)
def _head(status: int, headers: tuple[tuple[str, str], ...], version: str, keep_alive: bool, second: int) -> bytes:
    return status_line(status) + header_lines(headers) + _common(version, keep_alive, second)


def header_lines(headers: tuple[tuple[str, str], ...]) -> bytes:
    """Encodes headers, one per line. Raises ValueError when one contains a line break."""
    text = "".join(f"{name}: {value}\r\n" for name, value in headers)
    if text.count("\n") != len(headers) or text.count("\r") != len(headers):
        raise ValueError("a header has a line break in it")
    return text.encode("latin-1")


def common(version: str, keep_alive: bool) -> bytes:
    """The headers of every response: `Server`, `Date` and, where needed, `Connection`."""
    return _common(version, keep_alive, int(time.time()))


@lru_cache(maxsize=4)
def _common(version: str, keep_alive: bool, second: int) -> bytes:
    headers = [("Server", SERVER), ("Date", formatdate(second, usegmt=True))]
    if not keep_alive:
        headers.append(("Connection", "close"))
    elif version == "1.0":
        headers.append(("Connection", "keep-alive"))
    return header_lines(tuple(headers))
