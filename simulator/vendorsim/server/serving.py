"""Serves an app on a port of this machine. Flask is not imported here: a server listens before its app is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendorsim.http.messages import FastPath
from vendorsim.http.server import RunningServer, ServerThreads, running_server
from vendorsim.vendorkit import registry

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def serve_app(
    app: WSGIApplication,
    host: str = "127.0.0.1",
    port: int = 0,
    fast_path: FastPath = lambda request: None,
    *,
    threads: ServerThreads | None = None,
) -> RunningServer:
    """Starts a server for the app, as `vendorsim.http.server.running_server` does. It passes on headers with
    underscores in their names if a vendor's API reads them."""
    underscored = registry.headers_with_underscores()
    return running_server(app, host, port, fast_path, underscored=underscored, threads=threads)
