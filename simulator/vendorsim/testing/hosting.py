"""Starts an app under test, WSGI or ASGI, on a free port of this machine."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

from vendorsim.core.errors import InputError, MissingExtraError, UnreachableError
from vendorsim.testing.app_server import app_server


def is_asgi(app: Any) -> bool:
    """Returns whether an app is ASGI (takes scope, receive and send), not WSGI (takes environ and start_response)."""
    call = app if inspect.isroutine(app) or inspect.isclass(app) else app.__call__
    if inspect.iscoroutinefunction(call):
        return True
    needed = [item for item in inspect.signature(call).parameters.values() if item.default is item.empty]
    return len([item for item in needed if item.kind in (item.POSITIONAL_ONLY, item.POSITIONAL_OR_KEYWORD)]) == 3


@contextmanager
def hosted(app: Any) -> Iterator[str]:
    """Serves the app inside the `with` block; yields its URL.

    Raises InputError if it is no app, MissingExtraError if it is an ASGI app and uvicorn is not installed, and
    UnreachableError if it does not start.
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
        raise MissingExtraError("an ASGI app", "uvicorn", "asgi") from None
    started_or_failed = Event()

    class Server(uvicorn.Server):  # type: ignore[misc,unused-ignore]
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started_or_failed.set()

    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        server = Server(config)

        def serve() -> None:
            try:
                # uvicorn calls sys.exit when the lifespan fails; let it end only this thread.
                with suppress(SystemExit):
                    server.run([listening])
            finally:
                started_or_failed.set()

        thread = Thread(target=serve, name="vendorsim-asgi", daemon=True)
        thread.start()
        started_or_failed.wait()
        try:
            if not server.started:
                raise UnreachableError("the ASGI app does not start; its lifespan failed, as the log says")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()
