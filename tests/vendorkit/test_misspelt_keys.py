"""Violations that a key causes are told at that key."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from vendorsim.core import pointer as json_pointer
from vendorsim.vendorkit.contract import FORBIDDEN, Violation
from vendorsim.vendorkit.misspelt_keys import at_their_keys
from vendorsim.vendorkit.schema_walk import SchemaNode

PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "email": {}}, "required": ["name"]}
OPEN = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "messages": {"type": "array", "items": PERSON}, "visitor": PERSON},
    "required": ["id", "messages"],
}
CLOSED = OPEN | {"additionalProperties": False}
GOOD = {"id": 1, "messages": []}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[str, str]]]] = {
    "nothing wrong": (OPEN, GOOD, []),
    "a misspelt key": (
        OPEN,
        {"id": 1, "mesages": []},
        [("/mesages", "unknown key 'mesages'; did you mean 'messages'?")],
    ),
    "a key that is not there at all": (OPEN, {"id": 1}, [("", '"messages" is a required property')]),
    "a key beside it that is nothing like it": (
        OPEN,
        {"id": 1, "colour": 2},
        [("", '"messages" is a required property')],
    ),
    "in an item of a list": (
        OPEN,
        {"id": 1, "messages": [{"name": "Dana"}, {"nmae": "Ana"}]},
        [("/messages/1/nmae", "unknown key 'nmae'; did you mean 'name'?")],
    ),
    "where keys are forbidden, once": (
        CLOSED,
        {"id": 1, "mesages": []},
        [("/mesages", "unknown key 'mesages'; did you mean 'messages'?")],
    ),
    "one key is misspelt, another forbidden": (
        CLOSED,
        {"id": 1, "mesages": [], "colour": 2},
        [
            ("/colour", "unknown key 'colour'; the contract has no such key here"),
            ("/mesages", "unknown key 'mesages'; did you mean 'messages'?"),
        ],
    ),
    "a forbidden key that was meant as an optional one": (
        CLOSED,
        GOOD | {"vistor": {"name": "Dana"}},
        [("/vistor", "unknown key 'vistor'; did you mean 'visitor'?")],
    ),
    "what no key causes": (OPEN, {"id": "1", "messages": []}, [("/id", '"1" is not of type "integer"')]),
    "no object at all": (OPEN, [], [("", '[] is not of type "object"')]),  # type: ignore[dict-item]
    "a key with a slash": (
        {"type": "object", "properties": {"a/b": {}}, "required": ["a/b"]},
        {"a/bb": 1},
        [("/a~1bb", "unknown key 'a/bb'; did you mean 'a/b'?")],
    ),
}


def _violations(schema: dict[str, Any], document: Any) -> list[Violation]:
    def rule(error: jsonschema_rs.ValidationError) -> str:
        missing = getattr(error.kind, "property", "")
        return f"{error.kind.name}:{missing}" if missing else error.kind.name

    errors = jsonschema_rs.Draft202012Validator(schema).iter_errors(document)
    return [Violation(json_pointer.join(error.instance_path), error.message, rule(error)) for error in errors]


@pytest.mark.parametrize("name", CASES)
def test_at_their_keys(name: str) -> None:
    schema, document, expected = CASES[name]
    told = at_their_keys(SchemaNode(schema, lambda reference: {}), document, _violations(schema, document))
    assert sorted((violation.pointer, violation.message) for violation in told) == expected


def test_the_rules_are_those_of_the_validator() -> None:
    rules = {violation.rule for violation in _violations(CLOSED, GOOD | {"colour": 1})}
    assert rules <= FORBIDDEN
