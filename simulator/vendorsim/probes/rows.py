"""Rows of a query as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from math import isfinite
from typing import Any

# JSON numbers beyond 64 bits become floats, as in most JSON parsers.
_LARGEST = 2**63


def state_of(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Any:
    """Returns the state: None without rows, an object for one row, a list of objects for several.

    Raises ValueError for two columns of the same name.
    """
    doubled = next((name for number, name in enumerate(columns) if name in columns[:number]), None)
    if doubled is not None:
        raise ValueError(f"two columns are named '{doubled}'; name one of them with AS")
    objects = [{name: as_json(value) for name, value in zip(columns, row, strict=True)} for row in rows]
    return objects if len(objects) > 1 else next(iter(objects), None)


def as_json(value: Any) -> Any:
    """Returns a value of a column as JSON.

    Bytes become hexadecimal text, dates and times ISO 8601 text, exact numbers JSON numbers; lists and objects stay
    what they are. All other values become text.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if -_LARGEST <= value < _LARGEST else float(value)
    if isinstance(value, Decimal):
        return as_json(_number(value))
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, date | time):  # datetime is a date.
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    return str(value)


def _number(value: Decimal) -> int | float | str:
    if not value.is_finite():
        return str(value)
    return int(value) if value == value.to_integral_value() else float(value)
