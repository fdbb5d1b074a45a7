"""The HTTP server of `vendorsim serve`: an event loop in a thread of its own.

The fast path answers a request in the loop. A vendor offers it for a few operations (`Vendor.fast_path`), where Flask
would cost more than all the rest. The WSGI app answers all other requests, in a thread. A test checks that both give
the same answers.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from vendorsim.http import listening
from vendorsim.http.connection import Connection
from vendorsim.http.header_cache import HeaderCache
from vendorsim.http.limits import LIMITS, ServerLimits
from vendorsim.http.loop_thread import LoopThread
from vendorsim.http.messages import FastPath, HttpRequest
from vendorsim.http.thread_pool import ThreadPool
from vendorsim.http.wsgi import ResponseChannel, environ, respond

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_BACKLOG = 1024
# How often the server aborts all connections when it closes: a new one needs a few turns of the loop to be registered.
_ABORT_ROUNDS = 5


class ConnectionManager:
    """What the connections of one server share (`connection.ConnectionHost`). Only `call` is thread-safe."""

    def __init__(
        self,
        app: WSGIApplication,
        fast_path: FastPath,
        address: tuple[str, int],
        loop: asyncio.AbstractEventLoop,
        limits: ServerLimits,
        underscored: Collection[bytes],
        threads: ThreadPool,
    ) -> None:
        self.loop = loop
        self.fast_path = fast_path
        self.limits = limits
        self.header_cache = HeaderCache()
        self.closing = False
        self._app = app
        self._address = address
        self._underscored = underscored
        self._threads = threads
        self._connections: set[Connection] = set()
        self._sweeping: asyncio.TimerHandle | None = None

    def add(self, connection: Connection) -> bool:
        """Registers a new connection. Returns False when there are too many, or when the server is closing."""
        self._connections.add(connection)
        return len(self._connections) <= self.limits.connections and not self.closing

    def remove(self, connection: Connection) -> None:
        """Forgets a closed connection."""
        self._connections.discard(connection)

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Calls a function in the loop, from any thread. Does nothing after the loop has ended."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(function, *arguments)

    def run_app(self, request: HttpRequest, channel: ResponseChannel, peer: tuple[str, int]) -> None:
        """Answers a request with the WSGI app, in a thread."""
        environment = environ(request, self._address, peer, self._underscored)
        self._threads.submit(lambda: respond(self._app, environment, channel))

    def sweep(self) -> None:
        """Checks the deadlines of all connections, now and every `limits.sweep` seconds."""
        now = self.loop.time()
        for connection in list(self._connections):
            connection.check_deadline(now)
        self._sweeping = self.loop.call_later(self.limits.sweep, self.sweep)

    async def close(self) -> None:
        """Closes all connections; unfinished responses get `limits.grace` seconds."""
        self.closing = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        until = self.loop.time() + self.limits.grace
        while [each for each in self._connections if not each.close_if_idle()] and self.loop.time() < until:
            await asyncio.sleep(0.01)
        self._threads.release_busy()
        for _ in range(_ABORT_ROUNDS):
            for connection in list(self._connections):
                connection.abort()
            await asyncio.sleep(0)


class ServerThreads:
    """The threads in which servers run: one for the event loop, and those of the apps. Servers may share them."""

    def __init__(self, most_for_apps: int = LIMITS.threads) -> None:
        self.loop = LoopThread("vendorsim-server")
        self.apps = ThreadPool(most_for_apps)

    def close(self) -> None:
        """Ends the loop. What apps are still doing is not waited for."""
        self.loop.close()
        self.apps.close()


class RunningServer:
    """A running server. `host` and `port` are the address on which it listens."""

    def __init__(
        self,
        app: WSGIApplication,
        listener: socket.socket,
        fast_path: FastPath,
        limits: ServerLimits,
        underscored: Collection[bytes],
        threads: ServerThreads | None,
    ) -> None:
        self.host, self.port = listener.getsockname()[:2]
        self._has_own_threads = threads is None
        self._threads = threads or ServerThreads(limits.threads)
        address, loop, apps = (self.host, self.port), self._threads.loop.loop, self._threads.apps
        self._manager = ConnectionManager(app, fast_path, address, loop, limits, underscored, apps)
        self._server = self._threads.loop.run(self._start(listener))
        self._closed = False

    @property
    def url(self) -> str:
        """The server's URL on this machine."""
        return listening.url(self.host, self.port)

    async def _start(self, listener: socket.socket) -> asyncio.Server:
        self._manager.sweep()
        return await self._manager.loop.create_server(
            lambda: Connection(self._manager), sock=listener, backlog=_BACKLOG
        )

    async def _stop(self) -> None:
        self._server.close()
        await self._manager.close()

    def close(self) -> None:
        """Stops the server. Unfinished responses get `limits.grace` seconds; then it closes every connection."""
        if self._closed:
            return
        self._closed = True
        self._threads.loop.run(self._stop())
        if self._has_own_threads:
            self._threads.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def running_server(
    app: WSGIApplication,
    host: str = "127.0.0.1",
    port: int = 0,
    fast_path: FastPath = lambda request: None,
    limits: ServerLimits = LIMITS,
    *,
    underscored: Collection[bytes] = (),
    threads: ServerThreads | None = None,
) -> RunningServer:
    """Starts a server. Port 0 picks a free port. Close it, or use it as a context manager.

    `underscored` are the header names (lower case) with an underscore that the server passes to the app. It runs in
    `threads`; by default in some of its own. Raises UnreachableError when the address can't be used.
    """
    return RunningServer(app, listening.listen(host, port), fast_path, limits, underscored, threads)
