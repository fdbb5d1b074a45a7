"""Annotates a body with its contract: provenance, source and meaning of each field, and the violations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import UnknownNameError
from vendorsim.core.nesting import is_deeper
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit.contract import MOST_LEVELS, TOO_DEEP
from vendorsim.vendorkit.misspelt_keys import at_their_keys
from vendorsim.vendorkit.schema_walk import SchemaNode

# Limits: of a larger body only the first fields are annotated, of a deeper one only the first levels, and of many
# violations the first ones are told.
MOST_FIELDS = 5_000
MOST_VIOLATIONS = 1_000
_DEEPEST = 30


def annotated(vendor: str, profile: str, event: str, body: bytes) -> dict[str, Any]:
    """The fields of a body with provenance, source and meaning, and its violations, by JSON pointer.

    `parsed` is False for a body that is not JSON or is nested too deeply; `error` says why, and there are no fields. If
    it is not JSON, `line` and `column` (from 1) are where. An unknown profile or event (of another version, for
    example) has no fields and no violations.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _annotations(error=error.msg, line=error.lineno, column=error.colno)
    try:
        contract = contracts.contract(vendor, profile)
        node = contract.node(event)
    except UnknownNameError:
        return _annotations()
    if is_deeper(document, MOST_LEVELS):
        return _annotations(error=f"it is {TOO_DEEP}")
    found = contract.violations(event, document, in_alternatives=True)[:MOST_VIOLATIONS]
    violations = [
        {"pointer": violation.pointer, "message": violation.message}
        for violation in at_their_keys(node, document, found)
    ]
    return _annotations(list(islice(_fields(node, document, "", 0), MOST_FIELDS)), violations)


def _annotations(
    fields: list[dict[str, Any]] | None = None,
    violations: list[dict[str, Any]] | None = None,
    error: str | None = None,
    line: int | None = None,
    column: int | None = None,
) -> dict[str, Any]:
    told = {"parsed": error is None, "error": error, "line": line, "column": column}
    return told | {"fields": fields or [], "violations": violations or []}


def _fields(node: SchemaNode, value: Any, pointer: str, depth: int) -> Iterator[dict[str, Any]]:
    """The annotations of a value, and of the values in it."""
    if depth > _DEEPEST:
        return
    parts = list(node.parts())
    labelled = next((part.schema for part in parts if "x-provenance" in part.schema), None)
    if labelled is not None and pointer:
        yield {
            "pointer": pointer,
            "provenance": labelled["x-provenance"],
            "source": labelled.get("x-source"),
            "description": next((part.schema["description"] for part in parts if "description" in part.schema), None),
        }
    if isinstance(value, dict):
        for key, item in value.items():
            inner = next((found for part in parts if (found := part.property(key)) is not None), None)
            if inner is not None:
                yield from _fields(inner, item, json_pointer.child(pointer, key), depth + 1)
    elif isinstance(value, list):
        items = next((found for part in parts if (found := part.items()) is not None), None)
        for position, item in enumerate(value if items is not None else ()):
            assert items is not None
            yield from _fields(items, item, json_pointer.child(pointer, position), depth + 1)
