"""Sessions of `end_user`: what was set for them by hand, who was identified in them, and what the next call is told."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from vendorsim.core.errors import unknown
from vendorsim.server.control import requests
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendors.ccai.end_user import answer_names

_LONGEST_ID = 200


def add(api: Blueprint, bench: Workbench) -> None:
    """`/sessions`, `/sessions/ID`, `/end-user/answers`."""

    def document(session: str) -> dict[str, Any]:
        return bench.state.sessions.document(session)

    @api.get("/sessions")
    def sessions() -> Response:
        below, most = requests.cursor() or 0, requests.limit()
        known = bench.state.sessions.names()
        following = below + most if below + most < len(known) else None
        return jsonify(requests.page([document(name) for name in known[below : below + most]], following))

    @api.post("/sessions")
    def create_session() -> tuple[Response, int]:
        wanted = requests.body("NewSession")
        name = wanted.pop("id")
        if bench.state.sessions.is_known(name):
            raise ProblemError(409, f"session '{name}' is known already")
        bench.state.sessions.set(name, **_changes(wanted))
        return jsonify(document(name)), 201

    @api.get("/sessions/<path:session>")
    def session(session: str) -> Response:
        _require(bench, session)
        return jsonify(document(session))

    @api.patch("/sessions/<path:session>")
    def change_session(session: str) -> Response:
        if len(session) > _LONGEST_ID:
            raise ProblemError(404, "no session has so long an id")
        bench.state.sessions.set(session, **_changes(requests.body("SessionChange")))
        return jsonify(document(session))

    @api.put("/end-user/answers")
    def answers() -> Response:
        forced = _changes(requests.body("Answers"))["answers"]
        bench.state.sessions.force(forced)
        return jsonify(answers=list(bench.state.sessions.forced()))

    @api.get("/end-user/answers")
    def forced_answers() -> Response:
        return jsonify(answers=list(bench.state.sessions.forced()), known=list(answer_names()))


def _changes(wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields of `ByHand` that are set. Raises ProblemError."""
    for name in wanted.get("answers", ()):
        if name not in answer_names():
            raise ProblemError(422, f"/answers: {unknown('answer of end_user', name, answer_names())}")
    return {**wanted, **({"answers": tuple(wanted["answers"])} if "answers" in wanted else {})}


def _require(bench: Workbench, session: str) -> None:
    if not bench.state.sessions.is_known(session):
        raise ProblemError(404, f"nothing is known of session '{session[:100]}'")
