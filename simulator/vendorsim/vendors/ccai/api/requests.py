"""Reading the bodies of the Apps API: what is missing or of another kind is refused, unknown keys are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from vendorsim.vendors.ccai.api.end_user import TOO_LARGE, WHITE_SPACE

T = TypeVar("T")

LARGEST_NUMBER = 2**63 - 1
# The longest identifier, name, address or number, and the longest message, in characters (assumed).
LONGEST = 255
LONGEST_MESSAGE = 10_000


class Refused(Exception):
    """A call that is not carried out: the HTTP status and the message of its answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def missing(key: str) -> Refused:
    """The refusal of a body without a key that it needs, in the platform's own words."""
    return Refused(400, f"param is missing or the value is empty: {key}")


class Fields:
    """An object of a body. Each reader gives the value of a key, and raises Refused where it is of another kind."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, key: str, longest: int = LONGEST) -> str | None:
        value = self._of(key, str, "a string")
        if value is not None and len(value) > longest:
            raise Refused(400, f"{key} is longer than {longest} characters")
        return value

    def number(self, key: str) -> int | None:
        """1.0 is an integer too, as JSON Schema has it."""
        if key not in self._values:
            return None
        value = self._values[key]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST_NUMBER:
            raise Refused(400, f"{key} is not a positive integer")
        return value

    def child(self, key: str) -> Fields | None:
        value = self._of(key, dict, "an object")
        return None if value is None else Fields(value)

    def children(self, key: str) -> list[Fields]:
        """The objects of a list; no list is an empty one."""
        items = self._of(key, list, "a list") or []
        if not all(isinstance(item, dict) for item in items):
            raise Refused(400, f"{key} holds something else than objects")
        return [Fields(item) for item in items]

    def need_text(self, key: str, longest: int = LONGEST) -> str:
        """Blank counts as missing, as for `end_user`."""
        value = self.text(key, longest) if self._has(key) else None
        if value is None or not value.strip(WHITE_SPACE):
            raise missing(key)
        return value

    def need_number(self, key: str) -> int:
        value = self.number(key) if self._has(key) else None
        if value is None:
            raise missing(key)
        return value

    def need_child(self, key: str) -> Fields:
        value = self.child(key) if self._has(key) else None
        if value is None:
            raise missing(key)
        return value

    def need_children(self, key: str) -> list[Fields]:
        if not self._has(key):
            raise missing(key)
        return self.children(key)

    def _has(self, key: str) -> bool:
        """null counts as missing where a key is needed; where it is not, null is no value."""
        return self._values.get(key) is not None

    def _of(self, key: str, kind: type[T], expected: str) -> T | None:
        if key not in self._values:
            return None
        value = self._values[key]
        if not isinstance(value, kind):
            raise Refused(400, f"{key} is not {expected}")
        return value


def read(first: str) -> Fields:
    """The object that the request's body spells. Raises Refused; `first` is the key that an empty body lacks."""
    try:
        raw = request.get_data()
    except RequestEntityTooLarge:
        raise Refused(TOO_LARGE.status, TOO_LARGE.message) from None
    if not raw:
        raise missing(first)
    if request.mimetype != "application/json":
        found = f"not '{request.mimetype[:80]}'" if request.mimetype else "it is missing"
        raise Refused(400, f"Content-Type must be application/json; {found}")
    try:
        document: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise Refused(400, f"the body is not JSON: {error.msg} at {where}") from None
    if not isinstance(document, dict):
        raise Refused(400, "the body is not a JSON object")
    return Fields(document)
