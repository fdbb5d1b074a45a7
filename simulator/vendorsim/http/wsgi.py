"""Runs the WSGI app for one request, in a thread (PEP 3333)."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Collection, Iterable
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from vendorsim.http.messages import (
    BODILESS,
    SERVER,
    HttpRequest,
    common,
    header_lines,
    internal_error,
    rendered,
    status_line,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

# The size of the parts in which a larger body is sent, in bytes.
_COLLECTED = 64 * 1024
# Headers of the connection: the server sets them, and drops the app's.
_OWN = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})
_STALLED_SECONDS = 90.0
_log = logging.getLogger(__name__)


class ClientDisconnected(Exception):
    """The client has closed the connection, or has stopped reading."""


class BrokenOff(Exception):
    """An app raises it to close the connection in place of a response. `data` is sent before, as it is."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__("the app breaks off its response")
        self.data = data


class ResponseChannel:
    """Passes a response from the app's thread to the loop, no faster than the client reads it."""

    def __init__(
        self,
        request: HttpRequest,
        writable: Event,
        call: Callable[..., None],
        write: Callable[[bytes], None],
        finish: Callable[[bytes, bool], None],
    ) -> None:
        """`writable` is set while the client reads. `call` calls a function in the loop: `write` with a part of the
        response, `finish` with the last part and whether the connection stays open."""
        self.request = request
        self._writable = writable
        self._call = call
        self._write = write
        self._finish = finish
        self._disconnected = False

    def disconnect(self) -> None:
        """Makes the next `send` of the app's thread raise ClientDisconnected."""
        self._disconnected = True

    def send(self, data: bytes) -> None:
        """Sends one part, from the app's thread. Raises ClientDisconnected."""
        if not self._writable.wait(_STALLED_SECONDS) or self._disconnected:
            raise ClientDisconnected
        # Wait for the write: only then it is known whether the buffer is full.
        written = Event()

        def write() -> None:
            self._write(data)
            written.set()

        self._call(write)
        if not written.wait(_STALLED_SECONDS):
            raise ClientDisconnected

    def finish(self, data: bytes, keep_alive: bool) -> None:
        """Sends the last part, from the app's thread."""
        self._call(self._finish, data, keep_alive)


def environ(
    request: HttpRequest, server: tuple[str, int], peer: tuple[str, int], underscored: Collection[bytes] = ()
) -> WSGIEnvironment:
    """The WSGI environment of a request; `server` and `peer` are host and port.

    Header names with an underscore are dropped, except those in `underscored` (lower case): in WSGI, `a_b` and `a-b`
    are the same name. A body that was too large to keep has its true length but no content: the app refuses it by its
    length.
    """
    path, host = _split_target(request.target)
    path, _, query = path.partition(b"?")
    variables: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/" + unquote_to_bytes(path).decode("latin-1").lstrip("/"),
        "QUERY_STRING": query.decode("latin-1"),
        "REQUEST_URI": request.target.decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "SERVER_SOFTWARE": SERVER,
        "REMOTE_ADDR": peer[0],
        "REMOTE_PORT": str(peer[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body or b""),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if b"_" not in name or name in underscored:
            variables["HTTP_" + name.decode("latin-1").upper().replace("-", "_")] = value.decode("latin-1")
    # The body is already decoded.
    variables.pop("HTTP_TRANSFER_ENCODING", None)
    variables.pop("HTTP_CONTENT_LENGTH", None)
    content_type = variables.pop("HTTP_CONTENT_TYPE", None)
    if content_type is not None:
        variables["CONTENT_TYPE"] = content_type
    if request.length or b"content-length" in request.headers or b"transfer-encoding" in request.headers:
        variables["CONTENT_LENGTH"] = str(request.length)
    if host is not None:
        variables["HTTP_HOST"] = host
    return variables


def _split_target(target: bytes) -> tuple[bytes, str | None]:
    """Path with query, and the host of an absolute URL, which overrides `Host` (RFC 9112, 3.2.2), or None."""
    target = target.partition(b"#")[0]
    scheme, separator, rest = target.partition(b"://")
    if target.startswith(b"/") or not separator or b"?" in scheme:
        return target, None
    host, slash, path = rest.partition(b"/")
    if not slash:
        host, mark, query = rest.partition(b"?")
        path = mark + query
    return b"/" + path, host.decode("latin-1")


def respond(app: WSGIApplication, environ: WSGIEnvironment, channel: ResponseChannel) -> None:
    """Runs the app and sends its response. Never raises: it logs exceptions of the app and answers with status 500."""
    response = _WsgiResponse(channel)
    try:
        parts = app(environ, response.start)
        try:
            for part in parts:
                response.write(part)
            response.finish()
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
    except ClientDisconnected:
        return
    except BrokenOff as broken:
        channel.finish(broken.data, False)
    except Exception:
        _log.exception("%s %s", channel.request.method, channel.request.target.decode("latin-1"))
        response.fail()


class _WsgiResponse:
    """The response of the app, from `start_response` to the last part."""

    def __init__(self, channel: ResponseChannel) -> None:
        self._channel = channel
        self._request = channel.request
        self._status = 0
        self._phrase = ""
        self._headers: list[tuple[str, str]] = []
        self._collected = bytearray()
        # A body in parts ends after `_left` bytes, with a last chunk (`_chunked`), or with the connection.
        self._begun = False
        self._left: int | None = None
        self._chunked = False
        self._keep_alive = self._request.keep_alive
        self._finished = False

    def start(self, status: str, headers: Iterable[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """The `start_response` of PEP 3333."""
        if exc_info is not None and self._begun:
            raise exc_info[1].with_traceback(exc_info[2])
        if self._status and exc_info is None:
            raise RuntimeError("start_response was called twice")
        number, _, self._phrase = status.partition(" ")
        self._status = int(number)
        listed = list(headers)
        if any(name.lower() == "connection" and value.lower() == "close" for name, value in listed):
            self._keep_alive = False
        self._headers = [(name, value) for name, value in listed if name.lower() not in _OWN]
        return self.write

    def write(self, data: bytes) -> None:
        """Adds a part of the body; sends the collected bytes once there are enough."""
        if not self._status:
            raise RuntimeError("start_response was not called")
        if not self._has_body():
            return
        self._collected += data
        if len(self._collected) > _COLLECTED:
            if not self._begun:
                self._channel.send(self._begin())
            self._channel.send(self._taken())

    def finish(self) -> None:
        """Sends the rest of the response."""
        if not self._status:
            raise RuntimeError("start_response was not called")
        head = b""
        if not self._begun:
            if self._length() is None and self._has_body():
                self._headers.append(("Content-Length", str(len(self._collected))))
            head = self._begin()
        data = head + self._taken() + (b"0\r\n\r\n" if self._chunked else b"")
        if self._left:
            # The body is shorter than its Content-Length. The client sees that only when the connection closes.
            self._keep_alive = False
        self._finished = True
        self._channel.finish(data, self._keep_alive)

    def fail(self) -> None:
        """Answers with status 500 after an exception of the app, or breaks off a response that has begun."""
        if self._finished:
            return
        data = b"" if self._begun else rendered(self._request, internal_error(), False)
        self._channel.finish(data, False)

    def _has_body(self) -> bool:
        return self._status not in BODILESS and self._request.method != "HEAD"

    def _length(self) -> int | None:
        return next((int(value) for name, value in self._headers if name.lower() == "content-length"), None)

    def _begin(self) -> bytes:
        """The status line and headers, with the framing of the body."""
        framing: tuple[tuple[str, str], ...] = ()
        if self._has_body():
            self._left = self._length()
            if self._left is None and self._request.version == "1.1":
                self._chunked = True
                framing = (("Transfer-Encoding", "chunked"),)
            elif self._left is None:
                self._keep_alive = False
        headers = header_lines((*self._headers, *framing)) + common(self._request.version, self._keep_alive)
        self._begun = True
        return status_line(self._status, self._phrase) + headers + b"\r\n"

    def _taken(self) -> bytes:
        """Removes and returns the collected bytes, framed for sending."""
        data, self._collected = bytes(self._collected), bytearray()
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked and data else data
