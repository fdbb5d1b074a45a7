"""The JSON documents of the control API, which are also those of `--json`, from its OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from vendorsim.core import resources

from generator import report_schemas
from generator.markdown import cell, code, table

_START = """\
# JSON documents

What `vendorsim check --json` and `vendorsim play --json` print, and what the
[control API](../workbench.md#the-control-api) takes and returns. Its documents are those of `--json` on the
command line: `vendorsim journal list --json` prints a list of `Attempt` and `Call`.
[Editors](../editors.md#reports) says where the schemas of reports are; those of the control API are in
`contracts/control/openapi.json`.
"""
_PLAY = """\
## Lines of play

`vendorsim play --json` prints one document per line, as it happens; `type` tells which. The last one is the summary.
"""


def page() -> str:
    """All schemas as tables, but for pages of lists, which all have `items` and `next`."""
    document = json.loads((resources.contracts() / "control" / "openapi.json").read_bytes())
    lines = [_START, "## Report of check", "", *_described(report_schemas.check_report()), ""]
    lines += ["### Finding", "", *_described(report_schemas.FINDING), "", _PLAY]
    for name, schema in report_schemas.LINES.items():
        lines += [f"### {name}", "", *_described(schema), ""]
    lines += ["## Report of drift", "", *_described(report_schemas.drift_report()), ""]
    lines += ["### Finding of drift", "", *_described(report_schemas.DRIFT_FINDING), ""]
    for name, schema in sorted(document["components"]["schemas"].items()):
        if not name.endswith("Page"):
            lines += [f"## {name}", "", *_described(schema)]
    lines += ["## Operations", ""]
    rows = [
        (code(f"{method.upper()} {path}"), cell(operation.get("summary") or operation.get("description", "")))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
    lines += table("request", "does", rows=rows)
    return "\n".join(lines)


def _described(schema: dict[str, Any]) -> list[str]:
    lines = [cell(schema["description"]), ""] if "description" in schema else []
    fields: dict[str, Any] = {}
    for part in (*schema.get("allOf", ()), schema):
        if "$ref" in part:
            lines += [f"All of {_type(part)}, and:", ""]
        fields |= part.get("properties", {})
    if not fields:
        return [*lines, f"It is {_type(schema)}.", ""]
    required = set(schema.get("required", fields if "allOf" in schema else ()))
    rows = [
        (code(name) + ("" if name in required else " (optional)"), _type(field), cell(field.get("description", "")))
        for name, field in fields.items()
    ]
    return [*lines, *table("key", "type", "meaning", rows=rows)]


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if not name.endswith("Page") else name
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(json.dumps(value)) for value in schema["enum"])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(map(_type, schema[key]))
    kinds = schema.get("type", "any value")
    kinds = " or ".join([kinds] if isinstance(kinds, str) else kinds)
    if "items" in schema and "array" in kinds:
        return kinds.replace("array", f"list of {_type(schema['items'])}")
    return kinds
