"""A body read beside its contract: what each field is, where that is known from, and what breaks the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import UnknownNameError
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit.contract import SUFFIX, Contract

# A body has fewer fields, and a schema is nested less deeply, than this.
MOST_FIELDS = 5_000
_DEEPEST = 30


def annotated(vendor: str, profile: str, event: str, body: bytes) -> dict[str, Any]:
    """The fields of a body with provenance, source and meaning, and its violations, by JSON pointer.

    `parsed` is False for what is no JSON, or nested too deeply; then there is nothing to tell. A profile or event that
    is not known (of another version, say) has no fields and no violations.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return {"parsed": False, "error": str(error), "fields": [], "violations": []}
    try:
        contract = contracts.contract(vendor, profile)
        schema = contract.resolve(f"{event}{SUFFIX}")
        violations = contract.violations(event, document)
    except (UnknownNameError, FileNotFoundError):
        return {"parsed": True, "error": None, "fields": [], "violations": []}
    except ValueError:
        return {"parsed": False, "error": "it is nested too deeply to be judged", "fields": [], "violations": []}
    fields = []
    for field in _fields(contract, schema, document, "", 0):
        fields.append(field)
        if len(fields) == MOST_FIELDS:
            break
    found = [{"pointer": violation.pointer, "message": violation.message} for violation in violations]
    return {"parsed": True, "error": None, "fields": fields, "violations": found}


def _fields(
    contract: Contract, schema: Mapping[str, Any], value: Any, pointer: str, depth: int
) -> Iterator[dict[str, Any]]:
    """What the schema says of a value and of what stands in it."""
    if depth > _DEEPEST:
        return
    parts = list(_parts(contract, schema, depth))
    told = next((part for part in parts if "x-provenance" in part), None)
    if told is not None and pointer:
        yield {
            "pointer": pointer,
            "provenance": told["x-provenance"],
            "source": told.get("x-source"),
            "description": next((part["description"] for part in parts if "description" in part), None),
        }
    if isinstance(value, dict):
        for key, item in value.items():
            below = next((part["properties"][key] for part in parts if key in part.get("properties", {})), None)
            if isinstance(below, dict):
                yield from _fields(contract, below, item, json_pointer.child(pointer, key), depth + 1)
    elif isinstance(value, list):
        items = next((part["items"] for part in parts if isinstance(part.get("items"), dict)), None)
        for position, item in enumerate(value if items is not None else ()):
            yield from _fields(contract, items or {}, item, json_pointer.child(pointer, position), depth + 1)


def _parts(contract: Contract, schema: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """The schema, and those that it refers to or is composed of."""
    yield schema
    if depth > _DEEPEST:
        return
    if isinstance(schema.get("$ref"), str):
        yield from _parts(contract, contract.resolve(schema["$ref"]), depth + 1)
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key, ()):
            yield from _parts(contract, part, depth + 1)
