"""Checks the documents of a contract. They must be complete and valid, with a provenance and source for every field.

The same rules hold for the contracts of vendorsim and for those of packs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
from msgspec import Struct

from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import unknown
from vendorsim.core.provenance import PROVENANCES
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit.contract import Contract
from vendorsim.vendorkit.contract_folder import SUFFIX, ContractFolder
from vendorsim.vendorkit.personal import KEYWORD, KINDS
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.schema_walk import references, stated_properties

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXAMPLE_KEYS = frozenset({"provenance", "source", "event", "body"})


class DocumentProblem(Struct, frozen=True):
    """One problem of a document. `place` is its file, followed by `#` and a JSON pointer if there is one."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def contract_problems(vendor: str, profile: Profile, folder: Path) -> Iterator[DocumentProblem]:
    """The problems of the documents of one profile, in `folder`. A schema belongs to an event, or to the operations of
    `openapi.json`."""
    schemas_valid = True
    for event in profile.event_names():
        if not (folder / f"{event}{SUFFIX}").is_file():
            schemas_valid = False
            yield DocumentProblem(str(folder), f"the event {event} has no schema; write {event}{SUFFIX}")
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        for problem in schema_problems(path):
            schemas_valid = False
            yield problem
    if not schemas_valid:
        return
    contract = contracts.contract(vendor, profile.name)
    openapi = folder / "openapi.json"
    operations = openapi.read_text("utf-8") if openapi.is_file() else ""
    for event in sorted(set(contract.events) - set(profile.event_names())):
        if f'"{event}{SUFFIX}"' in operations:
            continue
        message = f"there is no event {event}; add it to Profile.events, or remove the file"
        yield DocumentProblem(str(folder / f"{event}{SUFFIX}"), message)
    examples = set()
    for path in sorted((folder / "examples").glob("*.json")):
        yield from example_problems(path, contract, profile)
        examples.add(path.name.partition(".json")[0])
    for event in profile.event_names():
        if not any(name == event or name.startswith(f"{event}.") for name in examples):
            yield DocumentProblem(str(folder), f"the event {event} has no example; write examples/{event}.json")


def schema_problems(path: Path) -> Iterator[DocumentProblem]:
    """The problems of a schema file. It must be JSON Schema 2020-12, its references must exist, and every property must
    have a provenance and source. `x-personal` of a property must be one of the kinds of personal data."""
    try:
        schema = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        yield DocumentProblem(f"{path}:{error.lineno}:{error.colno}", f"is not JSON: {error.msg}")
        return
    if not isinstance(schema, dict) or schema.get("$schema") != DIALECT:
        yield DocumentProblem(str(path), f'expected a JSON Schema with "$schema": "{DIALECT}"')
        return
    try:
        jsonschema_rs.meta.validate(schema)
    except jsonschema_rs.ValidationError as error:
        yield DocumentProblem(
            f"{path}#{json_pointer.join(error.instance_path)}", f"is not valid JSON Schema: {error.message}"
        )
        return
    properties = list(stated_properties(schema))
    if not properties:
        yield DocumentProblem(str(path), "describes no property; write the fields of the body under 'properties'")
    broken = [reference for reference in dict.fromkeys(references(schema)) if not _can_resolve(reference, path)]
    for reference in broken:
        yield DocumentProblem(str(path), f"refers to {reference}, which is not there")
    for pointer, part in () if broken else properties:
        kind = part.get(KEYWORD) if isinstance(part, dict) else None
        if kind is not None and kind not in KINDS:
            yield DocumentProblem(f"{path}#{pointer}/{KEYWORD}", unknown("kind of personal data", str(kind), KINDS))
        if not is_labelled(resolved(part, schema, path)):
            yield DocumentProblem(
                f"{path}#{pointer}",
                f"does not say where it is known from; add x-provenance ({', '.join(PROVENANCES)}) and x-source",
            )


def _can_resolve(reference: str, path: Path) -> bool:
    """Whether the target of a `$ref` in a file of a contract exists."""
    try:
        ContractFolder(path.parent).resolve(reference if reference[:1] != "#" else path.name + reference)
    except (LookupError, OSError, ValueError):
        return False
    return True


def example_problems(path: Path, contract: Contract, profile: Profile) -> Iterator[DocumentProblem]:
    """The problems of an example. It must have a provenance and source, its body must be valid, and `Profile.identify`
    must recognise the event."""
    try:
        example = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        yield DocumentProblem(f"{path}:{error.lineno}:{error.colno}", f"is not JSON: {error.msg}")
        return
    if not isinstance(example, dict) or set(example) != EXAMPLE_KEYS:
        yield DocumentProblem(str(path), f"expected an object with {', '.join(sorted(EXAMPLE_KEYS))}, and nothing else")
        return
    event, body = example["event"], example["body"]
    if example["provenance"] not in PROVENANCES or not str(example["source"]).strip():
        yield DocumentProblem(str(path), f"expected a provenance ({', '.join(PROVENANCES)}) and a source")
    if event not in contract.events:
        yield DocumentProblem(f"{path}#/event", unknown("event", str(event), contract.events))
        return
    if path.stem != event and not path.stem.startswith(f"{event}."):
        yield DocumentProblem(str(path), f"is an example of {event}; call it {event}.json or {event}.SOMETHING.json")
    for violation in contract.violations(event, body):
        message = f"breaks the schema of {event}: {violation.message}"
        yield DocumentProblem(f"{path}#/body{violation.pointer}", message)
    if event in profile.event_names() and (found := profile.identify(body)) != event:
        yield DocumentProblem(f"{path}#/body", f"Profile.identify takes it for {found}, not for {event}")


def is_labelled(document: Any) -> bool:
    """Whether a part of a document has a provenance and a source."""
    if not isinstance(document, dict):
        return False
    return document.get("x-provenance") in PROVENANCES and bool(str(document.get("x-source", "")).strip())


def resolved(part: Any, document: Any, path: Path | None = None) -> Any:
    """The part itself if it has a provenance and source or no `$ref`, else the target of its `$ref`, resolved in the
    same way.

    References to other files are relative to the file `path`. Raises LookupError, OSError or ValueError for a reference
    whose target does not exist.
    """
    while isinstance(part, dict) and "$ref" in part and not is_labelled(part):
        name, _, pointer = part["$ref"].partition("#")
        if name:
            assert path is not None
            path = path.parent / name
            document = orjson.loads(path.read_bytes())
        part = json_pointer.resolve(document, pointer)
    return part
