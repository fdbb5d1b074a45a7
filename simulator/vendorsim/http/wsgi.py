"""The slower door of the front: the WSGI app, which answers in a thread (PEP 3333)."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterable
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from vendorsim.http.messages import (
    BODILESS,
    SERVER,
    Answered,
    Asked,
    common,
    header_lines,
    of_fault,
    rendered,
    status_line,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

# So much of an answer is collected before it is sent in parts.
_COLLECTED = 64 * 1024
# The only header with an underscore in its name: that of Chatwoot's API. All others are left out, since the app could
# not tell `a_b` from `a-b`.
_UNDERSCORED = b"api_access_token"
# What is between the server and its client, and none of the app's business.
_OWN = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})
_STALLED_SECONDS = 90.0
_log = logging.getLogger(__name__)


class Gone(Exception):
    """The client is there no longer."""


class Outlet:
    """Where a thread's answer goes: on to the loop, and no faster than the client takes it."""

    def __init__(
        self,
        asked: Asked,
        writable: Event,
        call: Callable[..., None],
        written: Callable[[bytes], None],
        finished: Callable[[bytes, bool], None],
    ) -> None:
        """`call` calls a function in the loop: `written` with a part, `finished` with the last one and whether the
        connection may be used again."""
        self.asked = asked
        self._writable = writable
        self._call = call
        self._written = written
        self._finished = finished
        self._gone = False

    def gone(self) -> None:
        """Says that nobody waits for the answer any more."""
        self._gone = True

    def send(self, data: bytes) -> None:
        """Raises Gone."""
        if not self._writable.wait(_STALLED_SECONDS) or self._gone:
            raise Gone
        # The loop learns of a full buffer only when it writes; until it has, the next part must wait.
        written = Event()

        def write() -> None:
            self._written(data)
            written.set()

        self._call(write)
        if not written.wait(_STALLED_SECONDS):
            raise Gone

    def finish(self, data: bytes, keep_alive: bool) -> None:
        """Sends the last part."""
        self._call(self._finished, data, keep_alive)


def environ(asked: Asked, here: tuple[str, int], peer: tuple[str, int]) -> WSGIEnvironment:
    """The request as the app expects it. Bodies larger than what is kept have their true length and no content: the
    app refuses them by their length."""
    path, host = _place(asked.target)
    path, _, query = path.partition(b"?")
    made: dict[str, Any] = {
        "REQUEST_METHOD": asked.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/" + unquote_to_bytes(path).decode("latin-1").lstrip("/"),
        "QUERY_STRING": query.decode("latin-1"),
        "REQUEST_URI": asked.target.decode("latin-1"),
        "SERVER_NAME": here[0],
        "SERVER_PORT": str(here[1]),
        "SERVER_PROTOCOL": f"HTTP/{asked.version}",
        "SERVER_SOFTWARE": SERVER,
        "REMOTE_ADDR": peer[0],
        "REMOTE_PORT": str(peer[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(asked.body or b""),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in asked.headers.items():
        if b"_" not in name or name == _UNDERSCORED:
            made["HTTP_" + name.decode("latin-1").upper().replace("-", "_")] = value.decode("latin-1")
    # Whatever came in chunks is whole by now.
    made.pop("HTTP_TRANSFER_ENCODING", None)
    made.pop("HTTP_CONTENT_LENGTH", None)
    content_type = made.pop("HTTP_CONTENT_TYPE", None)
    if content_type is not None:
        made["CONTENT_TYPE"] = content_type
    if asked.length or b"content-length" in asked.headers or b"transfer-encoding" in asked.headers:
        made["CONTENT_LENGTH"] = str(asked.length)
    if host is not None:
        made["HTTP_HOST"] = host
    return made


def _place(target: bytes) -> tuple[bytes, str | None]:
    """The path and query of a target, and its host where it is a whole URL, which then counts (RFC 9112, 3.2.2)."""
    target = target.partition(b"#")[0]
    scheme, separator, rest = target.partition(b"://")
    if target.startswith(b"/") or not separator or b"?" in scheme:
        return target, None
    host, slash, path = rest.partition(b"/")
    if not slash:
        host, mark, query = rest.partition(b"?")
        path = mark + query
    return b"/" + path, host.decode("latin-1")


def respond(app: WSGIApplication, made: WSGIEnvironment, outlet: Outlet) -> None:
    """Has the app answer. Raises nothing."""
    answer = _Answer(outlet)
    try:
        parts = app(made, answer.start)
        try:
            for part in parts:
                answer.write(part)
            answer.finish()
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
    except Gone:
        return
    except Exception:
        _log.exception("%s %s", outlet.asked.method, outlet.asked.target.decode("latin-1"))
        answer.fail()


class _Answer:
    """An answer while the app makes it."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._asked = outlet.asked
        self._status = 0
        self._phrase = ""
        self._headers: list[tuple[str, str]] = []
        self._collected = bytearray()
        # How the body that is sent in parts ends: after a number of bytes, by a last chunk, or with the connection.
        self._begun = False
        self._left: int | None = None
        self._chunked = False
        self._keep_alive = self._asked.keep_alive
        self._finished = False

    def start(self, status: str, headers: Iterable[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """`start_response`."""
        if exc_info is not None and self._begun:
            raise exc_info[1].with_traceback(exc_info[2])
        if self._status and exc_info is None:
            raise RuntimeError("start_response was called twice")
        number, _, self._phrase = status.partition(" ")
        self._status = int(number)
        given = list(headers)
        if any(name.lower() == "connection" and value.lower() == "close" for name, value in given):
            self._keep_alive = False
        self._headers = [(name, value) for name, value in given if name.lower() not in _OWN]
        return self.write

    def write(self, data: bytes) -> None:
        """Part of the body."""
        if not self._status:
            raise RuntimeError("start_response was not called")
        if not self._has_body():
            return
        self._collected += data
        if len(self._collected) > _COLLECTED:
            if not self._begun:
                self._outlet.send(self._begin())
            self._outlet.send(self._taken())

    def finish(self) -> None:
        """The body is whole."""
        if not self._status:
            raise RuntimeError("start_response was not called")
        head = b""
        if not self._begun:
            if self._length() is None and self._has_body():
                self._headers.append(("Content-Length", str(len(self._collected))))
            head = self._begin()
        data = head + self._taken() + (b"0\r\n\r\n" if self._chunked else b"")
        if self._left:
            # The app has promised more than it gave: only the end of the connection says so.
            self._keep_alive = False
        self._finished = True
        self._outlet.finish(data, self._keep_alive)

    def fail(self) -> None:
        """Something went wrong in the app: that is the answer, where none has begun."""
        if self._finished:
            return
        data = b"" if self._begun else rendered(self._asked, _FAULT, False)
        self._outlet.finish(data, False)

    def _has_body(self) -> bool:
        return self._status not in BODILESS and self._asked.method != "HEAD"

    def _length(self) -> int | None:
        return next((int(value) for name, value in self._headers if name.lower() == "content-length"), None)

    def _begin(self) -> bytes:
        """The head, once it is known how the body will end."""
        framing: tuple[tuple[str, str], ...] = ()
        if self._has_body():
            self._left = self._length()
            if self._left is None and self._asked.version == "1.1":
                self._chunked = True
                framing = (("Transfer-Encoding", "chunked"),)
            elif self._left is None:
                self._keep_alive = False
        headers = header_lines((*self._headers, *framing)) + common(self._asked.version, self._keep_alive)
        self._begun = True
        return status_line(self._status, self._phrase) + headers + b"\r\n"

    def _taken(self) -> bytes:
        """What was collected, as it is sent."""
        data, self._collected = bytes(self._collected), bytearray()
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked and data else data


_FAULT: Answered = of_fault()
