"""Reads bodies from outside: checks each value when it is read, and ignores all others.

`body.need("id", identity)` raises BadBody if the key is missing or null; `body.get("rate", integer)` then returns None.
Both raise BadBody for a value of another type. The types, such as `identity`, are the functions below.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")

# The largest integer of SQLite, and the end of the year 9999 in milliseconds.
_LARGEST = 2**63 - 1
_END_OF_TIME = 253_402_300_800_000


class BadBody(ValueError):
    """The body is not as the vendor documents; the message says where."""


class Mismatch(ValueError):
    """A value has another type; the message names the expected one."""


class Body:
    """A JSON object, with its path in the body for error messages."""

    def __init__(self, value: Any, path: str = "") -> None:
        if not isinstance(value, dict):
            raise BadBody(f"{path or 'the body'}: expected an object")
        self._value: dict[str, Any] = value
        self._path = f"{path}." if path else ""

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def get(self, key: str, kind: Callable[[Any], T]) -> T | None:
        value = self._value.get(key)
        try:
            return None if value is None else kind(value)
        except Mismatch as error:
            raise BadBody(f"{self._path}{key}: expected {error}") from None

    def need(self, key: str, kind: Callable[[Any], T]) -> T:
        value = self.get(key, kind)
        if value is None:
            raise BadBody(f"{self._path}{key}: missing")
        return value

    def child(self, key: str) -> Body | None:
        value = self._value.get(key)
        return None if value is None else Body(value, f"{self._path}{key}")

    def need_child(self, key: str) -> Body:
        child = self.child(key)
        if child is None:
            raise BadBody(f"{self._path}{key}: missing")
        return child

    def person(self) -> dict[str, str | None]:
        """Returns the agent that this object describes."""
        return {"id": self.get("id", identity), "name": self.get("name", text), "email": self.get("email", text)}

    def children(self, key: str) -> list[Body]:
        """Returns the objects of a list; a missing list is empty."""
        items = self.get(key, array) or []
        return [Body(item, f"{self._path}{key}.{index}") for index, item in enumerate(items)]


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise Mismatch("text")
    # JSON can have a lone surrogate, which files and databases refuse.
    return value.encode("utf-8", "replace").decode("utf-8")


def integer(value: Any) -> int:
    value = _whole(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST:
        raise Mismatch("an integer")
    return value


def _whole(value: Any) -> Any:
    """Turns 1.0 into 1: JSON Schema counts it as an integer, too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Mismatch("true or false")
    return value


def identity(value: Any) -> str:
    """An id, as text: vendors send integers or text."""
    if isinstance(value, str) and value.strip():
        return text(value)
    value = _whole(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Mismatch("an id, an integer or text")


def word(value: Any) -> str | int:
    """A value of an enumeration, which vendors send as text or as an integer."""
    return text(value) if isinstance(value, str) else integer(value)


def array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Mismatch("a list")
    return value


def mapping(value: Any) -> dict[str, Any]:
    """An object with the customer's own data, which is stored unchecked."""
    if not isinstance(value, dict):
        raise Mismatch("an object")
    return value


def moment(value: Any) -> int:
    """Milliseconds since 1970, UTC: from seconds, milliseconds (from 10^11 on) or ISO 8601 text."""
    try:
        if isinstance(value, str):
            point = datetime.fromisoformat(value)
            number = (point if point.tzinfo else point.replace(tzinfo=UTC)).timestamp()
        elif isinstance(value, int | float) and not isinstance(value, bool):
            number = float(value) if value < 1e11 else float(value) / 1000
        else:
            raise Mismatch("a time")
        milliseconds = round(number * 1000) if math.isfinite(number) else -1
    except (ValueError, OverflowError):
        milliseconds = -1
    if not 0 <= milliseconds < _END_OF_TIME:
        raise Mismatch("a time")
    return milliseconds


def parse(raw: bytes) -> Body:
    """Parses a JSON object. Raises BadBody."""

    def constant(name: str) -> None:
        raise BadBody(f"the body is not JSON: {name} is no JSON value")

    try:
        return Body(json.loads(raw, parse_constant=constant))
    except BadBody:
        raise
    except (ValueError, RecursionError) as error:
        raise BadBody(f"the body is not JSON: {error}") from None
