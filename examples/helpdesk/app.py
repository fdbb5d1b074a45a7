"""The web side: webhooks come in, tickets can be looked at."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from .body import BadBody, parse
from .end_user import EndUser
from .store import Store
from .vendors import VENDORS

LARGEST_BODY = 1024 * 1024
_OLDEST_SIGNATURE = 300  # seconds


def create_app(store: Store, end_user: EndUser | None = None, *, messagehub_secret: str | None = None) -> Flask:
    """The service. Without `end_user` it keeps tickets only; with a secret, MessageHub has to sign what it sends."""
    app = Flask("helpdesk")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]

    @app.post("/hooks/<any(userlike, smartsupp, messagehub, chatvisor):vendor>")
    def hook(vendor: str) -> Response:
        raw = request.get_data()
        if not (request.mimetype == "application/json" or request.mimetype.endswith("+json")):
            abort(415, "Content-Type must be application/json")
        if vendor == "messagehub" and messagehub_secret is not None and not _signed(raw, messagehub_secret):
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
        # Exactly 200: Userlike takes nothing else for an answer.
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


def _signed(raw: bytes, secret: str) -> bool:
    """Chatwoot, on which MessageHub is built, signs `<timestamp>.<body>` with HMAC-SHA256."""
    timestamp = request.headers.get("X-Chatwoot-Timestamp", "")
    if not re.fullmatch("[0-9]{1,18}", timestamp) or abs(time.time() - int(timestamp)) > _OLDEST_SIGNATURE:
        return False
    expected = "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), request.headers.get("X-Chatwoot-Signature", "").encode())


def _without_type(error: HTTPException) -> list[tuple[str, str]]:
    """The headers that an error calls for (such as Allow), without the type of the page that it would be."""
    return [(name, value) for name, value in error.get_headers() if name.lower() != "content-type"]
