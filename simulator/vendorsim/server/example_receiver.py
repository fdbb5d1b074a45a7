"""The example receiver: an integration that only takes webhooks, for a first look at the workbench.

It is a real HTTP server, on a free port of this machine's loopback address, so runs reach it whatever the server
listens on and whichever token it asks for. It starts when the first example run asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING, Any

from vendorsim.http.server import RunningServer, running_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATH = "/example-receiver"
FAILING = f"{PATH}/failing"


class ExampleReceiver:
    """The receiver of one server, which all namespaces share: it keeps nothing. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._server: RunningServer | None = None

    def url(self, *, failing: bool = False) -> str:
        """Returns the address that takes everything, or the one that answers 500 to everything. Starts the receiver
        when it does not run yet. Raises UnreachableError."""
        with self._lock:
            if self._server is None:
                self._server = running_server(_answer)
            return self._server.url + (FAILING if failing else PATH)

    def close(self) -> None:
        """Stops the receiver, if it runs."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.close()


def _answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Tells what came: 200, 500 below the failing address, 404 elsewhere."""
    path = environ.get("PATH_INFO", "")
    if path == PATH:
        body = environ["wsgi.input"].read()
        received = {"method": environ["REQUEST_METHOD"], "type": environ.get("CONTENT_TYPE", ""), "bytes": len(body)}
        return _json(start_response, "200 OK", {"receiver": "example", "received": received})
    if path == FAILING:
        detail = "This address answers 500 to everything, so that you see how a failure looks."
        return _json(start_response, "500 Internal Server Error", {"receiver": "example", "error": detail})
    return _json(start_response, "404 Not Found", {"receiver": "example", "error": f"Use {PATH} or {FAILING}."})


def _json(start_response: StartResponse, status: str, document: dict[str, Any]) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(document).encode()]
