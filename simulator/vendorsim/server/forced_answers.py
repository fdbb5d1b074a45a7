"""Answers that are forced on calls of any vendor's API: errors, answers that never come or break off, lost answers.

They stand between the HTTP server and the app, so they work for every operation without code of its own.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vendorsim.core.clock import monotonic
from vendorsim.http.wsgi import BrokenOff

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The beginning of an answer that breaks off.
_BEGUN = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"id":'


@dataclass(frozen=True, slots=True)
class ForcedAnswer:
    """What happens to one call.

    With a `status` it is answered so, with `headers`, and not carried out; `message` is that of the vendor's own
    answer, if there is one. Without a status, the connection closes after `seconds`, in the middle of an answer if
    `begun`. `carried_out` says whether the call has its effect before that.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    carried_out: bool = False
    begun: bool = False
    seconds: float = 0.0
    message: str = ""


@dataclass(slots=True, eq=False)
class ServedCall:
    """One call as the server got it. `at` and `ended` are monotonic seconds; `status` is None while it is under way and
    where the caller got no complete answer."""

    method: str
    path: str
    body: bytes
    at: float
    status: int | None = None
    ended: float | None = None
    forced: ForcedAnswer | None = None

    @property
    def accepted(self) -> bool:
        """Whether the call was carried out and the caller was told so."""
        return self.status is not None and 200 <= self.status < 300


class ForcedAnswers:
    """Watches all calls of a server. `began` is called before a call is carried out and may force its answer, `ended`
    afterwards; both in the request's thread."""

    def __init__(self) -> None:
        self._began: Callable[[ServedCall], ForcedAnswer | None] | None = None
        self._ended: Callable[[ServedCall], None] = lambda call: None

    def watch(self, began: Callable[[ServedCall], ForcedAnswer | None], ended: Callable[[ServedCall], None]) -> None:
        """Sets who watches; replaces the earlier one."""
        self._began, self._ended = began, ended

    def around(self, app: WSGIApplication) -> WSGIApplication:
        """The app with the forced answers."""

        def watched(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if self._began is None:
                return app(environ, start_response)
            body = environ["wsgi.input"].read()
            environ["wsgi.input"] = io.BytesIO(body)
            call = ServedCall(environ["REQUEST_METHOD"], environ["PATH_INFO"], body, monotonic())
            call.forced = self._began(call)
            try:
                if call.forced is not None and call.forced.status is None:
                    _break_off(app, environ, call.forced)
                if call.forced is not None:
                    return _answer(call, call.forced, start_response)
                return _carry_out(app, environ, start_response, call)
            finally:
                call.ended = monotonic()
                self._ended(call)

        return watched


def _carry_out(
    app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse, call: ServedCall
) -> Iterable[bytes]:
    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
        call.status = int(status[:3])
        return start_response(status, headers, *error)

    return app(environ, start)


def _answer(call: ServedCall, forced: ForcedAnswer, start_response: StartResponse) -> Iterable[bytes]:
    call.status = forced.status
    headers = [("Content-Type", "application/json"), *forced.headers.items()]
    start_response(f"{forced.status} Forced", headers)
    own = {"error": f"vendorsim answers {forced.status} here"}
    return [json.dumps({"message": forced.message} if forced.message else own).encode()]


def _break_off(app: WSGIApplication, environ: WSGIEnvironment, forced: ForcedAnswer) -> None:
    """Raises BrokenOff, after the call was carried out where it should be."""
    if forced.carried_out:
        for _ in app(environ, lambda status, headers, error=None: lambda data: None):
            pass
    time.sleep(forced.seconds)
    raise BrokenOff(_BEGUN if forced.begun else b"")
