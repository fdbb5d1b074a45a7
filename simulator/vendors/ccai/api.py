"""`end_user` over HTTP: a thin coat around `simulator.end_user.judge`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from simulator import end_user
from simulator.delivery import clock
from simulator.server import credentials
from simulator.server.state import ApiCall, ByHand, ServerState
from simulator.vendors.ccai import apps_api, callers
from simulator.world import Conversation

if TYPE_CHECKING:
    from flask.blueprints import BlueprintSetupState

_CHANNELS = {"calls": "call", "chats": "chat"}


class _Segment(BaseConverter):
    """One segment of a path, which may be empty."""

    regex = "[^/]*"


def blueprint(state: ServerState) -> Blueprint:
    """The operations of the Apps API. A doubled slash before `apps`, as documented, means the same."""
    api = Blueprint("ccai", __name__)

    @api.record
    def _register_converter(setup: BlueprintSetupState) -> None:
        setup.app.url_map.converters["ccai_segment"] = _Segment

    @api.post("/apps/api/v1/<ccai_segment:comm_type>/<ccai_segment:session_id>/end_user")
    def end_user_(comm_type: str, session_id: str) -> Response:
        return _Call(state, comm_type, session_id).answer()

    api.register_blueprint(apps_api.blueprint(state))
    return api


class _Call:
    """One call: who makes it, which session it is about, what it is told."""

    def __init__(self, state: ServerState, comm_type: str, session_id: str) -> None:
        self.state = state
        self.comm_type = comm_type
        self.session_id = session_id
        self.at = clock.wall_clock()
        self.credentials = credentials.read(request.headers.get("Authorization"))
        self.conversation: Conversation | None = None
        self.set_by_hand = False
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None

    def answer(self) -> Response:
        verdict = end_user.judge(
            end_user.Request(
                comm_type=self.comm_type,
                session_id=self.session_id,
                content_type=request.headers.get("Content-Type", ""),
                body=self.read_body,
                refusal=self.refusal(),
            ),
            self.look_up,
            lambda identifier: self.state.duplicates.is_duplicate(self.comm_type, self.session_id, identifier),
        )
        self.settle(verdict)
        if verdict.slow:
            self.state.sleep(self.state.slow_seconds)
        response = jsonify(message=verdict.answer.message)
        response.status_code = verdict.answer.status
        response.headers.update(self.headers)
        return response

    def refusal(self) -> end_user.Answer | None:
        """What ends the matter before the call is looked at: no credentials, or too many calls."""
        refusal = callers.refused(self.state, self.credentials)
        if refusal is None:
            return None
        self.headers.update(refusal.headers)
        return refusal.answer

    def look_up(self) -> end_user.Session:
        """The session: a conversation that is being played, or any other, active on first sight. What is set by
        hand comes on top."""
        sessions = self.state.sessions
        found = sessions.called(self.session_id, _CHANNELS[self.comm_type])
        self.conversation, name = found or (None, None)
        by_hand = sessions.by_hand(self.session_id)
        self.set_by_hand = by_hand is not None
        known = not self.state.strict or found is not None or by_hand is not None
        by_hand = by_hand or ByHand()
        name = sessions.take_forced() or (by_hand.answers[0] if by_hand.answers else name)
        return end_user.Session(
            known=known,
            ended=by_hand.ended or (self.conversation is not None and self.conversation.ended),
            crm_supported=by_hand.crm_supported,
            forced=None if name is None else end_user.forced(name, self.comm_type),
        )

    def settle(self, verdict: end_user.Verdict) -> None:
        """The session learns who its end user is, and the subscribers learn of the call."""
        answer = verdict.answer
        if answer is end_user.ACCEPTED and verdict.fields is not None:
            if self.conversation is not None:
                self.conversation.end_user = dict(verdict.fields)
            if self.set_by_hand:
                self.state.sessions.set(self.session_id, end_user=dict(verdict.fields))
        self.state.tell(
            ApiCall(
                operation="end_user",
                comm_type=self.comm_type,
                session_id=self.session_id,
                at=self.at,
                credentials=self.credentials.kind if self.credentials else None,
                fields=verdict.fields,
                status=answer.status,
                message=answer.message,
                body=self.body,
                path=request.path,
            )
        )

    def read_body(self) -> bytes | None:
        """The raw body; None when it is over the limit."""
        try:
            self.body = request.get_data(cache=False)
        except RequestEntityTooLarge:
            return None
        return self.body
