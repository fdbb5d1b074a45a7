"""The heads of requests and answers that are passed on: read strictly, and kept byte for byte. Pure.

What two readers could take for different messages is refused (RFC 9112, 6.3 and 11.2), since the bytes go on as they
are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from enum import Enum

from msgspec import Struct

from vendorsim.http.messages import BODILESS

LARGEST_HEAD = 64 * 1024
MOST_HEADERS = 200
END = b"\r\n\r\n"
_NAME = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(" + _NAME + rb") ([!-~]+) HTTP/(\d)\.(\d)")
_STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) ([1-9]\d\d)(?: [\t -~\x80-\xff]*)?")
_HEADER = re.compile(rb"(" + _NAME + rb"):[ \t]*([\t -~\x80-\xff]*?)[ \t]*")
_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]*")
_ABSOLUTE = re.compile(rb"(?i)https?://[^/?#]*")
# Between two HTTP connections nothing but these is meant for one of them alone (RFC 9110, 7.6.1). `Connection` and
# `Keep-Alive` are not among them: they say the same on both sides.
_OF_ONE_CONNECTION = frozenset({b"proxy-connection", b"te", b"upgrade", b"http2-settings"})
_KEPT_OPTIONS = frozenset({b"close", b"keep-alive"})
# Removing these, or taking them from another message, would change where a message ends or where it goes.
_NEVER_REMOVED = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"keep-alive"})


class Malformed(Exception):
    """A message that is not passed on. `status` is that of the refusal."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class BodyEnd(Enum):
    """Where a body ends that has no length: with the last chunk, or with the connection."""

    CHUNKED = "chunked"
    CONNECTION = "connection"


Framing = int | BodyEnd
"""The length of a body, or where else it ends."""


class Head(Struct, frozen=True):
    """The head of a message. `lines` are its lines without line breaks; the first one is the request line or status
    line. `headers` are names in lower case and values, in the order of the other lines."""

    lines: tuple[bytes, ...]
    headers: tuple[tuple[bytes, bytes], ...]
    framing: Framing
    keep_alive: bool

    @property
    def raw(self) -> bytes:
        """The bytes of the head, with the empty line that ends it."""
        return b"\r\n".join(self.lines) + END

    def values(self, name: bytes) -> list[bytes]:
        """The values of the headers of that name, which is in lower case."""
        return [value for key, value in self.headers if key == name]


class RequestHead(Head, frozen=True):
    """The head of a request. `version` is `1.0` or `1.1`; `resource` is the path and query of the target, or `*`."""

    method: bytes
    target: bytes
    version: bytes
    resource: bytes

    def to(self, resource: bytes, authority: bytes) -> bytes:
        """The head that goes on to another server: with that path and query, and that value of `Host`."""
        first = b"%b %b HTTP/%b" % (self.method, resource, self.version)
        return _passed(self, first, authority)


class AnswerHead(Head, frozen=True):
    """The head of an answer."""

    status: int

    @property
    def is_interim(self) -> bool:
        """Whether another answer follows to the same request."""
        return self.status < 200

    def passed(self, *, without_chunks: bool = False) -> bytes:
        """The head that goes back to the client. `without_chunks`: its body goes without chunked encoding, and ends
        with the connection."""
        return _passed(
            self, self.lines[0], None, frozenset({b"transfer-encoding", b"trailer"}) if without_chunks else ()
        )


def request_head(raw: bytes) -> RequestHead:
    """Parses the bytes before the empty line. Raises Malformed."""
    first, lines, headers = _read(raw)
    found = _REQUEST_LINE.fullmatch(first)
    if found is None:
        raise Malformed(400, "the request line is not that of HTTP/1.1")
    method, target = found[1], found[2]
    if found[3] != b"1" or found[4] not in b"01":
        raise Malformed(505, "this server speaks HTTP/1.1 and HTTP/1.0")
    version = b"1." + found[4]
    if method == b"CONNECT":
        raise Malformed(501, "this server opens no tunnels")
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version == b"1.1"):
        raise Malformed(400, "there must be one Host header")
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise Malformed(400, "the Host header is no host")
    framing = _framing(headers, version, request=True)
    return RequestHead(
        lines, headers, 0 if framing is None else framing, _keeps_alive(headers, version), method, target, version,
        _resource(method, target),
    )  # fmt: skip


def answer_head(raw: bytes, method: bytes) -> AnswerHead:
    """Parses the bytes before the empty line of an answer to a request with that method. Raises Malformed."""
    first, lines, headers = _read(raw)
    found = _STATUS_LINE.fullmatch(first)
    if found is None:
        raise Malformed(502, "the status line of the answer is not that of HTTP/1.1")
    status = int(found[2])
    framing = _framing(headers, found[1], request=False)
    keep_alive = _keeps_alive(headers, found[1])
    if method == b"HEAD" or status in BODILESS:
        framing = 0
    elif framing is None:
        framing, keep_alive = BodyEnd.CONNECTION, False
    return AnswerHead(lines, headers, framing, keep_alive, status)


def check_trailers(lines: Sequence[bytes]) -> None:
    """Raises Malformed for lines that can't be trailers."""
    for name, _ in map(_header, lines):
        if name in _NEVER_REMOVED:
            raise Malformed(400, f"{name.decode()} can't be a trailer")


def _read(raw: bytes) -> tuple[bytes, tuple[bytes, ...], tuple[tuple[bytes, bytes], ...]]:
    lines = tuple(raw.split(b"\r\n"))
    if len(lines) > MOST_HEADERS + 1:
        raise Malformed(431, f"there are more than {MOST_HEADERS} headers")
    return lines[0], lines, tuple(map(_header, lines[1:]))


def _header(line: bytes) -> tuple[bytes, bytes]:
    found = _HEADER.fullmatch(line)
    if found is None:
        why = "a header goes on in the next line" if line[:1] in (b" ", b"\t") else "a line of the head is no header"
        raise Malformed(400, why)
    return found[1].lower(), found[2]


def _framing(headers: Collection[tuple[bytes, bytes]], version: bytes, *, request: bool) -> Framing | None:
    """Where the body ends, or None if the head does not say it."""
    status = 400 if request else 502
    encodings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    lengths = [value for name, value in headers if name == b"content-length"]
    if encodings:
        if lengths or version == b"1.0" or len(encodings) > 1:
            why = "Transfer-Encoding with Content-Length, twice, or in HTTP/1.0"
            raise Malformed(status, f"the end of the body is ambiguous: {why}")
        if encodings[0] != b"chunked":
            raise Malformed(501 if request else 502, "chunked is the only supported Transfer-Encoding")
        return BodyEnd.CHUNKED
    if not lengths:
        return None
    if len(lengths) > 1:
        raise Malformed(status, "the end of the body is ambiguous: there are two Content-Length headers")
    if not lengths[0].isdigit() or len(lengths[0]) > 18:
        raise Malformed(status, "Content-Length is no number")
    return int(lengths[0])


def _options(headers: Collection[tuple[bytes, bytes]]) -> list[bytes]:
    """The options of the headers `Connection`, in lower case."""
    values = (value for name, value in headers if name == b"connection")
    return [option for value in values for part in value.split(b",") if (option := part.strip(b" \t").lower())]


def _keeps_alive(headers: Collection[tuple[bytes, bytes]], version: bytes) -> bool:
    options = _options(headers)
    return b"close" not in options and (version == b"1.1" or b"keep-alive" in options)


def _resource(method: bytes, target: bytes) -> bytes:
    """Path and query of the target, also of an absolute URL, whose host is not looked at."""
    target = target.partition(b"#")[0]
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return target
    found = _ABSOLUTE.match(target)
    if found is None:
        raise Malformed(400, "the target of the request is neither a path nor a URL")
    rest = target[found.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def _passed(head: Head, first: bytes, authority: bytes | None, removed: Collection[bytes] = ()) -> bytes:
    """The head with another first line, and without what is meant for one connection only."""
    options = _options(head.headers)
    gone = (_OF_ONE_CONNECTION | set(options) | set(removed)) - (_NEVER_REMOVED - set(removed))
    others = any(option not in _KEPT_OPTIONS for option in options)
    lines = [first]
    for (name, _), line in zip(head.headers, head.lines[1:], strict=True):
        if name in gone:
            continue
        if name == b"host" and authority is not None:
            line = line.partition(b":")[0] + b": " + authority
        elif name == b"connection" and others:
            line = _of_kept_options(line)
            if not line:
                continue
        lines.append(line)
    return b"\r\n".join(lines) + END


def _of_kept_options(line: bytes) -> bytes:
    """The line of a header `Connection` with the options that hold on both sides; empty if there is none."""
    name, _, value = line.partition(b":")
    kept = [option for part in value.split(b",") if (option := part.strip(b" \t")).lower() in _KEPT_OPTIONS]
    return name + b": " + b", ".join(kept) if kept else b""
