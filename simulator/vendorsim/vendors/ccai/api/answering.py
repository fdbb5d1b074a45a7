"""Answers calls of `end_user` without Flask: for the Flask app and for the fast path."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

import orjson
from msgspec import Struct

from vendorsim.core import clock
from vendorsim.http.messages import JSON, FastPath, HttpRequest, HttpResponse
from vendorsim.vendorkit import credentials
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendorkit.session_overrides import SessionOverride
from vendorsim.vendors.ccai.api import callers, end_user

_ACTIVE, _UNKNOWN = end_user.Session(), end_user.Session(known=False)
_CHANNELS = {"calls": "call", "chats": "chat"}
# Paths without percent-encoding and query, which need no parsing. The Flask app gets the others.
_PLAIN = re.compile(r"/+(apps/api/v1/([\w.~-]*)/([\w.~-]*)/end_user)", re.ASCII)


class Call(Struct):
    """A call of `end_user`. A header that is missing is None.

    `receive` returns the raw body, or None if it is over the limit. It is called only when the body is judged.
    `conversation`, `override` and `body` are found while the call is answered.
    """

    backend: Backend
    comm_type: str
    session_id: str
    path: str
    authorization: str | None
    content_type: str | None
    receive: Callable[[], bytes | None]
    conversation: ConversationHandle | None = None
    override: SessionOverride | None = None
    body: bytes | None = None

    def answer(self) -> HttpResponse:
        """Judges the call, records its effects, and returns its answer."""
        at, backend, caller = clock.wall_clock(), self.backend, credentials.read(self.authorization)
        refused = callers.refused(backend, caller)
        verdict = end_user.judge(
            end_user.Request(
                self.comm_type,
                self.session_id,
                self.content_type or "",
                self.read_body,
                None if refused is None else refused.answer,
            ),
            self.look_up,
            self.is_duplicate,
        )
        answer, fields = verdict.answer, verdict.fields
        if answer is end_user.ACCEPTED and fields is not None:
            self.identify(fields)
        backend.tell(
            ApiCall(
                vendor="ccai",
                operation="end_user",
                comm_type=self.comm_type,
                session_id=self.session_id,
                at=at,
                credentials=None if caller is None else caller.kind,
                fields=fields,
                status=answer.status,
                message=answer.message,
                body=self.body,
                path=self.path,
            )
        )
        return HttpResponse(
            answer.status,
            _body(answer.message),
            JSON if refused is None else (*JSON, *refused.headers.items()),
            backend.slow_seconds if verdict.slow else 0.0,
        )

    def read_body(self) -> bytes | None:
        """Returns the raw body; None if it is over the limit."""
        self.body = self.receive()
        return self.body

    def is_duplicate(self, identifier: str) -> bool:
        """Returns whether the same request came within the duplicate interval."""
        return self.backend.duplicates.is_duplicate(self.comm_type, self.session_id, identifier)

    def look_up(self) -> end_user.Session:
        """Returns the session: a conversation that is being played, or any other, which is then active.

        What is set for the session overrides its state. A forced answer of the session comes first, then one of the
        conversation, then one for any session.
        """
        backend, session_id = self.backend, self.session_id
        found = backend.conversations.take_session(session_id, _CHANNELS[self.comm_type])
        self.conversation, name = found or (None, None)
        self.override = backend.overrides.take(session_id)
        if self.override is not None and self.override.answers:
            name = self.override.answers[0]
        name = backend.overrides.take_forced() if name is None else name
        if found is None and self.override is None and name is None:
            return _UNKNOWN if backend.strict else _ACTIVE
        override = self.override or SessionOverride()
        return end_user.Session(
            known=not backend.strict or found is not None or self.override is not None,
            ended=override.ended
            or (self.conversation is not None and self.conversation.look(lambda conversation: conversation.ended)),
            crm_supported=override.crm_supported,
            forced=None if name is None else end_user.forced(name, self.comm_type),
        )

    def identify(self, fields: Mapping[str, str]) -> None:
        """Stores who the end user of the session is."""
        if self.conversation is not None:
            self.conversation.identify(fields)
        # Sessions of no conversation are remembered here.
        if self.conversation is None or self.override is not None:
            self.backend.overrides.set(self.session_id, identity=fields)


def fast_path(backend: Backend) -> FastPath:
    """Returns a handler that answers calls of `end_user` in the server's event loop; None leaves a call to the app."""

    def answer_plain(received: HttpRequest) -> HttpResponse | None:
        found = _PLAIN.fullmatch(received.target.decode("latin-1")) if received.method == "POST" else None
        if found is None:
            return None
        path, comm_type, session_id = found.groups()
        authorization, content_type = received.header(b"authorization"), received.header(b"content-type")
        return Call(
            backend, comm_type, session_id, "/" + path, authorization, content_type, lambda: received.body
        ).answer()

    return answer_plain


@lru_cache(maxsize=256)
def _body(message: str) -> bytes:
    """Returns the body with the message. Cached, because nearly all calls get one of a few messages."""
    return orjson.dumps({"message": message}, option=orjson.OPT_APPEND_NEWLINE)
