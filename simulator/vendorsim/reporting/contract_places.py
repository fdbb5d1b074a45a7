"""Where a contract's documents describe a field: file and line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import DocumentError
from vendorsim.core.yaml_nodes import Mapping, Node, Problems, Sequence, read, read_file
from vendorsim.vendorkit.contract_folder import SUFFIX, ContractFolder
from vendorsim.vendorkit.schema_walk import SchemaNode


@dataclass(frozen=True, slots=True)
class ContractPlace:
    """A line (from 1) of a document in the contract's folder."""

    file: str
    line: int


def place(folder: Path, event: str | None, pointer: str) -> ContractPlace:
    """The line that describes the field of an event's body at a JSON pointer, or the nearest one above it.

    Findings without an event are placed at the top of the OpenAPI document.
    """
    if event is None:
        return ContractPlace("openapi.json", 1)
    documents = _documents(folder)
    if event not in documents.events:
        return ContractPlace(event + SUFFIX, 1)
    node = documents.node(event)
    for part in json_pointer.parse(pointer):
        inner = _inner(node, part)
        if inner is None:
            break
        node = inner
    file, _, place_in_file = node.location.partition("#")
    return ContractPlace(file, _line(folder / file, place_in_file))


def _inner(node: SchemaNode, part: str) -> SchemaNode | None:
    """The schema of a property, or of the items where the part is a position."""
    for schema in node.parts():
        inner = schema.property(part) or (schema.items() if part.isdecimal() else None)
        if inner is not None:
            return inner
    return None


def _line(path: Path, pointer: str) -> int:
    """The line of a key, or of a value in a list; the first line where the document can't be read."""
    line, node = 1, _lines(path)
    for part in json_pointer.parse(pointer):
        if isinstance(node, Mapping):
            line, node = next(((key.line, value) for key, value in node.entries if key.text == part), (line, None))
        elif isinstance(node, Sequence):
            node = node.items[int(part)]
            line = node.line
    return line


@cache
def _documents(folder: Path) -> ContractFolder:
    return ContractFolder(folder)


@cache
def _lines(path: Path) -> Node | None:
    """A document with its lines (JSON is YAML, too); None where it can't be read."""
    try:
        return read(read_file(path), Problems(path.name))
    except DocumentError:
        return None
