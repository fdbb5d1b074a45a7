"""Describes the receiver of a vendor's webhooks as an OpenAPI document."""

from __future__ import annotations

from typing import Any

from vendorsim.vendorkit.contract import Contract
from vendorsim.vendorkit.contract_folder import SUFFIX
from vendorsim.vendorkit.policy import SUCCESS
from vendorsim.vendorkit.schema_walk import references, with_references

_COMPONENTS = "#/components/schemas/"


def document(contract: Contract, event: str, path: str, accepted: frozenset[int]) -> dict[str, Any]:
    """Returns an OpenAPI 3.1 document with one operation: the POST of an event to the integration's path.

    `accepted` are the statuses that the vendor accepts. All references are local to the document.
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
        # OpenAPI would read braces as a path parameter.
        "paths": {path.replace("{", "%7B").replace("}", "%7D"): {"post": operation}},
        "components": {"schemas": schemas},
    }


def _bundle(contract: Contract, name: str, schemas: dict[str, Any]) -> None:
    """Adds a file of the contract and all files that it refers to."""
    key = name.removesuffix(SUFFIX)
    if key in schemas:
        return
    whole = contract.documents.resolve(name)
    schemas[key] = with_references(whole, _within_the_document)
    for other in sorted({reference.partition("#")[0] for reference in references(whole)}):
        _bundle(contract, other, schemas)


def _within_the_document(reference: str) -> str:
    name, _, pointer = reference.partition("#")
    return f"{_COMPONENTS}{name.removesuffix(SUFFIX)}{pointer}"
