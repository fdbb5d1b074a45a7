"""Finds the file and line at which a contract describes a field."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from msgspec import Struct

from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import DocumentError
from vendorsim.core.yaml_nodes import Mapping, Node, Problems, Sequence, read, read_file
from vendorsim.vendorkit.contract_folder import SUFFIX, ContractFolder
from vendorsim.vendorkit.schema_walk import SchemaNode


class ContractPlace(Struct, frozen=True):
    """A line (counted from 1) of a file in the contract's folder."""

    file: str
    line: int


def place(folder: Path, event: str | None, pointer: str) -> ContractPlace:
    """Returns the line that describes the field at a JSON pointer of an event's body, or the nearest parent.

    A finding without an event gets the first line of the OpenAPI document.
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
    """Returns the schema of a property, or of the items if `part` is an index."""
    for schema in node.possible():
        inner = schema.property(part) or (schema.items() if part.isdecimal() else None)
        if inner is not None:
            return inner
    return None


def _line(path: Path, pointer: str) -> int:
    """Returns the line of a key or of a list item; 1 if the document can't be read."""
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
    """Reads a document with line numbers (JSON is valid YAML). Returns None if it can't be read."""
    try:
        return read(read_file(path), Problems(path.name))
    except DocumentError:
        return None
