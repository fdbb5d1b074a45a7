"""Sessions of the identification API: their overrides, the identified end users, and the answers of the next calls."""

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


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/sessions`, `/sessions/ID` and `/end-user/answers`."""

    @api.get("/sessions")
    def sessions() -> Response:
        below, most = requests.cursor() or 0, requests.limit()
        known = _known(workbench.backend)
        following = below + most if below + most < len(known) else None
        return jsonify(
            requests.page([_document(workbench.backend, name) for name in known[below : below + most]], following)
        )

    @api.post("/sessions")
    def create_session() -> tuple[Response, int]:
        document = requests.body("NewSession")
        name = document.pop("id")
        if _is_known(workbench.backend, name):
            raise ProblemError(409, f"session '{name}' is known already")
        workbench.backend.overrides.set(name, **_changes(document))
        return jsonify(_document(workbench.backend, name)), 201

    @api.get("/sessions/<path:session>")
    def session(session: str) -> Response:
        _require(workbench, session)
        return jsonify(_document(workbench.backend, session))

    @api.patch("/sessions/<path:session>")
    def change_session(session: str) -> Response:
        if len(session) > _LONGEST_ID:
            raise ProblemError(404, "no session has so long an id")
        workbench.backend.overrides.set(session, **_changes(requests.body("SessionChange")))
        return jsonify(_document(workbench.backend, session))

    @api.put("/end-user/answers")
    def answers() -> Response:
        forced = _changes(requests.body("Answers"))["answers"]
        workbench.backend.overrides.force(forced)
        return jsonify(answers=list(workbench.backend.overrides.forced()))

    @api.get("/end-user/answers")
    def forced_answers() -> Response:
        return jsonify(
            answers=list(workbench.backend.overrides.forced()), known=list(registry.identification().answers)
        )


def _changes(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of `SessionOverride` to set. Raises ProblemError (422) for an unknown answer."""
    known = registry.identification()
    for name in document.get("answers", ()):
        if name not in known.answers:
            raise ProblemError(422, f"/answers: {unknown(f'answer of {known.operation}', name, known.answers)}")
    return {**document, **({"answers": tuple(document["answers"])} if "answers" in document else {})}


def _known(backend: ServerBackend) -> list[str]:
    """Returns the ids of all known sessions: those with an override, newest first, then of active conversations."""
    names = backend.overrides.names()
    known = set(names)
    return [*names, *(name for name in backend.conversations.session_ids() if name not in known)]


def _is_known(backend: ServerBackend, session: str) -> bool:
    return backend.conversations.session(session) is not None or backend.overrides.get(session) is not None


def _document(backend: ServerBackend, session: str) -> dict[str, Any]:
    """Returns a session as JSON."""
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


def _require(workbench: Workbench, session: str) -> None:
    if not _is_known(workbench.backend, session):
        raise ProblemError(404, f"nothing is known of session '{session[:100]}'")
