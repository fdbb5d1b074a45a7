"""Starts an app under test, WSGI or ASGI, on a free port of this machine."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

from vendorsim.core.errors import InputError, UnreachableError
from vendorsim.testing.app_server import app_server


def is_asgi(app: Any) -> bool:
    """Whether an app is called with scope, receive and send, not with environ and start_response."""
    call = app if inspect.isroutine(app) or inspect.isclass(app) else app.__call__
    if inspect.iscoroutinefunction(call):
        return True
    needed = [item for item in inspect.signature(call).parameters.values() if item.default is item.empty]
    return len([item for item in needed if item.kind in (item.POSITIONAL_ONLY, item.POSITIONAL_OR_KEYWORD)]) == 3


@contextmanager
def hosted(app: Any) -> Iterator[str]:
    """The URL at which the app answers meanwhile.

    Raises InputError when it is no app, or an ASGI app and there is no uvicorn; UnreachableError when it won't start.
    """
    if not callable(app):
        raise InputError(f"{app!r} is no WSGI or ASGI app; give a URL or an app")
    if is_asgi(app):
        with _on_uvicorn(app) as url:
            yield url
    else:
        with app_server(app) as server:
            yield server.url


@contextmanager
def _on_uvicorn(app: Any) -> Iterator[str]:
    try:
        import uvicorn  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise InputError("an ASGI app needs uvicorn: pip install uvicorn") from None
    decided = Event()

    class Server(uvicorn.Server):  # type: ignore[misc,unused-ignore]
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            decided.set()

    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        server = Server(config)

        def serve() -> None:
            try:
                # uvicorn ends the process when the lifespan fails; here it ends the thread.
                with suppress(SystemExit):
                    server.run([listening])
            finally:
                decided.set()

        thread = Thread(target=serve, name="vendorsim-asgi", daemon=True)
        thread.start()
        decided.wait()
        try:
            if not server.started:
                raise UnreachableError("the ASGI app does not start; its lifespan failed, as the log says")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()
