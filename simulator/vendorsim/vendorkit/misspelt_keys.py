"""Tells violations of a contract at the key that causes them: a misspelt key, or one that is forbidden. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import closest
from vendorsim.vendorkit.contract import FORBIDDEN, REQUIRED, Violation
from vendorsim.vendorkit.schema_walk import SchemaNode


def at_their_keys(node: SchemaNode, document: Any, violations: Iterable[Violation]) -> list[Violation]:
    """The violations of a body by the schema `node`, with those that a key causes at that key.

    A missing property beside an unknown key of a similar name becomes a violation at the unknown key, which says what
    was meant. An object with forbidden keys has a violation at each of them. All others stay as they are.
    """
    told: list[Violation] = []
    meant: dict[str, set[str]] = {}
    for violation in violations:
        where, rule = violation.pointer, violation.rule
        name, _, missing = rule.partition(":")
        if name == REQUIRED:
            unknown = [key for key in _unknown(node, document, where) if key not in meant.get(where, ())]
            key = closest(missing, unknown)
            if key is not None:
                meant.setdefault(where, set()).add(key)
                message = f"unknown key '{key}'; did you mean '{missing}'?"
                told.append(Violation(json_pointer.child(where, key), message, rule))
                continue
        told.append(violation)
    return [each for violation in told for each in _forbidden(node, document, violation, meant)]


def _forbidden(
    node: SchemaNode, document: Any, violation: Violation, meant: dict[str, set[str]]
) -> Iterator[Violation]:
    """The violation, or those at the single keys if it forbids keys. Keys in `meant` are told already."""
    where = violation.pointer
    unknown = _unknown(node, document, where) if violation.rule in FORBIDDEN else []
    if not unknown:
        yield violation
        return
    absent = [key for key in _known(node, document, where) if key not in json_pointer.resolve(document, where)]
    for key in unknown:
        if key not in meant.get(where, ()):
            similar = closest(key, absent)
            remedy = f"did you mean '{similar}'?" if similar else "the contract has no such key here"
            yield Violation(json_pointer.child(where, key), f"unknown key '{key}'; {remedy}", violation.rule)


def _unknown(node: SchemaNode, document: Any, pointer: str) -> list[str]:
    """The keys of the object at a place that its schema does not name."""
    value = json_pointer.resolve(document, pointer)
    known = _known(node, document, pointer)
    return [key for key in value if key not in known] if isinstance(value, dict) else []


def _known(node: SchemaNode, document: Any, pointer: str) -> list[str]:
    """The keys that the schema of the object at a place names, of all alternatives."""
    nodes = [node]
    for part in json_pointer.parse(pointer):
        is_list = isinstance(document, list)
        document = document[int(part) if is_list else part]
        parts = [each for one in nodes for each in one.parts()]
        inner = [each.items() if is_list else each.property(part) or each.values() for each in parts]
        nodes = [each for each in inner if each is not None]
    return list(dict.fromkeys(key for one in nodes for each in one.parts() for key, _ in each.properties()))
