"""Operations on canned responses. They cause no events.

Rules: source of Chatwoot (chatwoot/chatwoot), app/controllers/api/v1/accounts/canned_responses_controller.rb and
app/models/canned_response.rb.
"""

from __future__ import annotations

from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from flask import Blueprint, Response, request
from msgspec import Struct, field

from vendorsim.core.clock import wall_clock
from vendorsim.core.times import iso
from vendorsim.vendorkit.backend import Backend, Subscriptions
from vendorsim.vendorkit.request_body import Fields
from vendorsim.vendors.messagehub.api.conversations import ACCOUNT
from vendorsim.vendors.messagehub.api.requests import (
    BODIES,
    account_id,
    answer,
    body,
    identifier,
    invalid,
    not_found,
    nothing,
    unprocessable,
)

MOST = 1_000
LONGEST_CODE, LONGEST_CONTENT = 255, 20_000
PATH = f"{ACCOUNT}/canned_responses"


class _Shelf(Struct):
    """The canned responses of a server, by id."""

    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    last: int = 0


def add_operations(api: Blueprint, backend: Backend) -> None:
    """Adds the operations on canned responses."""
    lock = Lock()
    # They live as long as the targets of the vendor: until the server is reset.
    shelves: WeakKeyDictionary[Subscriptions, _Shelf] = WeakKeyDictionary()

    def shelf() -> _Shelf:
        return shelves.setdefault(backend.stage("messagehub").subscriptions, _Shelf())

    def find(number: int) -> dict[str, Any]:
        row = shelf().rows.get(number)
        if row is None:
            raise not_found()
        return row

    @api.get(PATH)
    def list_canned_responses(account: str) -> Response:
        account_id(backend, account)
        wanted = request.args.get("search", "").lower()
        with lock:
            rows = list(shelf().rows.values())
        return answer([row for row in rows if wanted in row["short_code"].lower() or wanted in row["content"].lower()])

    @api.post(PATH)
    def create_canned_response(account: str) -> Response:
        number = account_id(backend, account)
        document = _record()
        with lock:
            kept = shelf()
            if len(kept.rows) >= MOST:
                raise unprocessable(f"vendorsim keeps {MOST} canned responses at most")
            values = _read(document, {}, kept)
            kept.last += 1
            now = iso(wall_clock())
            row = {"id": kept.last, "account_id": number, **values, "created_at": now, "updated_at": now}
            kept.rows[kept.last] = row
        return answer(row)

    @api.put(f"{PATH}/<response>", endpoint="replace_canned_response")
    @api.patch(f"{PATH}/<response>")
    def update_canned_response(account: str, response: str) -> Response:
        account_id(backend, account)
        document = _record()
        with lock:
            row = find(identifier(response))
            changed = {**row, **_read(document, row, shelf()), "updated_at": iso(wall_clock())}
            shelf().rows[row["id"]] = changed
        return answer(changed)

    @api.delete(f"{PATH}/<response>")
    def delete_canned_response(account: str, response: str) -> Response:
        account_id(backend, account)
        with lock:
            del shelf().rows[find(identifier(response))["id"]]
        return nothing()


def _record() -> Fields:
    """The fields of a canned response, at the top of the body or below `canned_response`. Raises ApiError."""
    document = body().values
    inner = document.get("canned_response", document)
    if not isinstance(inner, dict) or not inner:
        raise unprocessable("param is missing or the value is empty: canned_response")
    return Fields(inner, BODIES)


def _read(document: Fields, before: dict[str, Any], shelf: _Shelf) -> dict[str, str]:
    """Short code and content, which are those before where the body has none. Raises ApiError."""
    found = {}
    for name, longest in (("short_code", LONGEST_CODE), ("content", LONGEST_CONTENT)):
        text = document.value(name, str, "text") if name in document else before.get(name)
        if not text or not text.strip():
            raise invalid(name, "can't be blank")
        if len(text) > longest:
            raise invalid(name, f"is too long (maximum is {longest} characters)")
        found[name] = text
    if any(row["short_code"] == found["short_code"] and row["id"] != before.get("id") for row in shelf.rows.values()):
        raise invalid("short_code", "has already been taken")
    return found
