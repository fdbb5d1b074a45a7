"""The contract of a profile as one JSON Schema with a name for each type, for generators of types. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from vendorsim.core import pointer as json_pointer
from vendorsim.vendorkit.contract import Contract
from vendorsim.vendorkit.contract_folder import SUFFIX
from vendorsim.vendorkit.schema_walk import Schema

# The name of the type that is any of the events.
ANY_EVENT = "AnyEvent"
# Keywords that types can't express, or that would only make names of types.
_LEFT_OUT = frozenset(
    (
        *("$schema", "title", "examples", "default", "$defs"),
        *("if", "then", "else", "not", "propertyNames"),
        *("minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern"),
        *("minimum", "maximum", "minProperties", "maxProperties"),
    )
)
# Keywords that say which values are meant; a schema without one allows any value.
_SHAPE = frozenset({"type", "const", "enum", "properties", "required", "items", "allOf", "anyOf", "oneOf", "format"})
_CHOICES = frozenset({"anyOf", "oneOf", "allOf"})
_ANY = ["string", "number", "boolean", "object", "array", "null"]
# Keywords whose values are schemas by the names of properties.
_MAPS = frozenset({"properties", "patternProperties"})


def type_schema(contract: Contract, events: Sequence[str]) -> dict[str, Any]:
    """Returns the schema of any of these events of the contract. `$defs` holds a type for each event and each shared
    object.

    Descriptions end with the provenance of the field. References inside an object are replaced by what they refer to.
    """
    return _Bundle(contract, events).document()


class _Bundle:
    def __init__(self, contract: Contract, events: Sequence[str]) -> None:
        self._contract = contract
        self._events = events
        self._folder = contract.documents
        self._types: dict[str, Any] = {}
        # By reference: the name of its type.
        self._names: dict[str, str] = {}

    def document(self) -> dict[str, Any]:
        # Events have their names first.
        names = [self._name(event + SUFFIX, event) for event in self._events]
        for event, name in zip(self._events, names, strict=True):
            self._types[name] = self._resolved(event + SUFFIX, name)
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": ANY_EVENT,
            "description": f"Any event of {self._contract.vendor} ({self._contract.profile}).",
            "anyOf": [{"$ref": f"#/$defs/{name}"} for name in names],
            "$defs": dict(sorted(self._types.items())),
        }

    def _name(self, reference: str, wanted: str) -> str:
        """Gives the type a name that no other has: `message_created` is MessageCreated."""
        name = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", wanted))
        name = name if name[:1].isalpha() else f"Type{name}"
        while name == ANY_EVENT or name in self._names.values():
            name += "Object"
        self._names[reference] = name
        return name

    def _resolved(self, reference: str, title: str | None = None) -> dict[str, Any]:
        converted = self._converted(self._folder.resolve(reference))
        return converted if title is None else {"title": title, **converted}

    def _converted(self, schema: Any) -> Any:
        if isinstance(schema, list):
            return [self._converted(item) for item in schema]
        if not isinstance(schema, Mapping):
            return schema
        schema = self._flat(schema)
        found: dict[str, Any] = {}
        for key, value in schema.items():
            if key in _LEFT_OUT or key.startswith("x-") or isinstance(value, bool):
                continue
            if key in _MAPS:
                found[key] = {name: self._converted(item) for name, item in value.items()}
            elif key != "$ref":
                found[key] = value if key in ("const", "enum", "required") else self._converted(value)
        reference = schema.get("$ref")
        if reference is not None:
            # With a description beside it, generators make a second type of the same shape.
            return self._referred(reference)
        if not _SHAPE & found.keys():
            found["type"] = _ANY
        if (provenance := schema.get("x-provenance")) is not None:
            found["description"] = f"{schema.get('description', '')} ({provenance})".strip()
        return found

    def _flat(self, schema: Schema) -> Schema:
        """Returns an object that others describe too, by `allOf` or by a reference beside its keywords, as one schema:
        the types of Python can't narrow an inherited field. Other schemas are returned unchanged."""
        reference = schema.get("$ref")
        others = list(schema.get("allOf", ()))
        if reference is not None and _SHAPE & schema.keys():
            others.append({"$ref": reference})
        parts = [self._flat(self._folder.resolve(part["$ref"]) if "$ref" in part else part) for part in others]
        if not parts or any("properties" not in part or _CHOICES & part.keys() for part in parts):
            return schema
        own = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        merged: dict[str, Any] = {}
        for part in (*parts, own):
            properties = {**merged.get("properties", {})}
            for name, field in part.get("properties", {}).items():
                # The later part is the narrower one.
                properties[name] = {**properties.get(name, {}), **field}
            required = dict.fromkeys((*merged.get("required", ()), *part.get("required", ())))
            merged = {**merged, **part, "properties": properties, "required": list(required)}
        return merged

    def _referred(self, reference: str) -> dict[str, Any]:
        """Returns a reference to the type, or the schema itself where that is a part of another one."""
        file, _, pointer = reference.partition("#")
        parts = json_pointer.parse(pointer)
        if not (len(parts) == 2 and parts[0] == "$defs") and parts:
            return self._resolved(reference)
        name = self._names.get(reference)
        if name is None:
            name = self._name(reference, parts[1] if parts else file.removesuffix(SUFFIX))
            self._types[name] = {}  # It may refer to itself.
            self._types[name] = self._resolved(reference, name)
        return {"$ref": f"#/$defs/{name}"}
