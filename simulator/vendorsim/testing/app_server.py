"""Runs a WSGI app under test on waitress, a production server, in a background thread."""

from __future__ import annotations

import logging
import socket
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from waitress import wasyncore  # type: ignore[import-untyped]
from waitress.server import create_server  # type: ignore[import-untyped]
from waitress.task import ThreadedTaskDispatcher  # type: ignore[import-untyped]

from vendorsim.http import listening

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# A slow answer occupies a thread; there must be enough for the others.
_MOST_THREADS = 48
_CONNECTIONS = 900
# Seconds that unfinished answers get when the server is closed.
_GRACE = 1.0
_LARGEST_HEADER = 64 * 1024
# The app itself limits the size of a body; the server only has to accept it.
_LARGEST_BODY = 64 * 1024 * 1024


class _Threads(ThreadedTaskDispatcher):  # type: ignore[misc]
    """The threads that run the app, each started when a request finds none idle: to start all takes 5 ms."""

    def add_task(self, task: Any) -> None:
        super().add_task(task)
        with self.lock:
            running = len(self.threads) - self.stop_count
            wanted = self.active_count + len(self.queue)
        if running < wanted:
            self.set_thread_count(min(running + 1, _MOST_THREADS))


class AppServer:
    """A server that runs until it is closed. It listens on `host` and `port`."""

    def __init__(self, app: WSGIApplication, listener: socket.socket) -> None:
        # waitress logs a warning for every request that waits for a thread.
        logging.getLogger("waitress").setLevel(logging.ERROR)
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._sockets,
            sockets=[listener],
            threads=0,
            connection_limit=_CONNECTIONS,
            max_request_header_size=_LARGEST_HEADER,
            max_request_body_size=_LARGEST_BODY,
            log_socket_errors=False,
        )
        self._server.task_dispatcher = self._threads = _Threads()
        self.host, self.port = listener.getsockname()[:2]
        self._closing = Event()
        self._thread = Thread(target=self._serve, name="vendorsim-app-under-test", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The app's URL on this machine."""
        return listening.url(self.host, self.port)

    def _serve(self) -> None:
        while not self._closing.is_set():
            # poll, where there is one: select handles at most 1024 sockets.
            wasyncore.loop(timeout=1.0, use_poll=True, map=self._sockets, count=1)

    def close(self) -> None:
        """Stops the server: unfinished answers get one second, then every connection is closed."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._server.pull_trigger()
        self._thread.join()
        self._threads.shutdown(timeout=_GRACE)
        wasyncore.close_all(self._sockets)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def app_server(app: WSGIApplication, host: str = "127.0.0.1", port: int = 0) -> AppServer:
    """Starts a server for the app; port 0 takes a free one. Close the server, or use it as a context manager.

    Raises UnreachableError when the address can't be used.
    """
    return AppServer(app, listening.listen(host, port))
