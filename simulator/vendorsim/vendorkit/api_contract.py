"""What the OpenAPI document of a vendor's API says of the bodies of a call and of its answer.

The documents are `api.openapi.json` in the folder of the vendor's contracts, and `openapi.json` of its default profile;
not every vendor has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from vendorsim.core.nesting import is_deeper
from vendorsim.core.pointer import resolve
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.contract import BASE_URI, DEPTH, MOST_LEVELS, TOO_DEEP, Violation, violation_of
from vendorsim.vendorkit.contract_folder import ContractFolder

_JSON = "application/json"


class ApiContract:
    """The operations of some documents, by their names (`operationId`). The first document that has one counts."""

    def __init__(self, files: Iterable[Path]) -> None:
        """Raises OSError or ValueError if a file can't be read."""
        self._operations: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
        self._schemas: list[tuple[str, Any]] = []
        for file in files:
            document: dict[str, Any] = orjson.loads(file.read_bytes())
            self._schemas += [(BASE_URI + name, schema) for name, schema in ContractFolder(file.parent).schemas()]
            for operations in document.get("paths", {}).values():
                for operation in operations.values():
                    if isinstance(operation, dict) and "operationId" in operation:
                        self._operations.setdefault(operation["operationId"], (document, operation))
        self._validators: dict[tuple[str, str], jsonschema_rs.Draft202012Validator | None] = {}

    def __contains__(self, operation: str) -> bool:
        return operation in self._operations

    def request(self, operation: str, body: Any) -> list[Violation] | None:
        """The violations in the JSON body of a call; None if the document does not describe it."""
        return self._violations(operation, "", body)

    def answer(self, operation: str, status: int, body: Any) -> list[Violation] | None:
        """The violations in the JSON body of an answer; None if the document does not describe it."""
        return self._violations(operation, str(status), body)

    def _violations(self, operation: str, status: str, body: Any) -> list[Violation] | None:
        key = operation, status
        if key not in self._validators:
            self._validators[key] = self._validator(operation, status)
        validator = self._validators[key]
        if validator is None:
            return None
        if is_deeper(body, MOST_LEVELS):
            return [Violation("", TOO_DEEP, DEPTH)]
        return [violation_of(error) for error in validator.iter_errors(body)]

    def _validator(self, operation: str, status: str) -> jsonschema_rs.Draft202012Validator | None:
        document, known = self._operations.get(operation, ({}, {}))
        holder = known.get("responses", {}).get(status) if status else known.get("requestBody")
        if isinstance(holder, Mapping) and "$ref" in holder:
            holder = resolve(document, holder["$ref"].removeprefix("#"))
        schema = (holder or {}).get("content", {}).get(_JSON, {}).get("schema")
        if schema is None:
            return None
        # References lead to the components of the document, and to the schemas beside it.
        whole = {"allOf": [schema], "components": document.get("components", {})}
        known_schemas = jsonschema_rs.Registry(self._schemas)
        return jsonschema_rs.Draft202012Validator(
            whole, registry=known_schemas, base_uri=f"{BASE_URI}api", validate_formats=False
        )


def judge_call(vendor: str, operations: Iterable[str], body: Any, status: int, answer: Any) -> list[Violation] | None:
    """The violations in the bodies of a call and of its answer, each None where there is no JSON. The operation is the
    first of these names that a document has. Returns None if no document says anything of either body."""
    contract = _contract(vendor)
    operation = next((each for each in operations if each in contract), None)
    if operation is None:
        return None
    request = None if body is None else contract.request(operation, body)
    response = None if answer is None else contract.answer(operation, status, answer)
    if request is None and response is None:
        return None
    told = [each._replace(message=f"in the answer: {each.message}") for each in response or ()]
    return [*(request or ()), *told]


@lru_cache(maxsize=64)
def _contract(vendor: str) -> ApiContract:
    known = registry.get(vendor)
    folder, profile = known.contracts(), known.default_profile
    files = (folder / "api.openapi.json", folder / (profile.contract or profile.name) / "openapi.json")
    return ApiContract(file for file in files if file.is_file())
