"""Sessions of the identification API: what is set for them, who was identified in them, and the answers of their next
calls."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from vendorsim.core.errors import unknown
from vendorsim.server.backend import ServerBackend
from vendorsim.server.control import requests
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.session_overrides import SessionOverride

_LONGEST_ID = 200


def add(api: Blueprint, bench: Workbench) -> None:
    """`/sessions`, `/sessions/ID`, `/end-user/answers`."""

    @api.get("/sessions")
    def sessions() -> Response:
        below, most = requests.cursor() or 0, requests.limit()
        known = _known(bench.state)
        following = below + most if below + most < len(known) else None
        return jsonify(requests.page([_document(bench.state, name) for name in known[below : below + most]], following))

    @api.post("/sessions")
    def create_session() -> tuple[Response, int]:
        wanted = requests.body("NewSession")
        name = wanted.pop("id")
        if _is_known(bench.state, name):
            raise ProblemError(409, f"session '{name}' is known already")
        bench.state.overrides.set(name, **_changes(wanted))
        return jsonify(_document(bench.state, name)), 201

    @api.get("/sessions/<path:session>")
    def session(session: str) -> Response:
        _require(bench, session)
        return jsonify(_document(bench.state, session))

    @api.patch("/sessions/<path:session>")
    def change_session(session: str) -> Response:
        if len(session) > _LONGEST_ID:
            raise ProblemError(404, "no session has so long an id")
        bench.state.overrides.set(session, **_changes(requests.body("SessionChange")))
        return jsonify(_document(bench.state, session))

    @api.put("/end-user/answers")
    def answers() -> Response:
        forced = _changes(requests.body("Answers"))["answers"]
        bench.state.overrides.force(forced)
        return jsonify(answers=list(bench.state.overrides.forced()))

    @api.get("/end-user/answers")
    def forced_answers() -> Response:
        return jsonify(answers=list(bench.state.overrides.forced()), known=list(registry.identification().answers))


def _changes(wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields of `SessionOverride` that are set. Raises ProblemError."""
    known = registry.identification()
    for name in wanted.get("answers", ()):
        if name not in known.answers:
            raise ProblemError(422, f"/answers: {unknown(f'answer of {known.operation}', name, known.answers)}")
    return {**wanted, **({"answers": tuple(wanted["answers"])} if "answers" in wanted else {})}


def _known(backend: ServerBackend) -> list[str]:
    """The ids of all known sessions: those with an override, the newest first, then those that are played."""
    names = backend.overrides.names()
    known = set(names)
    return [*names, *(name for name in backend.conversations.session_ids() if name not in known)]


def _is_known(backend: ServerBackend, session: str) -> bool:
    return backend.conversations.session(session) is not None or backend.overrides.get(session) is not None


def _document(backend: ServerBackend, session: str) -> dict[str, Any]:
    """A session as JSON."""
    override = backend.overrides.get(session) or SessionOverride()
    handle = backend.conversations.session(session)
    channel, ended, identity = None, False, override.identity
    if handle is not None:
        channel, ended, known = handle.look(lambda found: (found.channel, found.ended, found.identity))
        identity = identity or known
    return {
        "id": session,
        "channel": channel,
        "played": handle is not None,
        "ended": override.ended or ended,
        "crm_supported": override.crm_supported,
        "answers": list(override.answers),
        "end_user": None if identity is None else dict(identity),
    }


def _require(bench: Workbench, session: str) -> None:
    if not _is_known(bench.state, session):
        raise ProblemError(404, f"nothing is known of session '{session[:100]}'")
