"""The receiver of webhooks as an OpenAPI document: what a vendor's contract demands of an integration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vendorsim.vendorkit.contract import SUFFIX, Contract
from vendorsim.vendorkit.policy import SUCCESS

_COMPONENTS = "#/components/schemas/"


def document(contract: Contract, event: str, path: str, accepted: frozenset[int]) -> dict[str, Any]:
    """An OpenAPI 3.1 document with one operation: the POST of an event to the path of an integration.

    `accepted` are the statuses that the vendor takes for success. All references stay within the document.
    """
    statuses = ["2XX"] if accepted >= SUCCESS else [str(status) for status in sorted(accepted)]
    operation = {
        "operationId": event,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"{_COMPONENTS}{event}"}}},
        },
        "responses": {status: {"description": "The event is taken."} for status in statuses},
    }
    schemas: dict[str, Any] = {}
    _bundle(contract, f"{event}{SUFFIX}", schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"A receiver of {contract.vendor}, profile {contract.profile}", "version": "1"},
        # Braces would be a template.
        "paths": {path.replace("{", "%7B").replace("}", "%7D"): {"post": operation}},
        "components": {"schemas": schemas},
    }


def _bundle(contract: Contract, name: str, schemas: dict[str, Any]) -> None:
    """Adds a file of the contract, and all that it refers to."""
    key = name.removesuffix(SUFFIX)
    if key in schemas:
        return
    whole = contract.resolve(name)
    schemas[key] = _with_local_references(whole)
    for other in sorted(set(_files(whole))):
        _bundle(contract, other, schemas)


def _files(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].partition("#")[0]
        for item in value.values():
            yield from _files(item)
    elif isinstance(value, list):
        for item in value:
            yield from _files(item)


def _with_local_references(value: Any) -> Any:
    if isinstance(value, Mapping):
        made = {key: _with_local_references(item) for key, item in value.items()}
        if isinstance(value.get("$ref"), str):
            name, _, pointer = value["$ref"].partition("#")
            made["$ref"] = f"{_COMPONENTS}{name.removesuffix(SUFFIX)}{pointer}"
        return made
    return [_with_local_references(item) for item in value] if isinstance(value, list) else value
