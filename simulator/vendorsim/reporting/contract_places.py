"""Where a contract's documents speak of a field: file and line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import DocumentError
from vendorsim.core.yaml_nodes import Mapping, Node, Problems, Scalar, Sequence, read, read_file
from vendorsim.vendorkit.contract import SUFFIX

_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class ContractPlace:
    """A line (from 1) of a document in the contract's folder."""

    file: str
    line: int


def place(folder: Path, event: str | None, pointer: str) -> ContractPlace:
    """The line that describes the field of an event's body at a JSON pointer, or the nearest one above it.

    What is about no event is placed at the top of the OpenAPI document.
    """
    name = f"{event}{SUFFIX}" if event is not None else "openapi.json"
    schema = _document(folder, name)
    found = ContractPlace(name, 1)
    if event is None or schema is None:
        return found
    here = [(name, schema)]
    for part in json_pointer.parse(pointer):
        step = _inner(folder, here, part)
        if step is None:
            break
        found, file, inner = step
        here = _parts(folder, file, inner)
    return found


def _inner(folder: Path, schemas: list[tuple[str, Node]], part: str) -> tuple[ContractPlace, str, Node] | None:
    """The schema of a property or of the items, and the line where it begins."""
    for file, schema in schemas:
        for file_of_part, node in _parts(folder, file, schema):
            properties = _get(node, "properties")
            for key, value in properties.entries if isinstance(properties, Mapping) else ():
                if key.text == part:
                    return ContractPlace(file_of_part, key.line), file_of_part, value
            items = _get(node, "items")
            if part.isdecimal() and isinstance(items, Mapping):
                return ContractPlace(file_of_part, items.line), file_of_part, items
    return None


def _parts(folder: Path, file: str, schema: Node, depth: int = 0) -> list[tuple[str, Node]]:
    """A schema with those that it refers to, the nearest first."""
    found = [(file, schema)]
    if depth > _DEEPEST:
        return found
    reference = _get(schema, "$ref")
    if isinstance(reference, Scalar):
        name, _, pointer = reference.text.partition("#")
        target = _at(_document(folder, name or file), pointer)
        found += _parts(folder, name or file, target, depth + 1) if target is not None else []
    for key in ("allOf", "anyOf", "oneOf"):
        several = _get(schema, key)
        for item in several.items if isinstance(several, Sequence) else ():
            found += _parts(folder, file, item, depth + 1)
    return found


def _at(node: Node | None, pointer: str) -> Node | None:
    for part in json_pointer.parse(pointer):
        node = _get(node, part)
    return node


def _get(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, Mapping) else None


@cache
def _document(folder: Path, name: str) -> Node | None:
    """A document with its lines (JSON is YAML, too); None where there is none that can be read."""
    path = folder / name
    try:
        return read(read_file(path), Problems(name)) if path.is_file() else None
    except DocumentError:
        return None
