"""Apps that are made with their first request: that takes 1.5 ms, and 0.1 s if Flask has to be imported for it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING

from vendorsim.http.messages import PHRASES, HttpRequest, HttpResponse
from vendorsim.server.backend import ServerBackend
from vendorsim.server.fast_path import fast_path

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Longer bodies are left to the app.
_LONGEST_BODY = 64 * 1024


class DeferredApp:
    """A WSGI app that is made by `prepare`, or with its first request."""

    def __init__(self, make: Callable[[], WSGIApplication]) -> None:
        self._make = make
        self._lock = Lock()
        self._app: WSGIApplication | None = None

    def prepare(self) -> WSGIApplication:
        """Makes the app, unless it is there, and returns it."""
        with self._lock:
            if self._app is None:
                self._app = self._make()
            return self._app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.prepare()(environ, start_response)


class ShortCut:
    """A WSGI app that answers what the vendors answer without Flask, and passes all else on to `app`.

    It answers in the thread of the request, so unlike the fast path of a server it may wait. `at_once` is such a fast
    path: it answers as long as nobody makes it wait.
    """

    def __init__(self, backend: ServerBackend, app: WSGIApplication) -> None:
        self._backend = backend
        self._app = app
        self._fast_path = fast_path(backend)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = _plain(environ)
        response = None if request is None else self._answer(request)
        if response is None:
            return self._app(environ, start_response)
        if response.delay:
            self._backend.sleep(response.delay)
        headers = [*response.headers, ("Content-Length", str(len(response.body)))]
        start_response(f"{response.status} {PHRASES.get(response.status, '')}", headers)
        return [response.body]

    def at_once(self, request: HttpRequest) -> HttpResponse | None:
        """Answers a request, unless Flask has to or somebody who is told of it may take a while."""
        return None if self._backend.has_subscribers else self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponse | None:
        return None if self._backend.forced_answers.watched else self._fast_path(request)


def _plain(environ: WSGIEnvironment) -> HttpRequest | None:
    """The request, if its path has no encoded characters, and its body a known length. The body can be read again."""
    path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
    length = environ.get("CONTENT_LENGTH", "") or "0"
    known = "HTTP_TRANSFER_ENCODING" not in environ and length.isdecimal() and int(length) <= _LONGEST_BODY
    if query or not known or not path.isascii() or not {"%", "?", "#"}.isdisjoint(path):
        return None
    body = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    headers = {
        name[5:].replace("_", "-").lower().encode(): value.encode("latin-1", "replace")
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers[b"content-type"] = environ["CONTENT_TYPE"].encode("latin-1", "replace")
    return HttpRequest(environ["REQUEST_METHOD"], path.encode(), headers, body, len(body))
