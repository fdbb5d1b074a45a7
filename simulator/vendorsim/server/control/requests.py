"""Reads and validates requests of the control API, by the schemas of its OpenAPI document."""

from __future__ import annotations

import base64
import binascii
from functools import cache
from itertools import islice
from typing import Any

import jsonschema_rs
import orjson
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from vendorsim.core import pointer as json_pointer
from vendorsim.core import resources
from vendorsim.server.control.problems import ProblemError
from vendorsim.vendorkit.request_body import BodyReader

MOST_ITEMS = 500
_LARGEST_ID = 2**63 - 1


@cache
def openapi() -> dict[str, Any]:
    """Returns the OpenAPI document of the control API."""
    document: dict[str, Any] = orjson.loads((resources.contracts() / "control" / "openapi.json").read_bytes())
    return document


class _ControlBodies(BodyReader):
    """Reads bodies; refuses invalid ones with problem documents."""

    most_levels = 60

    def refuse(self, status: int, message: str) -> ProblemError:
        return ProblemError(status, message)

    def too_large(self, error: RequestEntityTooLarge) -> RequestEntityTooLarge:
        return error

    def too_deep(self) -> ProblemError:
        return self.refuse(422, f"the body is nested deeper than {self.most_levels} levels")


_BODIES = _ControlBodies()


def server() -> str:
    """Returns the URL of this server and namespace by which the client reached it, without the last slash."""
    return request.url_root.rstrip("/")


def body(schema: str, most_errors: int | None = None) -> dict[str, Any]:
    """Returns the request's body, a JSON object that is valid for the schema of that name. Raises ProblemError, with
    at most `most_errors` errors.

    An empty body means an empty object.
    """
    raw = _BODIES.raw(request)
    document = _BODIES.parse(raw, request.content_type) if raw.strip() else {}
    errors = [
        {"pointer": json_pointer.join(found.instance_path), "detail": found.message[:300]}
        for found in islice(_validator(schema).iter_errors(document), most_errors)
    ]
    if errors:
        raise ProblemError(422, f"{errors[0]['pointer'] or 'the body'}: {errors[0]['detail']}", errors)
    assert isinstance(document, dict)
    return {key: _whole(value) for key, value in document.items()}


def octets() -> bytes:
    """Returns the request's body, any bytes. Raises ProblemError (415) if it is announced as something else."""
    if request.mimetype != "application/octet-stream":
        raise ProblemError(415, "Content-Type must be application/octet-stream")
    return _BODIES.raw(request)


def _whole(value: Any) -> Any:
    """Converts a float such as `2.0` to an int: JSON Schema takes it for an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    root = {"$ref": f"#/components/schemas/{schema}", "components": openapi()["components"]}
    return jsonschema_rs.Draft202012Validator(root, validate_formats=False)


def limit() -> int:
    """Returns the query's `limit`, the maximum items of the page; 50 by default. Raises ProblemError (400)."""
    return number("limit", 1, MOST_ITEMS) or 50


def cursor() -> int | None:
    """Returns the decoded `cursor` of the query: the page has ids below it. Or None. Raises ProblemError (400)."""
    text = request.args.get("cursor")
    if text is None:
        return None
    try:
        decoded = base64.urlsafe_b64decode(text.encode("ascii") + b"==")
        value = int(decoded.removeprefix(b"below ")) if decoded.startswith(b"below ") else -1
    except (ValueError, binascii.Error):
        value = -1
    if not 0 <= value <= _LARGEST_ID:
        raise ProblemError(400, "the cursor is none that a page of this list has given")
    return value


def page(items: list[Any], following: int | None) -> dict[str, Any]:
    """Returns a page of a list as JSON, with the cursor of the next page (null after the last one)."""
    text = None if following is None else base64.urlsafe_b64encode(b"below %d" % following).decode().rstrip("=")
    return {"items": items, "next": text}


def number(name: str, least: int, most: int) -> int | None:
    """Returns a whole number of the query, or None if it is absent. Raises ProblemError (400) outside the limits."""
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or not least <= int(text) <= most:
        raise ProblemError(400, f"{name}: '{text[:40]}' is not a whole number from {least} to {most}")
    return int(text)


def flag(name: str) -> bool:
    """Returns whether a value of the query is `true`; it may be absent. Raises ProblemError (400) for another one than
    `true` or `false`."""
    text = request.args.get(name, "false")
    if text not in ("true", "false"):
        raise ProblemError(400, f"{name}: '{text[:40]}' is neither true nor false")
    return text == "true"


def identifier(text: str, what: str) -> int:
    """Parses an id in a path. Raises ProblemError (404) if it is no number."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise ProblemError(404, f"there is no {what} '{text[:40]}'")
    return int(text)
