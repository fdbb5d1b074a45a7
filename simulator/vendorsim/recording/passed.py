"""What passes: where it goes, how long it may take, and the copy that is kept of it."""

from __future__ import annotations

import ssl

from msgspec import Struct, field

from vendorsim.captures.exchange import Direction
from vendorsim.core.errors import InputError
from vendorsim.http.endpoint import Endpoint, endpoint
from vendorsim.http.heads import AnswerHead, RequestHead

# Bytes of a body that are kept. All of it is passed on.
LARGEST_KEPT = 1024 * 1024


class PassingLimits(Struct, frozen=True):
    """The limits of a proxy that records. Times are in seconds.

    `connections` is the maximum number of open connections; further ones get status 503. `connect` is the time to reach
    the target. `request` is the time for the head of a request, and between two parts of its body; `answer` the time
    until the answer begins, and between two parts of it; `idle` the time between two requests, and for which the other
    side may read nothing. `linger` is the time for a client to read an answer before its connection is closed. `kept`
    is the number of bytes of a body that are kept.
    """

    connections: int = 900
    connect: float = 10.0
    request: float = 60.0
    answer: float = 600.0
    idle: float = 300.0
    linger: float = 2.0
    kept: int = LARGEST_KEPT


LIMITS = PassingLimits()


class Way(Struct, frozen=True):
    """Where the requests that arrive at one port go. `tls` is the context for an https target; through a `proxy`, if
    there is one."""

    direction: Direction
    target: Endpoint
    tls: ssl.SSLContext | None = None
    proxy: Endpoint | None = None

    def resource(self, arrived: bytes) -> bytes:
        """Path and query at the target, of those with which a request arrived.

        The path of the target takes the place of `/`. A path that is that of the target, or below it, stays; any other
        path comes after that of the target. The query of the target comes before that of the request.
        """
        if arrived == b"*":
            return arrived
        path, _, query = arrived.partition(b"?")
        own_path, _, own_query = self.target.resource.encode().partition(b"?")
        base = own_path.rstrip(b"/")
        if path == b"/":
            path = own_path
        elif path != base and not path.startswith(base + b"/"):
            path = base + path
        both = b"&".join(part for part in (own_query, query) if part)
        return path + (b"?" + both if both else b"")

    def request(self, head: RequestHead) -> bytes:
        """The bytes of the head that goes to the target."""
        resource = self.resource(head.resource)
        if self.proxy is not None and not self.target.secure:
            resource = b"http://" + self.target.authority.encode() + resource
        return head.to(resource, self.target.authority.encode())


def way(
    direction: Direction, option: str, url: str, tls: ssl.SSLContext | None = None, proxy: Endpoint | None = None
) -> Way:
    """The way to a URL that was given with an option. Raises InputError."""
    try:
        target = endpoint(url)
    except InputError as error:
        raise InputError(f"{option} {error}") from None
    if target.credentials is not None:
        raise InputError(
            f"{option} {target.shown}: leave out user and password; requests are passed on with their own credentials"
        )
    if proxy is not None and proxy.credentials is not None and not target.secure:
        raise InputError(f"--proxy {proxy.shown}: a proxy with a password is of use for https targets only")
    if target.secure and tls is None:
        tls = ssl.create_default_context()
    return Way(direction, target, tls if target.secure else None, proxy)


class Kept:
    """The copy of a body: its first bytes, at most `most`, and its whole size."""

    __slots__ = ("_most", "data", "size")

    def __init__(self, most: int) -> None:
        self._most = most
        self.data = b""
        self.size = 0

    def add(self, content: bytes) -> None:
        """Takes the next part of the body."""
        self.size += len(content)
        room = self._most - len(self.data)
        if room > 0 and content:
            self.data += content[:room]

    @property
    def is_cut(self) -> bool:
        """Whether a part of the body was not kept."""
        return self.size > len(self.data)


class Passed(Struct):
    """One request that was passed on, and its answer as far as it came. Treat as immutable once it is complete.

    `number` is its number in the order of arrival, from 1. `target` is where it went, without secrets; `at` when it
    arrived, in milliseconds since 1970. `status` is what the client was answered, by the target or, with `failure`, by
    the proxy; None if the connection ended without an answer. `milliseconds` is the time from the request's head to the
    end of the answer. `failure` is the kind of what went wrong (`vendorsim.http.transport`: UNREACHABLE, TIMEOUT,
    BROKEN), and `reason` says it. `problems` say what was not kept.
    """

    number: int
    direction: Direction
    target: str
    head: RequestHead
    at: int
    body: Kept
    answer_body: Kept
    answer: AnswerHead | None = None
    status: int | None = None
    milliseconds: float = 0.0
    failure: str | None = None
    reason: str | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return len(self.body.data) + len(self.answer_body.data) + 4_096
