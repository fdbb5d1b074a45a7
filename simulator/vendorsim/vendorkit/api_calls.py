"""Reports every call of a vendor's API, with its answer, to the backend's subscribers (the journal, a test)."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from vendorsim.core import clock
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.backend import Backend

_LONGEST_MESSAGE = 300


def tell_calls(
    api: Blueprint,
    backend: Backend,
    vendor: str,
    session: str,
    *,
    token_header: str | None = None,
    token_parameter: str | None = None,
    secret: str | None = None,
) -> None:
    """Reports every call of a blueprint's operations to the backend's subscribers.

    `session` is the path argument with the conversation's id. The name of an operation is that of its view function.
    `token_header` and `token_parameter` are the header and the query parameter that can hold a token instead of
    `Authorization`. `secret` is the path argument that is a secret, if there is one: the reported path has `***`
    instead.
    """

    @api.after_request
    def tell(response: Response) -> Response:
        operation = (request.endpoint or "").rpartition(".")[2].rstrip("_")
        body = _body()
        backend.tell(
            ApiCall(
                vendor=vendor,
                operation=operation,
                comm_type="",
                session_id=str((request.view_args or {}).get(session, "")),
                at=clock.wall_clock(),
                credentials=_kind_of_credentials(token_header, token_parameter),
                fields=None,
                status=response.status_code,
                message=_message(response),
                body=body,
                method=request.method,
                path=_path(secret),
                media_type=request.content_type if body is not None and (request.form or request.files) else None,
            )
        )
        return response


def _path(secret: str | None) -> str:
    """The path of the request, without the query and without the value of a secret argument."""
    value = None if secret is None else (request.view_args or {}).get(secret)
    return request.path.replace(str(value), "***") if value else request.path


def _body() -> bytes | None:
    """The raw body; None if it is empty or over the limit."""
    try:
        return request.get_data(cache=True) or None
    except RequestEntityTooLarge:
        return None


def _kind_of_credentials(token_header: str | None, token_parameter: str | None) -> str | None:
    """`bearer`, `basic`, `token` for a token in another header or in the query, or None."""
    header = request.headers.get("Authorization", "")
    if header:
        return header.partition(" ")[0].lower()
    in_header = token_header is not None and request.headers.get(token_header)
    in_query = token_parameter is not None and request.args.get(token_parameter)
    return "token" if in_header or in_query else None


def _message(response: Response) -> str:
    """A short text of the answer: its message or error, or the reason phrase of its status."""
    document = response.get_json(silent=True) if response.is_json else None
    if isinstance(document, dict):
        for key in ("message", "error"):
            if isinstance(document.get(key), str):
                return str(document[key])[:_LONGEST_MESSAGE]
    return response.status.partition(" ")[2]
