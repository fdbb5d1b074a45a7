"""The web app: receives webhooks and shows tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from .body import BadBody, parse
from .end_user import EndUser
from .signatures import SIGNED
from .store import Store
from .vendors import VENDORS

LARGEST_BODY = 1024 * 1024


def create_app(
    store: Store, end_user: EndUser | None = None, *, secrets: Mapping[str, Sequence[str]] | None = None
) -> Flask:
    """Returns the app. Without `end_user` it only stores tickets.

    `secrets` by vendor: webhooks of these vendors must be signed with one of the vendor's secrets. Raises ValueError
    for a vendor that does not sign, and for a missing or empty secret.
    """
    secrets = secrets or {}
    for vendor, known in secrets.items():
        if vendor not in SIGNED or not known or not all(known):
            raise ValueError(f"{vendor} does not sign" if vendor not in SIGNED else f"a secret of {vendor} is empty")
    app = Flask("helpdesk")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]

    @app.post(f"/hooks/<any({', '.join(VENDORS)}):vendor>")
    def hook(vendor: str) -> Response:
        raw = request.get_data()
        if not (request.mimetype == "application/json" or request.mimetype.endswith("+json")):
            abort(415, "Content-Type must be application/json")
        if vendor in secrets and not SIGNED[vendor](request.headers, raw, secrets[vendor]):
            abort(401, "the signature is missing, wrong or too old")
        try:
            update = VENDORS[vendor](parse(raw))
        except BadBody as error:
            abort(400, str(error))
        if update is None:
            return jsonify(message="nothing to keep")
        claims = store.apply(vendor, update)
        if end_user is not None:
            end_user.submit(claims)
        # Exactly 200: Userlike accepts no other status.
        return jsonify(message="kept")

    @app.get("/tickets")
    def tickets() -> Response:
        limit = request.args.get("limit", 100, int)
        return jsonify(store.tickets(min(max(limit, 0), 1000)))

    @app.get("/tickets/<vendor>/<path:conversation_id>")
    def ticket(vendor: str, conversation_id: str) -> Response:
        return _found(store.ticket(conversation_id, vendor))

    @app.get("/tickets/by-conversation/<path:conversation_id>")
    def ticket_of_any_vendor(conversation_id: str) -> Response:
        return _found(store.ticket(conversation_id))

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ok")

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Any:
        return jsonify(message=error.description), error.code, _without_type(error)

    return app


def _found(ticket: dict[str, Any] | None) -> Response:
    if ticket is None:
        abort(404, "there is no such ticket")
    return jsonify(ticket)


def _without_type(error: HTTPException) -> list[tuple[str, str]]:
    """Returns the headers of an error (such as Allow), without the Content-Type of its HTML page."""
    return [(name, value) for name, value in error.get_headers() if name.lower() != "content-type"]
