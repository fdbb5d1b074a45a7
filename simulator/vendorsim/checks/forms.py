"""Other forms of a body that its contract allows, and ways to break it. Pure functions over documents and schemas.

An edit is a JSON path and what happens there; edits can be applied one by one, which is how the field that makes an
integration fall over is found.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vendorsim.core import pointer as json_pointer
from vendorsim.core.pointer import Path

Resolve = Callable[[str], Mapping[str, Any]]
REMOVED = object()


@dataclass(frozen=True, slots=True)
class Edit:
    """A value for a place in a document; REMOVED takes the key away."""

    path: Path
    value: Any

    @property
    def pointer(self) -> str:
        return json_pointer.join(self.path)


def applied(document: Any, edits: Iterable[Edit]) -> Any:
    """A copy of the document with the edits made; the deepest first, so that none loses its place."""
    made = copy.deepcopy(document)
    for edit in sorted(edits, key=lambda edit: -len(edit.path)):
        holder = made
        for part in edit.path[:-1]:
            holder = holder[part]
        if edit.value is REMOVED:
            holder.pop(edit.path[-1], None)
        else:
            holder[edit.path[-1]] = edit.value
    return made


@dataclass(frozen=True, slots=True)
class Place:
    """One field of a document and what its contract says of it."""

    path: Path
    value: Any
    schema: Mapping[str, Any]
    required: bool

    @property
    def nullable(self) -> bool:
        types = self.schema.get("type")
        return "null" in types if isinstance(types, list) else types == "null"

    @property
    def choices(self) -> tuple[Any, ...]:
        return tuple(self.schema.get("enum", ()))

    @property
    def constant(self) -> bool:
        return "const" in self.schema


def places(document: Any, schema: Mapping[str, Any], resolve: Resolve, path: Path = ()) -> Iterator[Place]:
    """Every field of a document that its contract knows, outer ones first."""
    schema = flattened(schema, resolve)
    if isinstance(document, dict):
        properties = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        for key, value in document.items():
            inner = properties.get(key, rest if isinstance(rest, Mapping) else None)
            if inner is None:
                continue
            inner = flattened(inner, resolve)
            yield Place((*path, key), value, inner, key in schema.get("required", ()))
            yield from places(value, inner, resolve, (*path, key))
    elif isinstance(document, list) and isinstance(schema.get("items"), Mapping):
        for index, item in enumerate(document):
            yield from places(item, schema["items"], resolve, (*path, index))


def flattened(schema: Mapping[str, Any], resolve: Resolve) -> Mapping[str, Any]:
    """A schema with its references and `allOf` merged in; what stands nearer wins."""
    parts = [resolve(schema["$ref"])] if "$ref" in schema else []
    parts += schema.get("allOf", [])
    if not parts:
        return schema
    merged: dict[str, Any] = {}
    for part in [*(flattened(part, resolve) for part in parts), {k: v for k, v in schema.items() if k != "$ref"}]:
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", ()), *part.get("required", ())]
        merged = {**merged, **part, "properties": properties, "required": required}
    return merged


def minimal(document: Any, schema: Mapping[str, Any], resolve: Resolve) -> list[Edit]:
    """Optional fields gone, nulls where they are allowed."""
    edits: list[Edit] = []
    gone: list[Path] = []
    for place in places(document, schema, resolve):
        if any(place.path[: len(path)] == path for path in gone):
            continue
        if not place.required:
            edits.append(Edit(place.path, REMOVED))
            gone.append(place.path)
        elif place.nullable and place.value is not None:
            edits.append(Edit(place.path, None))
            gone.append(place.path)
    return edits


def absent(document: Any, schema: Mapping[str, Any], resolve: Resolve) -> list[Edit]:
    """Optional fields gone."""
    return [edit for edit in minimal(document, schema, resolve) if edit.value is REMOVED]


def maximal(document: Any, schema: Mapping[str, Any], resolve: Resolve) -> list[Edit]:
    """Optional fields that are not there, and nulls that may be something, filled with plausible values."""
    edits = [
        Edit(place.path, filler)
        for place in places(document, schema, resolve)
        if place.value is None and (filler := _filler(place.schema, resolve)) is not None
    ]
    for path, inner in _objects(document, schema, resolve, ()):
        holder = _at(document, path)
        for key, described in inner.get("properties", {}).items():
            if key not in holder and (filler := _filler(flattened(described, resolve), resolve)) is not None:
                edits.append(Edit((*path, key), filler))
    return edits


def _objects(
    document: Any, schema: Mapping[str, Any], resolve: Resolve, path: Path
) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if isinstance(document, dict):
        yield path, flattened(schema, resolve)
    for place in places(document, schema, resolve, path):
        if isinstance(place.value, dict):
            yield place.path, place.schema


def _at(document: Any, path: Path) -> Any:
    for part in path:
        document = document[part]
    return document


def _filler(schema: Mapping[str, Any], resolve: Resolve) -> Any:
    """A plausible value of a schema, or None where none is obvious."""
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
        filled = {key: _filler(flattened(inner, resolve), resolve) for key, inner in schema["properties"].items()}
        return filled if None not in filled.values() else None
    plain: dict[str, Any] = {"integer": max(1, schema.get("minimum", 1)), "number": 1.5, "boolean": True}
    return plain.get(kind or "")


def unknown_fields(document: Any, path: Path = ()) -> list[Edit]:
    """A field that nobody knows, in every object."""
    edits: list[Edit] = []
    if isinstance(document, dict):
        edits.append(Edit((*path, "vendorsim_unknown_field"), {"added": ["by", "a", "later", "version"]}))
        for key, value in document.items():
            edits += unknown_fields(value, (*path, key))
    elif isinstance(document, list):
        for index, item in enumerate(document):
            edits += unknown_fields(item, (*path, index))
    return edits


def unknown_values(document: Any, schema: Mapping[str, Any], resolve: Resolve) -> list[Edit]:
    """Another value for every field that is one of a few."""
    return [
        Edit(place.path, "vendorsim_unknown_value")
        for place in places(document, schema, resolve)
        if place.choices and not place.constant and isinstance(place.value, str)
    ]


def missing(document: Any, schema: Mapping[str, Any], resolve: Resolve) -> list[Edit]:
    """Each required field gone, one edit a field."""
    return [Edit(place.path, REMOVED) for place in places(document, schema, resolve) if place.required]


def wrong_types(document: Any, schema: Mapping[str, Any], resolve: Resolve) -> list[Edit]:
    """Each field with a value of another type, one edit a field."""
    edits: list[Edit] = []
    for place in places(document, schema, resolve):
        wrong: Any = {"wrong": "type"} if not isinstance(place.value, dict) else "wrong type"
        edits.append(Edit(place.path, wrong))
    return edits


def reordered(document: Any) -> Any:
    """The same document with the keys of every object in the opposite order."""
    if isinstance(document, dict):
        return {key: reordered(value) for key, value in reversed(document.items())}
    return [reordered(item) for item in document] if isinstance(document, list) else document


def texts(document: Any, schema: Mapping[str, Any], resolve: Resolve) -> list[Path]:
    """The fields that hold free text: people's words and names, no codes, dates, addresses or ids."""
    found: list[Path] = []
    for place in places(document, schema, resolve):
        free = not (place.choices or place.constant or "pattern" in place.schema or "format" in place.schema)
        if free and isinstance(place.value, str) and place.path[-1] in FREE_TEXT:
            found.append(place.path)
    return found


# The names under which the vendors' bodies carry what people write.
FREE_TEXT = frozenset({"content", "message", "text", "test", "name", "title", "note", "feedback_message", "ratingDesc"})
