"""Errors of the control API, as problem documents (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from vendorsim.core.errors import DocumentError, VendorsimError

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """The control API refuses a request with `status`.

    `detail` is the message: what is wrong and the remedy. `errors` are the single errors with their locations.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def response(error: ProblemError) -> Response:
    """Returns the response with the problem document."""
    from flask import Response  # here, since a server listens before Flask is imported

    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
    }
    if error.errors:
        document["errors"] = list(error.errors)
    answer = Response(json.dumps(document), error.status)
    answer.headers.update(error.headers)
    answer.content_type = MEDIA_TYPE
    return answer


def of_input(error: VendorsimError) -> ProblemError:
    """Converts an input error. A DocumentError gives one item in `errors` for each problem, with line and column."""
    if isinstance(error, DocumentError):
        errors = [{"line": p.line, "column": p.column, "detail": p.message} for p in error.problems]
        return ProblemError(422, f"the scenario has {len(errors)} problem{'s' if len(errors) > 1 else ''}", errors)
    return ProblemError(422, str(error))


def of_http(error: HTTPException) -> ProblemError:
    """Converts an error that Flask raised, with its headers (such as `Allow`)."""
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    return ProblemError(
        error.code or 500, _DETAILS.get(error.code or 500, error.description or error.name), (), headers
    )


_DETAILS = {404: "there is nothing at this address", 413: "the body is larger than 1 MiB"}
