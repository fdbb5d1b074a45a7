"""Reads the documents in the folder of a contract, and resolves the references between them.

`contracts/<vendor>/<profile>/` holds one `<event>.schema.json` per event (JSON Schema 2020-12; shared parts are in
`objects.schema.json`), `openapi.json`, and `examples/`. Every field has a provenance and source, in `x-provenance` and
`x-source`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from vendorsim.core import pointer as json_pointer
from vendorsim.vendorkit.schema_walk import Schema, SchemaNode, with_references

SUFFIX = ".schema.json"
_SHARED = "objects"
Amend = Callable[[str, Any], Any]
"""(file name, document) → the document with the changes of a profile."""


class ContractFolder:
    """The documents of a folder, each read when it is needed, and changed by `amend` if that is given; and those of
    `added`, by file name."""

    def __init__(self, path: Path, amend: Amend | None = None, added: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self._amend = amend
        self._added = added or {}
        self._resolvable: dict[str, Any] = {}
        self._resolved: dict[str, Schema] = {}

    @cached_property
    def events(self) -> tuple[str, ...]:
        """The names that have a schema, in alphabetical order."""
        names = (name.removesuffix(SUFFIX) for name in self._names())
        return tuple(sorted(name for name in names if name != _SHARED))

    def read(self, name: str) -> Any:
        """The document in a file of the folder. Raises FileNotFoundError."""
        if name in self._added:
            return self._added[name]
        document = orjson.loads((self.path / name).read_bytes())
        return document if self._amend is None else self._amend(name, document)

    def schemas(self) -> Iterator[tuple[str, Any]]:
        """Every file with a schema: its name and document."""
        for name in self._names():
            yield name, self.read(name)

    def _names(self) -> list[str]:
        return sorted({*self._added, *(path.name for path in self.path.glob(f"*{SUFFIX}"))})

    def resolve(self, reference: str) -> Schema:
        """The schema that a reference refers to: `objects.schema.json#/$defs/chat`, or a file name for the whole file.

        References in that schema name their files, too, so that they can be resolved without knowing its file. Raises
        FileNotFoundError, and LookupError if the file has no such place.
        """
        known = self._resolved.get(reference)
        if known is not None:
            return known
        name, _, pointer = reference.partition("#")
        document = self._resolvable.get(name)
        if document is None:
            document = with_references(self.read(name), lambda local: name + local if local[:1] == "#" else local)
            self._resolvable[name] = document
        found: Schema = json_pointer.resolve(document, pointer)
        self._resolved[reference] = found
        return found

    def node(self, event: str) -> SchemaNode:
        """The schema of an event's body, to walk through. Raises FileNotFoundError."""
        name = event + SUFFIX
        return SchemaNode(self.resolve(name), self.resolve, f"{name}#")
