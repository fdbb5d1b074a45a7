"""Valid and invalid variants of a body. Pure functions over documents and schemas.

A variant is a list of edits. A check applies them one by one to find the field that an integration can't handle.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import orjson
from msgspec import Struct

from vendorsim.core import pointer as json_pointer
from vendorsim.core.pointer import Path
from vendorsim.vendorkit.schema_walk import SchemaNode

REMOVED = object()
# Characters of a value in the description of an edit.
SHOWN = 40


class BodyEdit(Struct, frozen=True):
    """A new value at a path of a document; `REMOVED` removes the key."""

    path: Path
    value: Any

    @property
    def pointer(self) -> str:
        return json_pointer.join(self.path)

    @property
    def what(self) -> str:
        """The edit in a few words: `without /status`, `with /status null`."""
        if self.value is REMOVED:
            return f"without {self.pointer}"
        if self.value is None or isinstance(self.value, str | bool | int):
            shown = orjson.dumps(self.value).decode()
            return f"with {self.pointer} {shown if len(shown) <= SHOWN else shown[:SHOWN] + '…'}"
        return f"with {self.pointer}"


def applied(document: Any, edits: Iterable[BodyEdit]) -> Any:
    """Returns a document with the edits applied, deepest first, so that every path still exists. The document itself
    stays as it is; parts that no edit touches are shared with it.

    Raises KeyError, IndexError or TypeError if a path doesn't exist in the document.
    """
    result = [document]
    copied: dict[int, Any] = {}  # The containers that are copies already; what no edit touches is shared.
    for edit in sorted(edits, key=lambda edit: -len(edit.path)):
        holder: Any = result
        for part in (0, *edit.path[:-1]):
            inner = holder[part]
            if id(inner) not in copied:
                inner = holder[part] = copy.copy(inner)
                copied[id(inner)] = inner
            holder = inner
        if edit.value is REMOVED:
            holder.pop(edit.path[-1], None)
        else:
            holder[edit.path[-1]] = edit.value
    return result[0]


class DocumentField(Struct, frozen=True):
    """One field of a document, with its schema. `definition` identifies the part of the contract that describes it:
    fields of several events that refer to one object share it."""

    path: Path
    value: Any
    node: SchemaNode
    required: bool
    definition: int

    @property
    def nullable(self) -> bool:
        types = [self.node.schema.get("type")]
        types += [each.merged().schema.get("type") for several in self.node.choices() for each in several]
        return any("null" in each if isinstance(each, list) else each == "null" for each in types)

    @property
    def choices(self) -> tuple[Any, ...]:
        return tuple(self.node.schema.get("enum", ()))

    @property
    def constant(self) -> bool:
        return "const" in self.node.schema


def fields(document: Any, node: SchemaNode, path: Path = ()) -> Iterator[DocumentField]:
    """Yields every field of a document that its schema describes, outer fields first."""
    return _fields(document, node.fitted(document), path)


def _fields(document: Any, fitted: SchemaNode, path: Path) -> Iterator[DocumentField]:
    if isinstance(document, dict):
        required = _required(document, fitted)
        for key, value in document.items():
            described = fitted.property(key) or fitted.values()
            if described is None:
                continue
            inner = described.fitted(value)
            yield DocumentField((*path, key), value, inner, key in required, definition(described))
            if isinstance(value, dict | list):
                yield from _fields(value, inner, (*path, key))
    elif isinstance(document, list) and (items := fitted.items()) is not None:
        for index, item in enumerate(document):
            yield from _fields(item, items.fitted(item), (*path, index))


def _required(document: Mapping[str, Any], node: SchemaNode) -> set[str]:
    """Returns the keys that an object must keep. Of alternatives (`anyOf`: this key or that one), it must keep what all
    those ask for that it meets."""
    required = set(node.schema.get("required", ()))
    for alternatives in node.choices():
        asked = [set(each.merged().schema.get("required", ())) for each in alternatives]
        met = [keys for keys in asked if keys <= document.keys()]
        if met:
            required |= set.intersection(*met)
    return required


def definition(node: SchemaNode) -> int:
    """Returns the identity of a schema, after following references. Valid while its contract is loaded."""
    while (referred := node.referred()) is not None:
        node = referred
    return id(node.schema)


def minimal(document: Any, node: SchemaNode) -> list[BodyEdit]:
    """Returns edits that remove optional fields and set required nullable ones to null."""
    edits: list[BodyEdit] = []
    edited: list[Path] = []
    for field in fields(document, node):
        if any(field.path[: len(path)] == path for path in edited):
            continue
        if not field.required:
            edits.append(BodyEdit(field.path, REMOVED))
            edited.append(field.path)
        elif field.nullable and field.value is not None:
            edits.append(BodyEdit(field.path, None))
            edited.append(field.path)
    return edits


def absent(document: Any, node: SchemaNode) -> list[BodyEdit]:
    """Returns edits that remove optional fields."""
    return [edit for edit in minimal(document, node) if edit.value is REMOVED]


def maximal(document: Any, node: SchemaNode, examples: Mapping[int, Any] = MappingProxyType({})) -> list[BodyEdit]:
    """Returns edits that set missing optional fields, null fields and empty lists to plausible values: to the example
    of their definition, if `examples` has one."""
    known = list(fields(document, node))
    edits = [
        BodyEdit(field.path, filler)
        for field in known
        if field.value is None and (filler := examples.get(field.definition, _filler(field.node))) is not None
    ]
    edits += [
        BodyEdit(field.path, examples[field.definition])
        for field in known
        if field.value == [] and examples.get(field.definition)
    ]
    for path, holder, described in _objects(document, node):
        for key, inner in described.properties():
            if key not in holder and (filler := examples.get(definition(inner), _filler(inner))) is not None:
                edits.append(BodyEdit((*path, key), filler))
    return edits


def _objects(document: Any, node: SchemaNode, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any], SchemaNode]]:
    """Yields every object of a document with its merged schema, outer ones first."""
    node = node.fitted(document)
    if isinstance(document, dict):
        yield path, document, node
        for key, value in document.items():
            if (described := node.property(key) or node.values()) is not None:
                yield from _objects(value, described, (*path, key))
    elif isinstance(document, list) and (items := node.items()) is not None:
        for index, item in enumerate(document):
            yield from _objects(item, items, (*path, index))


def examples_of(documents: Iterable[tuple[Any, SchemaNode]]) -> dict[int, Any]:
    """Returns a value that occurs in one of the documents for each definition, with as much in it as possible."""
    found: dict[int, Any] = {}
    for document, node in documents:
        for field in fields(document, node):
            known = found.get(field.definition)
            if field.value is not None and (known is None or _size(field.value) > _size(known)):
                found[field.definition] = field.value
    return found


def _size(value: Any) -> int:
    return len(value) if isinstance(value, dict | list | str) else 1


def _filler(node: SchemaNode) -> Any:
    """Returns a plausible value for a schema, or None if none is obvious."""
    node = node.merged()
    schema = node.schema
    if "const" in schema:
        return schema["const"]
    choices = [value for value in schema.get("enum", ()) if value is not None]
    if choices:
        return choices[0]
    types = schema.get("type")
    kind = next((t for t in types if t != "null"), None) if isinstance(types, list) else types
    if kind == "string":
        return None if "pattern" in schema or "format" in schema else "text"
    if kind == "object" and schema.get("properties"):
        filled = {key: _filler(inner) for key, inner in node.properties()}
        return filled if None not in filled.values() else None
    plain: dict[str, Any] = {"integer": max(1, schema.get("minimum", 1)), "number": 1.5, "boolean": True}
    return plain.get(kind or "")


def unknown_fields(document: Any, path: Path = ()) -> list[BodyEdit]:
    """Returns edits that add an unknown field to every object."""
    edits: list[BodyEdit] = []
    if isinstance(document, dict):
        edits.append(BodyEdit((*path, "vendorsim_unknown_field"), {"added": ["by", "a", "later", "version"]}))
        for key, value in document.items():
            edits += unknown_fields(value, (*path, key))
    elif isinstance(document, list):
        for index, item in enumerate(document):
            edits += unknown_fields(item, (*path, index))
    return edits


def unknown_values(document: Any, node: SchemaNode) -> list[BodyEdit]:
    """Returns edits that set every field with an enum to an unknown value."""
    return [
        BodyEdit(field.path, "vendorsim_unknown_value")
        for field in fields(document, node)
        if field.choices and not field.constant and isinstance(field.value, str)
    ]


def missing(document: Any, node: SchemaNode) -> list[BodyEdit]:
    """Returns edits that each remove one required field."""
    return [BodyEdit(field.path, REMOVED) for field in fields(document, node) if field.required]


def wrong_types(document: Any, node: SchemaNode) -> list[BodyEdit]:
    """Returns edits that each set one field to a value of another type."""
    edits: list[BodyEdit] = []
    for field in fields(document, node):
        wrong: Any = {"wrong": "type"} if not isinstance(field.value, dict) else "wrong type"
        edits.append(BodyEdit(field.path, wrong))
    return edits


def reordered(document: Any) -> Any:
    """Returns the document with the keys of every object in reverse order."""
    if isinstance(document, dict):
        return {key: reordered(value) for key, value in reversed(document.items())}
    return [reordered(item) for item in document] if isinstance(document, list) else document


def texts(document: Any, node: SchemaNode, names: Collection[str]) -> list[Path]:
    """Returns the paths of fields with one of these names that hold free text: no enum, pattern or format."""
    found: list[Path] = []
    for field in fields(document, node):
        free = not (field.choices or field.constant or "pattern" in field.node.schema or "format" in field.node.schema)
        if free and isinstance(field.value, str) and field.path[-1] in names:
            found.append(field.path)
    return found
