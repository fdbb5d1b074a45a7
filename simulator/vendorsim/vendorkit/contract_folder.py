"""The folder of a contract: its documents are read here, and references between them are resolved.

`contracts/<vendor>/<profile>/` holds one `<event>.schema.json` per event (JSON Schema 2020-12; shared parts stand in
`objects.schema.json`), `openapi.json`, and `examples/`. Every field says where it is known from, in `x-provenance` and
`x-source`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from vendorsim.core import pointer as json_pointer
from vendorsim.vendorkit.schema_walk import Schema, SchemaNode, with_references

SUFFIX = ".schema.json"
_SHARED = "objects"
Amend = Callable[[str, Any], Any]
"""(file name, document) → the document as it counts for a profile."""


class ContractFolder:
    """The documents of a folder, each read when it is needed. With `amend`, as they count for a profile."""

    def __init__(self, path: Path, amend: Amend | None = None) -> None:
        self.path = path
        self._amend = amend
        self._complete: dict[str, Any] = {}

    @cached_property
    def events(self) -> tuple[str, ...]:
        """The names that have a schema, in alphabetical order."""
        names = (path.name.removesuffix(SUFFIX) for path in self.path.glob(f"*{SUFFIX}"))
        return tuple(sorted(name for name in names if name != _SHARED))

    def read(self, name: str) -> Any:
        """The document in a file of the folder. Raises FileNotFoundError."""
        document = orjson.loads((self.path / name).read_bytes())
        return document if self._amend is None else self._amend(name, document)

    def schemas(self) -> Iterator[tuple[str, Any]]:
        """Every file with a schema: its name and document."""
        for path in sorted(self.path.glob(f"*{SUFFIX}")):
            yield path.name, self.read(path.name)

    def resolve(self, reference: str) -> Schema:
        """The schema that a reference means: `objects.schema.json#/$defs/chat`, or a file name for the whole file.

        References within it name their files, so that each can be resolved from anywhere. Raises FileNotFoundError,
        and LookupError where the file has no such place.
        """
        name, _, pointer = reference.partition("#")
        document = self._complete.get(name)
        if document is None:
            document = with_references(self.read(name), lambda local: name + local if local[:1] == "#" else local)
            self._complete[name] = document
        found: Schema = json_pointer.resolve(document, pointer)
        return found

    def node(self, event: str) -> SchemaNode:
        """The schema of an event's body, to walk through. Raises FileNotFoundError."""
        name = event + SUFFIX
        return SchemaNode(self.resolve(name), self.resolve, f"{name}#")
