"""Walking through the schemas of a contract, whose documents stand in a folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from vendorsim.vendorkit.contract import MOST_LEVELS, TOO_DEEP, Contract
from vendorsim.vendorkit.contract_folder import ContractFolder
from vendorsim.vendorkit.schema_walk import SchemaNode, references, with_references

SHARED = {
    "$defs": {
        "person": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "a/b": True}},
        "message": {
            "allOf": [{"$ref": "#/$defs/text"}],
            "properties": {"sender": {"$ref": "#/$defs/person"}, "reply": {"$ref": "#/$defs/message"}},
        },
        "text": {"title": "text", "required": ["text"], "properties": {"text": {"type": "string"}}},
    }
}
EVENT = {
    "properties": {
        "message": {"$ref": "objects.schema.json#/$defs/message", "required": ["sender"], "title": "near"},
        "parties": {"type": "array", "items": {"$ref": "objects.schema.json#/$defs/person"}},
        "either": {"oneOf": [{"title": "first"}, {"anyOf": [{"title": "second"}]}]},
        "custom": {"additionalProperties": {"type": "string"}},
        "pair": {"prefixItems": [{"title": "left"}, {"title": "right"}], "items": False},
        "told": {"if": {"title": "is"}, "then": {"title": "so"}},
        "sender": {
            "oneOf": [
                {"type": "null"},
                {"required": ["email"], "properties": {"type": {"const": "user"}, "email": {"type": "string"}}},
                {"required": ["phone"], "properties": {"type": {"enum": ["contact"]}, "phone": {"type": "integer"}}},
            ],
            "properties": {"name": {}},
        },
        "reader": {
            "if": {"properties": {"type": {"const": "user"}}},
            "then": {"required": ["email"], "properties": {"email": {}}},
            "else": {"properties": {"phone": {}}},
        },
    }
}


@pytest.fixture
def node(tmp_path: Path) -> SchemaNode:
    (tmp_path / "objects.schema.json").write_text(json.dumps(SHARED))
    (tmp_path / "event.schema.json").write_text(json.dumps(EVENT))
    return ContractFolder(tmp_path).node("event")


def field(node: SchemaNode | None, *keys: str) -> SchemaNode:
    for key in keys:
        assert node is not None
        node = next(found for part in node.parts() if (found := part.property(key)) is not None)
    assert node is not None
    return node


def titles(nodes: Iterable[SchemaNode]) -> list[Any]:
    return [node.schema.get("title") for node in nodes]


def test_references_lead_through_files_and_locations_say_where(node: SchemaNode) -> None:
    assert field(node, "message").location == "event.schema.json#/properties/message"
    found = field(node, "message", "sender", "a/b")
    assert found.location == "objects.schema.json#/$defs/person/properties/a~1b"
    assert found.schema == {}


def test_parts_are_the_schema_and_all_it_is_composed_of_the_nearest_first(node: SchemaNode) -> None:
    assert titles(field(node, "message").parts()) == ["near", None, None, "text"]
    assert titles(field(node, "either").parts()) == [None, "first", None, "second"]


def test_along_a_document_a_recursive_schema_goes_on_for_ever(node: SchemaNode) -> None:
    assert field(node, "message", *["reply"] * 20, "text").schema == {"type": "string"}


def test_along_the_schema_recursion_is_known(node: SchemaNode) -> None:
    message = node.property("message")
    assert message is not None
    target = message.referred()
    assert target is not None
    reply = target.property("reply")
    assert reply is not None
    assert (message.recursive, reply.recursive, reply.referred()) == (False, True, None)


def test_what_stands_nearer_wins_when_schemas_are_merged(node: SchemaNode) -> None:
    merged = field(node, "message").merged()
    assert merged.schema["title"] == "near"
    assert merged.schema["required"] == ["text", "sender"]
    assert list(merged.schema["properties"]) == ["text", "sender", "reply"]
    assert "allOf" not in merged.schema
    assert merged.location == ""
    assert node.merged() == node


def test_the_fields_of_a_schema(node: SchemaNode) -> None:
    assert [key for key, _ in node.children()] == list(EVENT["properties"])
    assert [(key, child.schema) for key, child in field(node, "custom").children()] == [("*", {"type": "string"})]
    pair = list(field(node, "pair").children())
    assert [(key, child.schema["title"]) for key, child in pair] == [("0", "left"), ("1", "right")]
    assert field(node, "pair").items() is None
    items = field(node, "parties").items()
    assert items is not None
    assert [key for key, _ in items.merged().properties()] == ["id", "a/b"]


def test_alternatives_and_conditions(node: SchemaNode) -> None:
    assert [titles(choice) for choice in field(node, "either").choices()] == [["first", None]]
    branches = field(node, "told").branches()
    assert branches is not None
    assert (titles(branches[0]), branches[1].schema) == (["is", "so"], {})
    assert node.branches() is None


@pytest.mark.parametrize(
    ("place", "document", "fields"),
    [
        ("sender", {"type": "user", "email": "a@b.example"}, {"name", "type", "email"}),
        ("sender", {"type": "contact", "phone": 1}, {"name", "type", "phone"}),
        ("sender", {"phone": 1}, {"name", "type", "phone"}),
        ("sender", {"type": "bot", "email": "a@b.example"}, {"name"}),
        ("sender", {"type": "contact", "phone": "1"}, {"name"}),
        ("sender", None, {"name"}),
        ("reader", {"type": "user"}, {"email"}),
        ("reader", {"type": "contact"}, {"phone"}),
    ],
)
def test_of_alternatives_that_counts_which_fits_the_document(
    node: SchemaNode, place: str, document: Any, fields: set[str]
) -> None:
    assert {key for key, _ in field(node, place).fitted(document).properties()} == fields


def test_references_are_found_and_written_anew() -> None:
    document = {"a": [{"$ref": "#/x"}, {"b": {"$ref": "y.json"}}], "c": 1}
    assert list(references(document)) == ["#/x", "y.json"]
    assert with_references(document, str.upper) == {"a": [{"$ref": "#/X"}, {"b": {"$ref": "Y.JSON"}}], "c": 1}


@pytest.mark.parametrize("reference", ["objects.schema.json#/$defs/nobody", "objects.schema.json#/$defs/text/title/x"])
def test_a_reference_to_nothing(node: SchemaNode, reference: str) -> None:
    with pytest.raises(LookupError):
        node.resolve(reference)


def test_a_body_that_is_nested_too_deeply_has_one_violation(tmp_path: Path) -> None:
    (tmp_path / "event.schema.json").write_text('{"type": "object"}')
    contract = Contract("acme", "documented", tmp_path)
    for levels in (MOST_LEVELS, MOST_LEVELS + 1):
        body = orjson.loads(b"[" * levels + b"]" * levels)
        (violation,) = contract.violations("event", body)
        assert (violation.message == TOO_DEEP) == (levels > MOST_LEVELS)
