"""Changes the schema of an event's body as an overlay says: fields that are new, gone, or have other values. Pure.

A change concerns one place of one event. The schemas on the way to it are copied into the event's document, since other
events may share them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from enum import StrEnum
from typing import Any

from msgspec import Struct

from vendorsim.core import pointer as json_pointer
from vendorsim.vendorkit.schema_walk import Resolve, Schema

ANY_KEY = "*"
"""The part of a path that stands for the items of a list, and for the values of an object with any keys."""
_NOTES = frozenset({"title", "description", "examples", "default", "$comment"})
_CHOICES = ("anyOf", "oneOf")
Node = dict[str, Any]


class ChangeKind(StrEnum):
    """What a change does: `add` a field, `drop` one, make one `optional`, `widen` what its value may be, or `replace`
    it."""

    ADD = "add"
    DROP = "drop"
    OPTIONAL = "optional"
    WIDEN = "widen"
    REPLACE = "replace"


class OverlayChange(Struct, frozen=True):
    """One change of an event's body. `field` is a path, in which `*` stands for the items of a list. `schema` is that
    of the value, for `add`, `widen` and `replace`. It was seen in `seen` of `of` places."""

    field: str
    change: ChangeKind
    seen: int
    of: int
    schema: Node | None = None


class NoSuchPlace(LookupError):
    """The schema does not describe the place of a change."""


def changed(document: Schema, changes: Iterable[OverlayChange], resolve: Resolve, source: str) -> Node:
    """The document of an event with the changes. `source` is where they are known from. Raises NoSuchPlace."""
    editor = SchemaEditor(document, resolve, source)
    for change in in_order(changes):
        editor.apply(change)
    return editor.root


def in_order(changes: Iterable[OverlayChange]) -> list[OverlayChange]:
    """The changes, those of outer fields first: a change may be of a field that another one adds."""
    return sorted(changes, key=lambda each: each.field.count("/"))


class SchemaEditor:
    """Makes changes to a copy of a schema, one after the other. `root` is the changed schema."""

    def __init__(self, document: Schema, resolve: Resolve, source: str) -> None:
        self.root: Node = deepcopy(dict(document))
        self.resolve, self.source = resolve, source

    def apply(self, change: OverlayChange) -> None:
        """Makes one change. Raises NoSuchPlace."""
        *parents, name = json_pointer.parse(change.field)
        nodes = [self.root]
        for key in parents:
            nodes = [inner for node in nodes for inner in self._inner(node, key)]
            if not nodes:
                raise NoSuchPlace(f"there is no object that could hold {change.field}")
        parts = [part for node in nodes for part in self._parts(node)]
        if change.change is ChangeKind.ADD:
            self._add(nodes, parts, name, change)
        elif change.change in (ChangeKind.DROP, ChangeKind.OPTIONAL):
            for part in parts:
                _not_required(part, name)
                if change.change is ChangeKind.DROP and name in part.get("properties", {}):
                    part["properties"][name] = False
        else:
            holders = [holder for part in parts for holder in _holders(part, name)]
            if not holders:
                raise NoSuchPlace(f"there is no field {change.field}")
            for holder, key in holders:
                holder[key] = self._value(holder[key], change)

    def _value(self, old: Any, change: OverlayChange) -> Node:
        assert change.schema is not None
        stated = self._stated(change.schema)
        if change.change is ChangeKind.REPLACE or not isinstance(old, dict):
            return stated
        notes = {key: old[key] for key in ("title", "description") if key in old}
        return {"anyOf": [old, stated], **notes, **self._provenance()}

    def _add(self, nodes: list[Node], parts: list[Node], name: str, change: OverlayChange) -> None:
        assert change.schema is not None
        stated = self._stated(change.schema)
        for part in parts:
            _allow(part, name)
            if part.get("additionalProperties") is False:
                part.setdefault("properties", {})[name] = stated
        for node in nodes:
            alternatives = self._alternatives(node)
            for part in alternatives or [self._describing(node)]:
                part.setdefault("properties", {})[name] = stated
                if not alternatives and len(nodes) == 1 and change.seen == change.of:
                    part["required"] = [*part.get("required", ()), name]

    def _describing(self, node: Node) -> Node:
        """The part of a schema that describes the fields of an object."""
        return next((part for part in self._parts(node) if part.get("properties")), node)

    def _alternatives(self, node: Node) -> list[Node]:
        """The alternatives of a schema that are objects, if it has any."""
        found = []
        for part in self._parts(node, alternatives=False):
            for keyword in _CHOICES:
                for choice in part.get(keyword, ()):
                    if any("properties" in each for each in self._parts(choice)):
                        found.append(self._describing(choice))
        return found

    def _stated(self, schema: Node) -> Node:
        return {**deepcopy(schema), **self._provenance()}

    def _provenance(self) -> Node:
        return {"x-provenance": "captured", "x-source": self.source}

    def _inner(self, node: Node, name: str) -> Iterator[Node]:
        for part in list(self._parts(node)):
            for holder, key in _holders(part, name):
                if isinstance(holder[key], dict):
                    yield holder[key]

    def _parts(self, node: Node, *, alternatives: bool = True) -> Iterator[Node]:
        """A schema and those that it is composed of; references are replaced by copies of what they refer to."""
        while isinstance(reference := node.get("$ref"), str):
            copy = deepcopy(dict(self.resolve(reference)))
            del node["$ref"]
            if all(key in _NOTES or key.startswith("x-") for key in node):
                for key, value in copy.items():
                    node.setdefault(key, value)
            else:
                node["allOf"] = [*node.get("allOf", ()), copy]
        yield node
        for keyword in ("allOf", *(_CHOICES if alternatives else ())):
            for inner in node.get(keyword, ()):
                if isinstance(inner, dict):
                    yield from self._parts(inner, alternatives=alternatives)
        for keyword in ("then", "else"):
            if alternatives and isinstance(node.get(keyword), dict):
                yield from self._parts(node[keyword], alternatives=alternatives)


def _holders(part: Node, name: str) -> Iterator[tuple[Any, Any]]:
    """Where a schema says what a field is: objects or lists, each with the key in it."""
    if name in part.get("properties", {}):
        yield part["properties"], name
    elif name == ANY_KEY:
        for keyword in ("items", "additionalProperties"):
            if isinstance(part.get(keyword), dict):
                yield part, keyword
        for position in range(len(part.get("prefixItems", ()))):
            yield part["prefixItems"], position
    elif name.isdecimal() and int(name) < len(part.get("prefixItems", ())):
        yield part["prefixItems"], int(name)


def _not_required(part: Node, name: str) -> None:
    if name in part.get("required", ()):
        part["required"] = [each for each in part["required"] if each != name]


def _allow(part: Node, name: str) -> None:
    """Removes what forbids a field."""
    if part.get("properties", {}).get(name) is False:
        del part["properties"][name]
    names = part.get("propertyNames")
    forbidden = names.get("not", {}).get("enum") if isinstance(names, dict) else None
    if forbidden is None:
        part.pop("propertyNames", None)
    elif name in forbidden:
        part["propertyNames"] = {"not": {"enum": [each for each in forbidden if each != name]}}
