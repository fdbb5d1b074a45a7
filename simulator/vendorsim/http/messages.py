"""What goes through the front: a request as it came, an answer, and the answer's bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http.client import responses

import orjson

JSON = (("Content-Type", "application/json"),)
SERVER = "vendorsim"
# Statuses whose answers never have a body, nor a length (RFC 9110, 6.4.1).
BODILESS = frozenset({*range(100, 200), 204, 304})


@dataclass(slots=True)
class Answered:
    """A whole answer. `held` says for how many seconds it is to be held back; `last` ends the connection."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = JSON
    held: float = 0.0
    last: bool = False


@dataclass(slots=True)
class Asked:
    """A whole request.

    `headers` have names in lower case; the values of a name that came more than once are joined by commas. `body` is
    None where it is larger than what is kept; `length` is its length in any case.
    """

    method: str
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes | None
    length: int = 0
    version: str = "1.1"
    keep_alive: bool = True

    def header(self, name: bytes) -> str | None:
        """The value of a header, whose name is in lower case, as WSGI decodes it; None where it is missing."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


HotDoor = Callable[[Asked], Answered | None]
"""Answers what it knows at once, in the loop that reads, and so must not wait for anything; None leaves a request to
the app."""


def refusal(status: int, why: str) -> Answered:
    """The answer to what can't be read as a request; nothing more is read after it."""
    message = f"{responses[status]}: {why}"
    return Answered(status, orjson.dumps({"message": message}), last=True)


def of_fault() -> Answered:
    """The answer where something here went wrong, as the Flask app gives it."""
    return Answered(500, b'{"message": "Internal Server Error"}')


def rendered(asked: Asked | None, answered: Answered, keep_alive: bool) -> bytes:
    """The bytes of an answer; `asked` is None where the request could not be read."""
    body = b"" if asked is not None and asked.method == "HEAD" else answered.body
    version = "1.1" if asked is None else asked.version
    length = len(answered.body)
    head = _head(answered.status, answered.headers, version, keep_alive, int(time.time()))
    return b"%bContent-Length: %d\r\n\r\n%b" % (head, length, body)


def status_line(status: int, phrase: str = "") -> bytes:
    """`HTTP/1.1 202 Accepted`, with the usual phrase where none is given."""
    return f"HTTP/1.1 {status} {phrase or responses.get(status, '')}\r\n".encode("latin-1")


@lru_cache(maxsize=256)
def _head(status: int, headers: tuple[tuple[str, str], ...], version: str, keep_alive: bool, second: int) -> bytes:
    return status_line(status) + header_lines(headers) + _common(version, keep_alive, second)


def header_lines(headers: tuple[tuple[str, str], ...]) -> bytes:
    """Headers as they are sent. Raises ValueError for what would be more than a line."""
    text = "".join(f"{name}: {value}\r\n" for name, value in headers)
    if text.count("\n") != len(headers) or text.count("\r") != len(headers):
        raise ValueError("a header has a line break in it")
    return text.encode("latin-1")


def common(version: str, keep_alive: bool) -> bytes:
    """The headers that every answer has: who answers, when, and what becomes of the connection."""
    return _common(version, keep_alive, int(time.time()))


@lru_cache(maxsize=4)
def _common(version: str, keep_alive: bool, second: int) -> bytes:
    headers = [("Server", SERVER), ("Date", formatdate(second, usegmt=True))]
    if not keep_alive:
        headers.append(("Connection", "close"))
    elif version == "1.0":
        headers.append(("Connection", "keep-alive"))
    return header_lines(tuple(headers))
