"""Walks through JSON Schemas; follows `$ref`, `allOf`, `anyOf`, `oneOf` and `if`. Pure.

Two kinds of walks start from a `SchemaNode`:

* along a document (`parts`, `possible`, `merged`, `fitted`): the walk ends with the document, also for recursive
  schemas;
* along the schema alone (`referred`, `all_of`, `choices`, `branches`, `children`): a node knows the references that led
  to it, and `recursive` says that its own reference is one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from vendorsim.core import pointer as json_pointer

Schema = Mapping[str, Any]
Resolve = Callable[[str], Schema]
"""`objects.schema.json#/$defs/chat` → the schema at that place. The references in it name their files, too."""

_ANYTHING: Schema = {}
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "null": type(None),
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "string": str,
    "array": list,
    "object": dict,
}
_MERGED = frozenset({"$ref", "allOf"})
_COMPOSED = _MERGED | {"anyOf", "oneOf"}
_ALTERNATIVES = frozenset({"anyOf", "oneOf", "if"})
# Keywords of JSON Schema whose schemas describe properties. `if` and `not` only test values.
_MAPS = ("properties", "patternProperties", "$defs", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLES = ("items", "additionalProperties", "unevaluatedProperties", "contains", "then", "else")


class SchemaNode(NamedTuple):
    """A schema, and what is needed to follow its references.

    `location` is its file and JSON pointer, such as `objects.schema.json#/$defs/chat`; empty within a schema that was
    merged from several. `followed` are the references that led to it.
    """

    schema: Schema
    resolve: Resolve
    location: str = ""
    followed: frozenset[str] = frozenset()

    @property
    def recursive(self) -> bool:
        """Whether the schema's `$ref` is one of the references that led to it."""
        return self.schema.get("$ref") in self.followed

    def referred(self) -> SchemaNode | None:
        """The schema of `$ref`. None if there is no reference, or a recursive one."""
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
        """For `if`: the schemas that apply if it matches (`if`, `then`), and the one of `else`. None without `if`."""
        if "if" not in self.schema:
            return None
        matched = [self._at(self.schema[key], key) for key in ("if", "then") if key in self.schema]
        return matched, self._at(self.schema.get("else"), "else")

    def children(self) -> Iterator[tuple[str, SchemaNode]]:
        """The fields that the schema itself describes. The items of `prefixItems` have the keys `0`, `1` …; the values
        of an object with any keys, and the items of a list, have the key `*`."""
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
        """The schema itself, then the schemas that it is composed of: its reference, `allOf`, and every alternative."""
        return self._replace(followed=frozenset())._parts()

    def possible(self) -> Iterator[SchemaNode]:
        """All schemas that may describe a value: `parts`, and those of `if`, `then` and `else`."""
        for part in self.parts():
            yield part
            if (branches := part.branches()) is not None:
                matched, otherwise = branches
                for branch in (*matched, otherwise):
                    yield from branch.possible()

    def merged(self) -> SchemaNode:
        """The schema with its reference and `allOf` merged in; its own keywords win. Alternatives are not merged."""
        alone = SchemaNode(self.schema, self.resolve, self.location) if self.followed else self
        if _MERGED.isdisjoint(self.schema):
            return alone
        merged = alone._merged()
        return alone if merged is self.schema else SchemaNode(merged, self.resolve)

    def fitted(self, document: Any) -> SchemaNode:
        """The same as `merged`, with what the first alternative and the branch of `if` say that fit the document: its
        fields, its type and its enum. The alternatives themselves stay, since they say together which fields are
        required."""
        node = self.merged()
        if _ALTERNATIVES.isdisjoint(node.schema):
            return node
        found = [next((each for each in several if each._fits(document)), None) for several in node.choices()]
        branches = node.branches()
        applies: list[SchemaNode] = []
        if branches is not None:
            (test, *then), otherwise = branches
            applies = then if test._fits(document) else [otherwise]
        schema = node.schema
        for inner in (*filter(None, found), *applies):
            other = inner.fitted(document).schema
            properties = {**other.get("properties", {}), **schema.get("properties", {})}
            required = [*schema.get("required", ()), *(other.get("required", ()) if inner in applies else ())]
            schema = {**other, **schema, "properties": properties, "required": required}
        return node if schema is node.schema else SchemaNode(schema, self.resolve)

    def _fits(self, document: Any) -> bool:
        """Whether the schema may be meant for a document: by its type, its constants and, for objects, by its keys and
        what their values are. Not a validation."""
        node = self.merged()
        schema = node.schema
        types = schema.get("type", ())
        names = [types] if isinstance(types, str) else types
        if names and not any(_is_a(document, name) for name in names):
            return False
        if schema.get("const", document) != document or document not in schema.get("enum", (document,)):
            return False
        if not isinstance(document, Mapping):
            return True
        if not document.keys() >= set(schema.get("required", ())):
            return False
        if schema.get("additionalProperties") is False and not document.keys() <= schema.get("properties", {}).keys():
            return False
        return all(inner._fits(document[key]) for key, inner in node.properties() if key in document)

    def _parts(self) -> Iterator[SchemaNode]:
        yield self
        if _COMPOSED.isdisjoint(self.schema):
            return
        for group in (self._references(), *self.choices()):
            for node in group:
                yield from node._parts()

    def _merged(self) -> Schema:
        references = () if _MERGED.isdisjoint(self.schema) else self._references()
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
        return [self._at(schema, keyword, index) for index, schema in enumerate(self.schema.get(keyword, ()))]

    def _inner(self, keyword: str) -> SchemaNode | None:
        schema = self.schema.get(keyword)
        return self._at(schema, keyword) if isinstance(schema, Mapping) else None

    def _at(self, schema: Any, *path: str | int) -> SchemaNode:
        """A schema within this one. `true` and `false` describe no fields and become an empty schema."""
        location = self.location + json_pointer.join(path) if self.location else ""
        return SchemaNode(schema if isinstance(schema, Mapping) else _ANYTHING, self.resolve, location, self.followed)


def _is_a(document: Any, name: str) -> bool:
    """Whether a value is of this type of JSON Schema."""
    if isinstance(document, bool) and name != "boolean":
        return False
    return isinstance(document, _TYPES[name])


def stated_properties(schema: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every property that a schema describes at any level, with its JSON pointer. References are not followed."""
    if not isinstance(schema, Mapping):
        return
    for name, sub in schema.get("properties", {}).items():
        yield json_pointer.child(f"{pointer}/properties", name), sub
    for keyword in _MAPS:
        for name, sub in schema.get(keyword, {}).items():
            yield from stated_properties(sub, json_pointer.child(f"{pointer}/{keyword}", name))
    for keyword in _LISTS:
        for number, sub in enumerate(schema.get(keyword, ())):
            yield from stated_properties(sub, f"{pointer}/{keyword}/{number}")
    for keyword in _SINGLES:
        yield from stated_properties(schema.get(keyword), f"{pointer}/{keyword}")


def references(document: Any) -> Iterator[str]:
    """Every `$ref` in a document, in order."""
    if isinstance(document, Mapping):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        document = list(document.values())
    if isinstance(document, list):
        for item in document:
            yield from references(item)


def with_references(document: Any, rename: Callable[[str], str]) -> Any:
    """A copy of a document in which `rename` has replaced every `$ref`."""
    if isinstance(document, list):
        return [with_references(item, rename) for item in document]
    if not isinstance(document, Mapping):
        return document
    return {
        key: rename(item) if key == "$ref" and isinstance(item, str) else with_references(item, rename)
        for key, item in document.items()
    }
