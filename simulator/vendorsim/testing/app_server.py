"""Runs an app on waitress, in a thread beside the caller."""

from __future__ import annotations

import json
import logging
import re
import socket
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from waitress import wasyncore  # type: ignore[import-untyped]
from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.parser import HTTPRequestParser  # type: ignore[import-untyped]
from waitress.server import create_server  # type: ignore[import-untyped]
from waitress.task import ErrorTask  # type: ignore[import-untyped]

from vendorsim.http import listening

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Slow answers hold a thread each; the others must not wait for them.
_THREADS = 48
_CONNECTIONS = 900
# Seconds that answers in the making are given when the server is closed.
_GRACE = 1.0
_LARGEST_HEADER = 64 * 1024
_TOKEN_HEADER = re.compile(rb"\r\napi_access_token:", re.IGNORECASE)
# The app judges the size of a body at its turn; this is only what the server is ready to take in.
_LARGEST_BODY = 64 * 1024 * 1024


class _JsonErrorTask(ErrorTask):  # type: ignore[misc]
    """The answer to what is no HTTP request, as JSON like every other answer."""

    def execute(self) -> None:
        error = self.request.error
        body = json.dumps({"message": f"{error.reason}: {error.body}"}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Lets `api_access_token` through, the header of Chatwoot's API: waitress drops all headers with underscores."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(_TOKEN_HEADER.sub(b"\r\napi-access-token:", header_plus))


class _Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = _Parser
    error_task_class = _JsonErrorTask


class RunningServer:
    """A server that answers until it is closed. `host` and `port` are those it listens on."""

    def __init__(self, app: WSGIApplication, listener: socket.socket) -> None:
        # waitress warns of every request that has to wait for a thread.
        logging.getLogger("waitress").setLevel(logging.ERROR)
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._sockets,
            sockets=[listener],
            threads=_THREADS,
            connection_limit=_CONNECTIONS,
            max_request_header_size=_LARGEST_HEADER,
            max_request_body_size=_LARGEST_BODY,
            log_socket_errors=False,
            ident="vendorsim",
        )
        self._server.channel_class = _Channel
        self.host, self.port = listener.getsockname()[:2]
        self._closing = Event()
        self._thread = Thread(target=self._serve, name="vendorsim-server", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the server is reached from this machine."""
        return listening.url(self.host, self.port)

    def _serve(self) -> None:
        while not self._closing.is_set():
            # poll, where there is one: select knows no more than 1024 sockets.
            wasyncore.loop(timeout=1.0, use_poll=True, map=self._sockets, count=1)

    def close(self) -> None:
        """Ends the server: answers in the making get a second, then every connection is closed."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._server.pull_trigger()
        self._thread.join()
        self._server.task_dispatcher.shutdown(timeout=_GRACE)
        wasyncore.close_all(self._sockets)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def running_server(app: WSGIApplication, host: str = "127.0.0.1", port: int = 0) -> RunningServer:
    """Starts a server; port 0 takes a free one. Close it, or use it as a context manager.

    Raises UnreachableError when the address can't be had.
    """
    return RunningServer(app, listening.listen(host, port))
