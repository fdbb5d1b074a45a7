"""Changes the contract of 4.18 into the one of an older version, by the annotations in its documents.

`x-since` beside a property, an event or a list item: the first version that has it. `x-values-since` beside an `enum`:
the same for single values. `x-until` in an object: by version, what its schema had before that version. A property that
came later is forbidden: a body that has it is of another version.
"""

from __future__ import annotations

from typing import Any

from vendorsim.vendors.messagehub.observed.versions import Version, release

SINCE, UNTIL, VALUES_SINCE = "x-since", "x-until", "x-values-since"


def amended(version: Version, file_name: str, document: Any) -> Any:
    """The document of 4.18, changed for an older version."""
    if isinstance(document, list):
        return [amended(version, file_name, item) for item in document if not _later(item, version)]
    if not isinstance(document, dict):
        return document
    if isinstance(document.get("properties"), dict):
        document = _object(document, version)
    if VALUES_SINCE in document:
        later = {value for value, since in document[VALUES_SINCE].items() if version < release(since)}
        document = {**document, "enum": [value for value in document["enum"] if value not in later]}
    kept = {key: value for key, value in document.items() if not _later(value, version)}
    return {key: amended(version, file_name, value) for key, value in kept.items()}


def _object(schema: dict[str, Any], version: Version) -> dict[str, Any]:
    """The schema of an object without later properties, and with those that were removed later."""
    properties: dict[str, Any] = schema["properties"]
    required: list[str] = schema.get("required", [])
    had: dict[str, Any] = {}
    needed: list[str] = []
    for until, former in schema.get(UNTIL, {}).items():
        if version < release(until):
            had |= former["properties"]
            needed += former["required"]
    gone = [name for name, inner in properties.items() if _later(inner, version)]
    kept = {name: inner for name, inner in properties.items() if name not in gone}
    made = {key: value for key, value in schema.items() if key not in (UNTIL, "propertyNames")}
    made["properties"] = {**kept, **had}
    made["required"] = [name for name in required if name not in gone] + needed
    absent = [name for name in never(schema) if name not in had] + gone
    return made | {"propertyNames": {"not": {"enum": absent}}} if absent else made


def never(schema: dict[str, Any]) -> list[str]:
    """The properties that the schema of an object forbids."""
    names: list[str] = schema.get("propertyNames", {}).get("not", {}).get("enum", [])
    return names


def _later(value: Any, version: Version) -> bool:
    """Whether the version lacks what this schema, event or list item describes."""
    since = value.get(SINCE) if isinstance(value, dict) else None
    return isinstance(since, str) and version < release(since)
