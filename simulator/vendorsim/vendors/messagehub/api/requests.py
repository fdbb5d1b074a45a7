"""What all operations share: authorization, reading requests, and the answers to wrong ones, which are those of Rails.

Statuses and bodies of errors: source of Chatwoot (chatwoot/chatwoot), app/controllers/concerns.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from flask import Response, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.request_body import BodyReader, Fields
from vendorsim.vendors.messagehub.api.operations import FILES, TOKEN_HEADER

NOT_FOUND = "Resource could not be found"
INVALID_TOKEN = "Invalid Access Token"
NOT_SIGNED_IN = "You need to sign in or sign up before continuing."
# What accounts get whose plan has no API, from 4.16 on (chatwoot/chatwoot#14973), and the token that gives it here.
NO_ACCESS, NO_PLAN, PROFILE = "API access is not enabled for this account", "no-plan", "/api/v1/profile"
# The largest id of the database's integers.
LARGEST_ID = 2**31 - 1


class RecordConverter(BaseConverter):
    """The id of a record in a path (`<record:name>`): a segment that is no collection's action. Other segments than ids
    match too, so that the operation answers 404."""

    regex = "(?!(?:filter|meta|search)$)[^/]+"


class ApiError(Exception):
    """A refused call: the status, the JSON document and more headers of its answer."""

    def __init__(self, status: int, document: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.document = document
        self.headers = dict(headers or {})


def not_found() -> ApiError:
    return ApiError(404, {"error": NOT_FOUND})


def unprocessable(message: str) -> ApiError:
    """The error for a resource that could not be created."""
    return ApiError(422, {"error": message})


def invalid(attribute: str, reason: str) -> ApiError:
    """The error for a record with an invalid attribute, such as `short_code` that `can't be blank`."""
    title = attribute.replace("_", " ").capitalize()
    return ApiError(422, {"message": f"{title} {reason}", "attributes": [attribute]})


def answer(document: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(document), status, content_type="application/json")


def nothing() -> Response:
    """Success without a body, Rails' `head :ok`."""
    return Response(status=200)


def authorize(backend: Backend) -> None:
    """Raises ApiError for a call without the token, or above the rate limit."""
    token = request.headers.get(TOKEN_HEADER, "").encode("latin-1", "replace")
    if not token:
        raise ApiError(401, {"errors": [NOT_SIGNED_IN]})
    if backend.token is not None and not hmac.compare_digest(token, backend.token.encode()):
        raise ApiError(401, {"error": INVALID_TOKEN})
    if not plan_has_api(backend) and request.path != PROFILE:
        raise ApiError(403, {"error": NO_ACCESS})
    if backend.rate_limit is not None and (wait := backend.rate_limit.wait(token)):
        raise ApiError(429, {"error": "Too many requests"}, {"Retry-After": str(wait)})


def plan_has_api(backend: Backend) -> bool:
    """Whether the plan of the token's account has the API. Without `--token`, the token `no-plan` has none."""
    return backend.token is not None or request.headers.get(TOKEN_HEADER) != NO_PLAN


class _RailsBodies(BodyReader):
    """Refusals as Rails words them."""

    json_suffix = True

    def refuse(self, status: int, message: str) -> ApiError:
        return ApiError(status, {"error": message})

    def too_large(self, error: RequestEntityTooLarge) -> ApiError:
        return self.refuse(413, "The body is larger than 1 MiB")

    def wrong_media_type(self, found: str) -> ApiError:
        return self.refuse(415, "The body must be JSON, with Content-Type: application/json")

    def not_json(self, error: orjson.JSONDecodeError) -> ApiError:
        return ApiError(400, {"status": 400, "error": "Bad Request"})

    def too_deep(self) -> ApiError:
        return ApiError(400, {"status": 400, "error": "Bad Request"})

    def not_an_object(self) -> ApiError:
        return unprocessable("The body must be a JSON object")

    def wrong_type(self, key: str, expected: str) -> ApiError:
        return unprocessable(f"{key} must be {expected}")


BODIES = _RailsBodies()


def body() -> Fields:
    """The JSON object of the request; empty where there is no body. Raises ApiError."""
    raw = BODIES.raw(request)
    return BODIES.parse_object(raw, request.content_type) if raw else Fields({}, BODIES)


def form() -> tuple[Fields, list[FileStorage]]:
    """The fields and the files of a `multipart/form-data` request. Raises ApiError.

    As in Rails, `content_attributes[key]` is a part of an object, and `attachments[]` one of a list.
    """
    BODIES.raw(request)
    try:
        given, files = request.form, request.files
    except RequestEntityTooLarge as error:
        raise BODIES.too_large(error) from None
    values: dict[str, Any] = {}
    for name, text in given.items():
        outer, bracket, inner = name.partition("[")
        if bracket and inner.endswith("]") and inner != "]":
            parts = values.setdefault(outer, {})
            if isinstance(parts, dict):
                parts[inner.removesuffix("]")] = text
        else:
            values[name] = text
    return Fields(values, BODIES), [*files.getlist("attachments[]"), *files.getlist("attachments")]


def is_form() -> bool:
    """Whether the body of the request is `multipart/form-data`."""
    return request.mimetype == "multipart/form-data"


def files_url() -> str:
    """Where this server serves the files of messages, by the address by which the client reached it."""
    return request.url_root.rstrip("/") + FILES


def number_of(document: Fields, name: str) -> int | None:
    """An id from a body, given as a number or text. None where it is null or missing. Raises ApiError."""
    value = document.value(name, (int, float, str), "a number or null")
    if value is None:
        return None
    # In JSON, 7 and 7.0 are the same number.
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= LARGEST_ID):
        raise unprocessable(f"{name} must be a number from 0 to {LARGEST_ID}, or null")
    return int(text)


def identifier(text: str) -> int:
    """The id in a path. Raises ApiError where it is not a positive integer."""
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and int(text) > 0):
        raise not_found()
    return int(text)


def queried(name: str, read: Callable[[str], int], default: int | None = None) -> int | None:
    """A number in the query; the default where it is missing. Raises ApiError."""
    text = request.args.get(name)
    if text is None:
        return default
    try:
        return read(text)
    except ValueError:
        raise unprocessable(f"{name} must be a number from 1") from None


def positive(text: str) -> int:
    """A whole number from 1. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and int(text) > 0):
        raise ValueError
    return int(text)


def chosen(name: str, values: tuple[str, ...], default: str) -> str:
    """A value in the query, which must be one of `values`. Raises ApiError."""
    text = request.args.get(name, default)
    if text not in values:
        raise unprocessable(f"{name} must be one of {', '.join(values)}")
    return text


def account_id(backend: Backend, text: str) -> int:
    """The account in a path. Raises ApiError where conversations exist and belong to another account."""
    account = identifier(text)
    known = backend.conversations.of("messagehub")
    if account > LARGEST_ID or (known and known[-1].look(lambda conversation: conversation.account.id) != account):
        raise not_found()
    return account
