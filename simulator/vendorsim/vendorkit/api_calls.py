"""What all APIs of vendors share: every call is told to whoever listens (the journal, a test), with its answer."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from vendorsim.core import clock
from vendorsim.server.backend import ApiCall, ServerState

_LONGEST_MESSAGE = 300


def tell_calls(api: Blueprint, state: ServerState, vendor: str, session: str) -> None:
    """Tells the server's subscribers of every call of a blueprint's operations; `session` is the argument of their
    paths that names the conversation. What an operation is called is the name of its view."""

    @api.after_request
    def tell(response: Response) -> Response:
        operation = (request.endpoint or "").rpartition(".")[2].rstrip("_")
        state.tell(
            ApiCall(
                vendor=vendor,
                operation=operation,
                comm_type="",
                session_id=str((request.view_args or {}).get(session, "")),
                at=clock.wall_clock(),
                credentials=_kind_of_credentials(),
                fields=None,
                status=response.status_code,
                message=_message(response),
                body=_body(),
                method=request.method,
                path=request.path,
            )
        )
        return response


def _body() -> bytes | None:
    """The body as it came; None where there is none, and where it is over the limit."""
    try:
        return request.get_data(cache=True) or None
    except RequestEntityTooLarge:
        return None


def _kind_of_credentials() -> str | None:
    """`bearer`, `basic`, or `token` for a token that stands elsewhere than in `Authorization`."""
    header = request.headers.get("Authorization", "")
    if header:
        return header.partition(" ")[0].lower()
    return "token" if request.headers.get("api_access_token") or request.args.get("access_token") else None


def _message(response: Response) -> str:
    """What the answer says in a few words: its message or error, or the phrase of its status."""
    document = response.get_json(silent=True) if response.is_json else None
    if isinstance(document, dict):
        for key in ("message", "error"):
            if isinstance(document.get(key), str):
                return str(document[key])[:_LONGEST_MESSAGE]
    return response.status.partition(" ")[2]
