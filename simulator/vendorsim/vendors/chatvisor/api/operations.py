"""The operations of the API, read from `contracts/chatvisor/api.openapi.json`.

Change only that document when a path becomes known: the server, `vendorsim vendors` and the tests read it. An operation
is named by its `operationId`. `x-provenance` and `x-source` give the source of its path.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from vendorsim.core import pointer as json_pointer
from vendorsim.core import resources
from vendorsim.vendorkit.vendor import Operation

DOCUMENT: dict[str, Any] = orjson.loads((resources.contracts() / "chatvisor" / "api.openapi.json").read_bytes())

_PARAMETER = r"\{(\w+)\}"
_METHODS = ("get", "put", "post", "patch", "delete")


def _described() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each operation, by its id."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    }


_BY_ID = _described()

OPERATIONS = tuple(
    Operation(name, method, re.sub(_PARAMETER, r":\1", path), operation["x-provenance"], operation["x-source"])
    for name, (method, path, operation) in _BY_ID.items()
)


def rule(operation: str) -> tuple[str, str]:
    """Method and path of an operation. The path is a rule for Flask, `/rest/v1/customer/<customer_id>/tag`."""
    method, path, _ = _BY_ID[operation]
    return method, re.sub(_PARAMETER, lambda match: f"<{_snake(match[1])}>", path)


def body_schema(operation: str) -> dict[str, Any] | None:
    """The JSON Schema of an operation's body, with its components. None for an operation without a body."""
    described = _BY_ID[operation][2].get("requestBody")
    if described is None:
        return None
    schema: dict[str, Any] = described["content"]["application/json"]["schema"]
    return {**schema, "components": DOCUMENT["components"]}


def alternatives(operation: str) -> list[str]:
    """The keys of which the body must have exactly one."""
    schema = _BY_ID[operation][2]["requestBody"]["content"]["application/json"]["schema"]
    named = json_pointer.resolve(DOCUMENT, schema["$ref"].removeprefix("#"))
    return [key for alternative in named["oneOf"] for key in alternative["required"]]


def needs_body(operation: str) -> bool:
    """Whether a request must have a body."""
    return bool(_BY_ID[operation][2]["requestBody"].get("required", False))


def path_of(operation: str, **values: str) -> str:
    """The path of an operation with its parameters filled in."""
    return _BY_ID[operation][1].format(**values)


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", name)
