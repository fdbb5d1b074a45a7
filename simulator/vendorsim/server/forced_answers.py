"""Answers that are forced on calls of any vendor's API: errors, answers that never come or break off, lost answers.

They stand between the HTTP server and the app, so they work for every operation without code of its own.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable, Mapping
from threading import local
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from vendorsim.core.clock import monotonic, wall_clock
from vendorsim.http.messages import PHRASES
from vendorsim.http.wsgi import BrokenOff
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The beginning of an answer that breaks off.
_BEGUN = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"id":'


class ForcedAnswer(Struct, frozen=True):
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

    @property
    def name(self) -> str:
        """What it is called in the ledger (`ApiCall.forced`)."""
        if self.status is not None:
            return "refused"
        return "answer lost" if self.carried_out else "answer broken off" if self.begun else "no answer"


class ServedCall(Struct, eq=False):
    """One call as the server got it. `at` and `ended` are monotonic seconds; `status` is None while it is under way and
    where the caller got no complete answer. Who watches sets the id of the `conversation` that it is about."""

    method: str
    path: str
    body: bytes
    at: float
    status: int | None = None
    ended: float | None = None
    forced: ForcedAnswer | None = None
    conversation: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the call was carried out and the caller was told so."""
        return self.status is not None and 200 <= self.status < 300


class _InThread(local):
    """What is forced on the call that a thread carries out, by its name; empty if nothing is."""

    forced = ""


class ForcedAnswers:
    """Watches all calls of a server. `began` is called before a call is carried out and may force its answer, `ended`
    afterwards; both in the request's thread."""

    def __init__(self, tell: Callable[[ApiCall], None] = lambda call: None) -> None:
        """`tell` takes the calls that are not carried out: the vendor's API tells all others."""
        self._tell = tell
        self._local = _InThread()
        self._began: Callable[[ServedCall], ForcedAnswer | None] | None = None
        self._ended: Callable[[ServedCall], None] = lambda call: None

    def watch(self, began: Callable[[ServedCall], ForcedAnswer | None], ended: Callable[[ServedCall], None]) -> None:
        """Sets who watches; replaces the earlier one."""
        self._began, self._ended = began, ended

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return self._began is not None

    def under_way(self) -> str:
        """What is forced on the call that this thread carries out, by its name; empty if nothing is."""
        return self._local.forced

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
                if call.forced is None:
                    return _carry_out(app, environ, start_response, call)
                if call.forced.carried_out:
                    self._local.forced = call.forced.name
                    _carry_out_silently(app, environ)
                else:
                    self._tell_forced(environ, call, call.forced)
                if call.forced.status is None:
                    time.sleep(call.forced.seconds)
                    raise BrokenOff(_BEGUN if call.forced.begun else b"")
                return _answer(call, call.forced, start_response)
            finally:
                self._local.forced = ""
                call.ended = monotonic()
                self._ended(call)

        return watched

    def _tell_forced(self, environ: WSGIEnvironment, call: ServedCall, forced: ForcedAnswer) -> None:
        """Tells a call that is not carried out, if it is one of a vendor's API."""
        found = registry.operation_at(call.method, call.path)
        if found is None:
            return
        usual = PHRASES.get(forced.status, "") if forced.status is not None else forced.name
        self._tell(
            ApiCall(
                vendor=found[0],
                operation=found[1],
                comm_type="",
                session_id=call.conversation,
                at=wall_clock(),
                credentials=environ.get("HTTP_AUTHORIZATION", "").partition(" ")[0].lower() or None,
                fields=None,
                status=forced.status or 0,
                message=forced.message or usual,
                body=call.body or None,
                method=call.method,
                path=call.path,
                media_type=environ.get("CONTENT_TYPE"),
                forced=forced.name,
            )
        )


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


def _carry_out_silently(app: WSGIApplication, environ: WSGIEnvironment) -> None:
    """Carries a call out, and tells the caller nothing."""
    for _ in app(environ, lambda status, headers, error=None: lambda data: None):
        pass
