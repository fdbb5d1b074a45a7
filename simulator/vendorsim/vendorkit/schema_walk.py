"""The one way through JSON Schemas: `$ref`, `allOf`, `anyOf`, `oneOf` and `if` are followed here. Pure.

Two kinds of walks start from a `SchemaNode`:

* along a document (`parts`, `merged`): the document's end is the end of the walk, so recursive schemas do no harm;
* along the schema alone (`referred`, `all_of`, `choices`, `branches`, `children`): a node knows the references that led
  to it, and `recursive` says that its own reference is one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from vendorsim.core import pointer as json_pointer

Schema = Mapping[str, Any]
Resolve = Callable[[str], Schema]
"""`objects.schema.json#/$defs/chat` → the schema there, whose own references name their files too."""

_ANYTHING: Schema = {}
_COMPOSED = frozenset({"$ref", "allOf", "anyOf", "oneOf"})
# Keywords of JSON Schema that describe values. `if` and `not` only test; they state no property.
_MAPS = ("properties", "patternProperties", "$defs", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLES = ("items", "additionalProperties", "unevaluatedProperties", "contains", "then", "else")


class SchemaNode(NamedTuple):
    """A schema and what is needed to go on from it.

    `location` is its file and JSON pointer, such as `objects.schema.json#/$defs/chat`; empty below a schema that was
    merged from several. `followed` are the references that led to it.
    """

    schema: Schema
    resolve: Resolve
    location: str = ""
    followed: frozenset[str] = frozenset()

    @property
    def recursive(self) -> bool:
        """Whether the schema refers to one that it was reached through."""
        return self.schema.get("$ref") in self.followed

    def referred(self) -> SchemaNode | None:
        """The schema of `$ref`. None where there is no reference, or a recursive one."""
        reference = self.schema.get("$ref")
        if not isinstance(reference, str) or reference in self.followed:
            return None
        return SchemaNode(self.resolve(reference), self.resolve, reference, self.followed | {reference})

    def all_of(self) -> list[SchemaNode]:
        """The schemas of `allOf`."""
        return self._listed("allOf")

    def choices(self) -> list[list[SchemaNode]]:
        """The alternatives of `anyOf`, and those of `oneOf`."""
        return [self._listed(key) for key in ("anyOf", "oneOf") if key in self.schema]

    def branches(self) -> tuple[list[SchemaNode], SchemaNode] | None:
        """Of `if`: the schemas that hold together where it is met (`if`, `then`), and the one of `else`."""
        if "if" not in self.schema:
            return None
        met = [self._at(self.schema[key], key) for key in ("if", "then") if key in self.schema]
        return met, self._at(self.schema.get("else"), "else")

    def children(self) -> Iterator[tuple[str, SchemaNode]]:
        """The fields that the schema itself describes. Positions of `prefixItems` are `0`, `1` …; the values of an
        object with any keys, and the items of a list, are `*`."""
        yield from self.properties()
        for position, schema in enumerate(self.schema.get("prefixItems", ())):
            yield str(position), self._at(schema, "prefixItems", position)
        for node in (self.values(), self.items()):
            if node is not None:
                yield "*", node

    def properties(self) -> Iterator[tuple[str, SchemaNode]]:
        """The schemas of the keys that the schema itself names."""
        for key, schema in self.schema.get("properties", {}).items():
            yield key, self._at(schema, "properties", key)

    def property(self, key: str) -> SchemaNode | None:
        """The schema of a key of an object, if the schema itself names the key."""
        properties = self.schema.get("properties", {})
        return self._at(properties[key], "properties", key) if key in properties else None

    def values(self) -> SchemaNode | None:
        """The schema of the values of keys that are not named."""
        return self._inner("additionalProperties")

    def items(self) -> SchemaNode | None:
        """The schema of the items of a list."""
        return self._inner("items")

    def parts(self) -> Iterator[SchemaNode]:
        """The schema, and all that it is composed of: what it refers to, `allOf`, and every alternative. The nearest
        come first."""
        return self._replace(followed=frozenset())._parts()

    def merged(self) -> SchemaNode:
        """The schema with what it refers to and `allOf` merged in; what stands nearer wins. Alternatives stay as they
        are."""
        alone = self._replace(followed=frozenset())
        merged = alone._merged()
        return alone if merged is self.schema else SchemaNode(merged, self.resolve)

    def _parts(self) -> Iterator[SchemaNode]:
        yield self
        if _COMPOSED.isdisjoint(self.schema):
            return
        for group in (self._references(), *self.choices()):
            for node in group:
                yield from node._parts()

    def _merged(self) -> Schema:
        references = () if _COMPOSED.isdisjoint(self.schema) else self._references()
        if not references:
            return self.schema
        merged: dict[str, Any] = {}
        own = {key: value for key, value in self.schema.items() if key not in ("$ref", "allOf")}
        for part in (*(node._merged() for node in references), own):
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", ()), *part.get("required", ())]
            merged = {**merged, **part, "properties": properties, "required": required}
        return merged

    def _references(self) -> list[SchemaNode]:
        referred = self.referred()
        return self.all_of() if referred is None else [referred, *self.all_of()]

    def _listed(self, keyword: str) -> list[SchemaNode]:
        return [self._at(schema, keyword, place) for place, schema in enumerate(self.schema.get(keyword, ()))]

    def _inner(self, keyword: str) -> SchemaNode | None:
        schema = self.schema.get(keyword)
        return self._at(schema, keyword) if isinstance(schema, Mapping) else None

    def _at(self, schema: Any, *path: str | int) -> SchemaNode:
        """A schema within this one. `true` and `false` say nothing of fields."""
        location = self.location + json_pointer.join(path) if self.location else ""
        return SchemaNode(schema if isinstance(schema, Mapping) else _ANYTHING, self.resolve, location, self.followed)


def stated_properties(schema: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every property that a document states anywhere, with its JSON pointer. References are not followed."""
    if not isinstance(schema, Mapping):
        return
    for name, sub in schema.get("properties", {}).items():
        yield json_pointer.child(f"{place}/properties", name), sub
    for keyword in _MAPS:
        for name, sub in schema.get(keyword, {}).items():
            yield from stated_properties(sub, json_pointer.child(f"{place}/{keyword}", name))
    for keyword in _LISTS:
        for number, sub in enumerate(schema.get(keyword, ())):
            yield from stated_properties(sub, f"{place}/{keyword}/{number}")
    for keyword in _SINGLES:
        yield from stated_properties(schema.get(keyword), f"{place}/{keyword}")


def references(document: Any) -> Iterator[str]:
    """Every `$ref` in a document, in order."""
    if isinstance(document, Mapping):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        document = list(document.values())
    if isinstance(document, list):
        for item in document:
            yield from references(item)


def with_references(document: Any, renamed: Callable[[str], str]) -> Any:
    """A copy of a document with every `$ref` written anew."""
    if isinstance(document, list):
        return [with_references(item, renamed) for item in document]
    if not isinstance(document, Mapping):
        return document
    return {
        key: renamed(item) if key == "$ref" and isinstance(item, str) else with_references(item, renamed)
        for key, item in document.items()
    }
