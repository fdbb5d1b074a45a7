"""The HTTP server of `vendorsim serve`: an event loop in a thread beside the caller, with two doors.

Hot operations, which a vendor may offer (`Vendor.hot`), are answered right in the loop: a framework costs more than all
the rest of such an answer. Everything else goes to the WSGI app, in threads. A test holds both doors to one behaviour.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from vendorsim.http import listening
from vendorsim.http.connection import Connection
from vendorsim.http.header_cache import KnownHeads
from vendorsim.http.loop import loop_factory
from vendorsim.http.messages import Asked, HotDoor
from vendorsim.http.thread_pool import Crew
from vendorsim.http.wsgi import Outlet, environ, respond

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Slow answers of the app hold a thread each; the others must not wait for them.
_THREADS = 48
_CONNECTIONS = 900
_BACKLOG = 1024
# How often, in seconds, it is looked for what has taken too long.
_SWEEP_SECONDS = 1.0
_TURNS = 5
# Seconds that answers in the making are given when the server is closed.
_GRACE = 1.0


class Front:
    """What all connections share. Belongs to the loop's thread, but for `call`."""

    def __init__(
        self, app: WSGIApplication, hot: HotDoor, here: tuple[str, int], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.hot = hot
        self.heads = KnownHeads()
        self.closing = False
        self.now = loop.time
        self.later = loop.call_later
        self._app = app
        self._here = here
        self._loop = loop
        self._crew = Crew(_THREADS)
        self._connections: set[Connection] = set()

    def enter(self, connection: Connection) -> bool:
        """A new connection; False where there are too many, and it is only told so."""
        self._connections.add(connection)
        return len(self._connections) <= _CONNECTIONS and not self.closing

    def leave(self, connection: Connection) -> None:
        """A connection that is no more."""
        self._connections.discard(connection)

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Calls a function in the loop, unless that has ended. Any thread."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)

    def hand_over(self, asked: Asked, outlet: Outlet, peer: tuple[str, int]) -> None:
        """Has the app answer, in a thread."""
        self._crew.submit(lambda: respond(self._app, environ(asked, self._here, peer), outlet))

    def sweep(self) -> None:
        """Ends what has taken too long, again and again."""
        now = self.now()
        for connection in list(self._connections):
            connection.overdue(now)
        self._loop.call_later(_SWEEP_SECONDS, self.sweep)

    async def close(self) -> None:
        """Closes all connections; answers in the making get a second."""
        self.closing = True
        until = self.now() + _GRACE
        while [each for each in self._connections if not each.close_soon()] and self.now() < until:
            await asyncio.sleep(0.01)
        self._crew.close()
        # Some may still be on their way in, and each needs a moment to learn of its end.
        for _ in range(_TURNS):
            for connection in list(self._connections):
                connection.abort()
            await asyncio.sleep(0.001)


class RunningServer:
    """A server that answers until it is closed. `host` and `port` are those it listens on."""

    def __init__(self, app: WSGIApplication, listener: socket.socket, hot: HotDoor) -> None:
        self.host, self.port = listener.getsockname()[:2]
        self._listener = listener
        self._loop = (loop_factory() or asyncio.new_event_loop)()
        self._front = Front(app, hot, (self.host, self.port), self._loop)
        self._closing: asyncio.Event | None = None
        self._ready = Event()
        self._thread = Thread(target=self._serve, name="vendorsim-server", daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def url(self) -> str:
        """Where the server is reached from this machine."""
        return listening.url(self.host, self.port)

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._run())
        finally:
            self._loop.close()
            self._ready.set()

    async def _run(self) -> None:
        self._closing = asyncio.Event()
        server = await self._loop.create_server(lambda: Connection(self._front), sock=self._listener, backlog=_BACKLOG)
        self._front.sweep()
        self._ready.set()
        await self._closing.wait()
        server.close()
        await self._front.close()

    def close(self) -> None:
        """Ends the server: answers in the making get a second, then every connection is closed."""
        if self._closing is not None:
            self._front.call(self._closing.set)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def running_server(
    app: WSGIApplication, host: str = "127.0.0.1", port: int = 0, hot: HotDoor = lambda asked: None
) -> RunningServer:
    """Starts a server; port 0 takes a free one. Close it, or use it as a context manager.

    Raises UnreachableError when the address can't be had.
    """
    return RunningServer(app, listening.listen(host, port), hot)
