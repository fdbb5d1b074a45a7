"""Reading what somebody else sent: each value is checked where it is taken, and what nobody asks for is ignored.

`body.need("id", identity)` raises BadBody when the key is missing or null, `body.get("rate", integer)`
gives None then; both raise BadBody for a value of another type. The kinds below are plain functions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")

# What SQLite can hold as an integer, and the times that a calendar has.
_LARGEST = 2**63 - 1
_END_OF_TIME = 253_402_300_800_000


class BadBody(ValueError):
    """The body is not what the vendor documents; the message says where."""


class Mismatch(ValueError):
    """A value is of another kind; the message names the expected one."""


class Body:
    """A JSON object, and where it stands."""

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
        """The agent that this object describes."""
        return {"id": self.get("id", identity), "name": self.get("name", text), "email": self.get("email", text)}

    def children(self, key: str) -> list[Body]:
        """The objects of a list; no list is an empty one."""
        items = self.get(key, array) or []
        return [Body(item, f"{self._path}{key}.{index}") for index, item in enumerate(items)]


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise Mismatch("text")
    # JSON can spell half of a surrogate pair, which no file or database takes.
    return value.encode("utf-8", "replace").decode("utf-8")


def integer(value: Any) -> int:
    value = _whole(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST:
        raise Mismatch("an integer")
    return value


def _whole(value: Any) -> Any:
    """JSON can write 1 as 1.0; to a JSON Schema that is an integer, too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Mismatch("true or false")
    return value


def identity(value: Any) -> str:
    """An id: some vendors number, some name. Kept as text."""
    if isinstance(value, str) and value.strip():
        return text(value)
    value = _whole(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Mismatch("an id, an integer or text")


def word(value: Any) -> str | int:
    """A member of an enumeration, which vendors spell as a word or as a number."""
    return text(value) if isinstance(value, str) else integer(value)


def array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Mismatch("a list")
    return value


def mapping(value: Any) -> dict[str, Any]:
    """Free data of the customer: kept whole, whatever it holds."""
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
    """The object that the bytes spell. Raises BadBody."""

    def constant(name: str) -> None:
        raise BadBody(f"the body is not JSON: {name} is no JSON value")

    try:
        return Body(json.loads(raw, parse_constant=constant))
    except BadBody:
        raise
    except (ValueError, RecursionError) as error:
        raise BadBody(f"the body is not JSON: {error}") from None
