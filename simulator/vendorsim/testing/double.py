"""The vendors' APIs inside a test: no port and no process, but the same app that `vendorsim serve` runs.

    with vendor_api("https://acme.example.com", token="s3cret") as api:
        integration.identify(session="17")  # calls the vendor's API with `requests`
        api.assert_called_once_with(session_id="17", comm_type="chats", identifier="crm-4711")

The library `responses` intercepts the calls of `requests` (`pip install 'vendorsim[test]'`). Give a client that can
call a WSGI app `api.wsgi` instead, of `vendor_api` or of a `VendorApi`.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import local
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from vendorsim.core import clock, times
from vendorsim.core.errors import InputError, MissingExtraError, UnknownNameError
from vendorsim.http.wsgi import BrokenOff
from vendorsim.runs.sinks import sink_of
from vendorsim.server.backend import ServerBackend
from vendorsim.server.deferred_app import DeferredApp, ShortCut
from vendorsim.server.sinks import path_of
from vendorsim.testing.received import Expected, Received, Stray
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from flask import Response
    from requests import PreparedRequest
    from responses import RequestsMock

    AnswerTuple = tuple[int, list[tuple[str, str]], bytes]

__all__ = ["ApiCall", "Expected", "VendorApi", "vendor_api"]

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class VendorApi(Received):
    """The vendors' APIs with state of their own, and the calls that they received.

    `url` is their base URL, `wsgi` the app. Give `state` to `play`, so that the APIs know the conversations.
    `token`: the only one accepted (default: any). `strict`: only sessions that the test names, or that are being
    played, are known. `duplicate_interval`: milliseconds, or a text such as "60s". `waits`: whether answers to sessions
    `slow-…` are really delayed.
    """

    def __init__(
        self,
        url: str = "https://acme.example.com",
        *,
        token: str | None = None,
        strict: bool = False,
        duplicate_interval: int | str = 60_000,
        waits: bool = False,
    ) -> None:
        self.url = url.rstrip("/")
        self._passed = 0
        self._delay = local()
        sleeping: dict[str, Any] = {} if waits else {"sleep": self._note_delay}
        interval = _milliseconds(duplicate_interval)
        self._backend = ServerBackend(token, strict, interval, now=self._now, **sleeping)
        super().__init__(self._backend.ledger)
        self._app = DeferredApp(self._make_app)
        self.wsgi = ShortCut(self._backend, self._app)

    @property
    def state(self) -> ServerBackend:
        """The state of the APIs, for `play` and `check`."""
        # The APIs watch the conversations, so they are made before the first one begins.
        self._app.prepare()
        return self._backend

    def start_session(self, session_id: int | str) -> None:
        """Makes the session active, whatever was set before; with `strict` it is known from now on."""
        self._set(session_id, ended=False)

    def end_session(self, session_id: int | str) -> None:
        """Ends the session: calls get `Call is already ended` or `Chat is already ended`."""
        self._set(session_id, ended=True)

    def set_crm_support(self, session_id: int | str, supported: bool) -> None:
        """Sets whether the session's CRM is supported; if not, calls get `Unsupported CRM request`."""
        self._set(session_id, crm_supported=supported)

    def force(self, session_id: int | str, *answers: str) -> None:
        """Forces the answers of the session's next calls, one by one, by their names in the verb `authenticate`.

        Raises UnknownNameError.
        """
        known = registry.identification().answers
        for name in answers:
            if name not in known:
                raise UnknownNameError("answer", name, list(known))
        self._set(session_id, answers=answers)

    def sink(
        self, name: str, *answers: int | Mapping[str, Any], conversation: str | Mapping[str, Any] | None = None
    ) -> str:
        """Takes calls in the place of a system that is not a vendor's, and returns the URL of that sink.

        Each answer is a status, or a mapping with `status`, `body`, `latency` ("200ms") and `headers`; the last one
        goes on. `conversation` says where the calls have the conversation's id: a JSON pointer, `{"header": NAME}` or
        `{"segment": NUMBER}`. Called again, it changes what the sink answers. Its calls are asserted as `sink.NAME`.

        Raises InputError.
        """
        settings: dict[str, Any] = {}
        if answers:
            settings["answers"] = [{"status": answer} if isinstance(answer, int) else answer for answer in answers]
        if conversation is not None:
            settings["conversation"] = conversation
        sink = sink_of(name, settings)
        if not self._backend.sinks.change(sink):
            self._backend.sinks.add(sink)
        return self.url + path_of(name)

    def pass_time(self, duration: int | str) -> None:
        """Advances the clock of the duplicate interval at once, by milliseconds or a text such as "60s"."""
        self._passed += _milliseconds(duration)

    def answer(self, request: PreparedRequest) -> AnswerTuple:
        """Returns the app's answer to a request of the library `requests`: status, headers, body.

        Raises `requests.ReadTimeout` if the answer takes longer than the caller's timeout, and
        `requests.ConnectionError` if it breaks off.
        """
        from werkzeug.test import run_wsgi_app

        self._delay.seconds = 0.0
        try:
            body, status, headers = run_wsgi_app(self.wsgi, _environ(request, self.url), buffered=True)
        except BrokenOff as error:
            import requests

            raise requests.ConnectionError(str(error), request=request) from None
        timeout = getattr(request, "req_kwargs", {}).get("timeout")
        read_timeout = timeout[1] if isinstance(timeout, tuple) else timeout
        if isinstance(read_timeout, int | float) and read_timeout < self._delay.seconds:
            from requests import ReadTimeout

            raise ReadTimeout(f"no answer within {read_timeout:g} s", request=request)
        return int(status.split()[0]), list(headers.items()), b"".join(body)

    def _set(self, session_id: int | str, **changes: Any) -> None:
        name = str(session_id)
        if prefix := next((prefix for prefix in registry.identification().reserved if name.startswith(prefix)), None):
            raise InputError(f"session '{name}': ids that start with '{prefix}' have a fixed answer; take another id")
        self._backend.overrides.set(name, **changes)

    def _make_app(self) -> WSGIApplication:
        from vendorsim.server.app import create_app  # here, since many tests need no Flask

        app = create_app(self._backend)
        app.after_request(self._note_stray)
        return app

    def _now(self) -> float:
        return clock.monotonic() + self._passed / 1000

    def _note_delay(self, seconds: float) -> None:
        self._delay.seconds = seconds

    def _note_stray(self, response: Response) -> Response:
        from flask import g, request

        if request.url_rule is None and "sink" not in g:
            self._add_stray(Stray(request.method, request.path, response.status_code))
        return response


@contextmanager
def vendor_api(
    base_url: str = "https://acme.example.com",
    *,
    token: str | None = None,
    strict: bool = False,
    duplicate_interval: int | str = 60_000,
    mock: RequestsMock | None = None,
) -> Iterator[VendorApi]:
    """Answers everything that `requests` sends below `base_url` with the app, inside this process.

    `mock` is an active `responses.RequestsMock` of yours (`responses.mock` under `@responses.activate`); its own rules
    stay. Without it, requests to any other address fail.
    Raises MissingExtraError when the library `responses` is missing.
    """
    try:
        import responses
    except ImportError:
        raise MissingExtraError("vendor_api", "the library responses", "test") from None
    api = VendorApi(base_url, token=token, strict=strict, duplicate_interval=duplicate_interval)
    below = re.compile(re.escape(api.url) + r"(?:[/?]|$)")
    rules = [responses.CallbackResponse(method, below, api.answer) for method in _METHODS]
    if mock is None:
        with responses.RequestsMock(assert_all_requests_are_fired=False) as own:
            for rule in rules:
                own.add(rule)
            yield api
        return
    for rule in rules:
        mock.add(rule)
    try:
        yield api
    finally:
        for rule in rules:
            mock.remove(rule)


def _milliseconds(duration: int | str) -> int:
    try:
        return times.duration(duration) if isinstance(duration, str) else duration
    except ValueError as error:
        raise InputError(str(error)) from None


def _environ(request: PreparedRequest, base: str) -> dict[str, Any]:
    """Returns the WSGI environ of a request. The path of the base URL is SCRIPT_NAME."""
    parts = urlsplit(request.url or "")
    prefix = urlsplit(base).path
    body = _body(request.body)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": prefix,
        "PATH_INFO": unquote_to_bytes(parts.path[len(prefix) :]).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": parts.netloc.rpartition("@")[2],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        environ["HTTP_" + name.upper().replace("-", "_")] = text
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    environ.pop("HTTP_CONTENT_LENGTH", None)
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _body(body: Any) -> bytes:
    """Returns the bytes of a body that is text, bytes, or an iterable of bytes."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, bytes | bytearray) else b"".join(body)
