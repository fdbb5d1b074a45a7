"""Reads the credentials, paging and body of a request. Raises RefusedError for what is wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jsonschema_rs
from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from vendorsim.vendorkit import credentials
from vendorsim.vendorkit.contract import MOST_LEVELS
from vendorsim.vendorkit.request_body import BodyReader
from vendorsim.vendors.chatvisor.api import operations

# The largest and the default size of a page.
LARGEST_PAGE = 200
PAGE = 50
_BEGINNING = "0001-01-01T00:00:00Z"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POINT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)
_LARGEST_INT32 = 2**31 - 1
_LONGEST_REASON = 200
# The parameter of the query that may hold the token.
TOKEN_PARAMETER = "access_token"


class RefusedError(Exception):
    """A request that is refused with this status, message and headers."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def token(request: Request) -> credentials.Credentials | None:
    """The token of a request, from `Authorization: Bearer`, else from the query parameter `access_token`.

    None where it is missing or malformed.
    """
    header = request.headers.get("Authorization")
    if header is None and request.args.get(TOKEN_PARAMETER):
        header = f"Bearer {request.args[TOKEN_PARAMETER]}"
    found = credentials.read(header)
    return found if found is not None and found.kind == credentials.BEARER else None


def paged(request: Request, found: list[Any]) -> dict[str, Any]:
    """One page of a list: `offset` items are skipped, then pages of `pageSize` are numbered from 0."""
    offset = _number(request, "offset", 0)
    number = _number(request, "pageNumber", 0)
    size = min(_number(request, "pageSize", PAGE), LARGEST_PAGE)
    first = offset + number * size
    return {"page": number, "results": found[first : first + size]}


def since(request: Request) -> int:
    """The query parameter `since` in milliseconds since 1970; without it, the earliest time.

    It is RFC 3339 with a time zone. The plus of an offset must be written %2B in a query.
    """
    text = request.args.get("since", _BEGINNING)
    try:
        if not _POINT.fullmatch(text):
            raise ValueError(text)
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
    except ValueError:
        raise RefusedError(400, "since: expected a date and time such as 2026-01-05T09:00:00.250Z") from None


class ValidatedBodies(BodyReader):
    """Reads bodies of requests, and validates them against the schemas of the API's document."""

    most_levels = MOST_LEVELS

    def read(self, operation: str, request: Request, content_type: str | None = None) -> Any:
        """The JSON body of a request; `{}` where an optional body is missing. `content_type` is what the body is taken
        for, whatever its header says. Raises RefusedError."""
        raw = self.raw(request)
        if not raw and not operations.needs_body(operation):
            return {}
        body = self.parse(raw, content_type or request.content_type)
        for violation in _validators()[operation].iter_errors(body):
            place = "/".join(map(str, violation.instance_path))
            raise self.refuse(400, f"{place or 'the body'}: {_reason(violation, operation)}")
        return body

    def refuse(self, status: int, message: str) -> RefusedError:
        return RefusedError(status, message[:_LONGEST_REASON])

    def too_large(self, error: RequestEntityTooLarge) -> RequestEntityTooLarge:
        return error


@cache
def _validators() -> dict[str, jsonschema_rs.Draft202012Validator]:
    """Returns the validators of the operations that take a body."""
    return {
        operation.name: jsonschema_rs.Draft202012Validator(schema)
        for operation in operations.OPERATIONS
        if (schema := operations.body_schema(operation.name)) is not None
    }


def _reason(violation: jsonschema_rs.ValidationError, operation: str) -> str:
    if list(violation.schema_path)[-1:] != ["oneOf"]:
        return violation.message
    return f"give either {' or '.join(operations.alternatives(operation))}"


def _number(request: Request, name: str, default: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not re.fullmatch("[0-9]{1,10}", text) or int(text) > _LARGEST_INT32:
        raise RefusedError(400, f"{name}: expected an integer from 0 to {_LARGEST_INT32}")
    return int(text)
