"""The contracts: found, loaded, compiled once, and asked whether a body keeps them.

`contracts/<vendor>/<profile>/` holds one `<event>.schema.json` per event (JSON Schema 2020-12; shared
parts stand in `objects.schema.json`), `openapi.json`, and `examples/`. Every field says where it is
known from, in `x-provenance` and `x-source`.

jsonschema-rs judges on the hot path; `jsonschema` is the reference that a test holds it to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import orjson

from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import ContractError, UnknownNameError
from vendorsim.vendorkit import registry

if TYPE_CHECKING:
    import jsonschema

# Only a name for the validators to resolve relative references against; nothing is ever fetched.
_BASE = "https://contracts.invalid/"
SUFFIX = ".schema.json"
Amend = Callable[[str, Any], Any]
"""(file name, document) → the document as it counts for this profile."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing in a body that breaks the contract; `pointer` is a JSON pointer ("" is the whole body)."""

    pointer: str
    message: str


class Contract:
    """The contract of one vendor and profile."""

    def __init__(
        self,
        vendor: str,
        profile: str,
        folder: Path,
        amend: Amend | None = None,
        events: Collection[str] | None = None,
    ) -> None:
        """`amend` changes the folder's documents for this profile, which has `events` only (None means all)."""
        self.vendor = vendor
        self.profile = profile
        self.folder = folder
        self._amend = amend
        self._events = events
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    @property
    def events(self) -> tuple[str, ...]:
        """The events that have a schema."""
        names = (path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}"))
        return tuple(
            sorted(name for name in names if name != "objects" and (self._events is None or name in self._events))
        )

    def schema(self, event: str) -> dict[str, Any]:
        """The JSON Schema of an event's body. Raises UnknownNameError."""
        path = self.folder / f"{event}{SUFFIX}"
        if event not in self.events:
            raise UnknownNameError(f"event of {self.vendor}", event, self.events)
        return self._read(path)

    @property
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of the profile."""
        return self._read(self.folder / "openapi.json")

    def is_valid(self, event: str, body: Any) -> bool:
        """Whether a body keeps the contract. Fast."""
        validator = self._validators.get(event) or self._validator(event)
        return validator.is_valid(body)

    def violations(self, event: str, body: Any) -> list[Violation]:
        """Everything in a body that breaks the contract, in the order of the body."""
        errors = self._validator(event).iter_errors(body)
        return [Violation(json_pointer.join(error.instance_path), _bounded(error.message)) for error in errors]

    def resolve(self, reference: str) -> dict[str, Any]:
        """The schema that a reference of this contract means (`objects.schema.json#/$defs/chat`, or a file whole).

        References within it name their file, so that each can be followed from anywhere.
        """
        name, _, pointer = reference.partition("#")
        found: dict[str, Any] = json_pointer.resolve(self._document(name), pointer)
        return found

    @cache  # noqa: B019 (contracts are few and live as long as the program)
    def _document(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = _with_file_names(self._read(self.folder / name), name)
        return document

    def require(self, event: str, body: Any) -> None:
        """Raises ContractError when our own body breaks the contract; the message names the field."""
        if self.is_valid(event, body):
            return
        first = self.violations(event, body)[0]
        raise ContractError(
            f"internal error: the {self.vendor} body of {event} breaks its contract at "
            f"'{first.pointer or '/'}': {first.message}. Nothing was sent; please report this."
        )

    def reference(self, event: str) -> jsonschema.Draft202012Validator:
        """The same judgement by `jsonschema`, slow and thorough."""
        import jsonschema
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT202012

        resources = [
            (_BASE + name, Resource.from_contents(content, default_specification=DRAFT202012))
            for name, content in self._documents()
        ]
        schema = {"$ref": f"{_BASE}{event}{SUFFIX}"}
        return jsonschema.Draft202012Validator(schema, registry=Registry().with_resources(resources))

    def _validator(self, event: str) -> jsonschema_rs.Draft202012Validator:
        validator = self._validators.get(event)
        if validator is None:
            self.schema(event)
            registry = jsonschema_rs.Registry([(_BASE + name, content) for name, content in self._documents()])
            validator = jsonschema_rs.Draft202012Validator(
                self.schema(event), registry=registry, base_uri=f"{_BASE}{event}{SUFFIX}", validate_formats=False
            )
            self._validators[event] = validator
        return validator

    def _documents(self) -> Iterator[tuple[str, Any]]:
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            yield path.name, self._read(path)

    def _read(self, path: Path) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(path.read_bytes())
        return document if self._amend is None else self._amend(path.name, document)


@cache
def contract(vendor: str, profile: str) -> Contract:
    """The contract of a vendor's profile. Raises UnknownNameError."""
    known = registry.get(vendor)
    chosen = known.profile(profile)
    events = None if chosen.amend is None else chosen.event_names()
    return Contract(vendor, profile, known.contracts() / (chosen.contract or chosen.name), chosen.amend, events)


def _with_file_names(value: Any, name: str) -> Any:
    """The same document with `#/…` references written as `name#/…`."""
    if isinstance(value, dict):
        made = {key: _with_file_names(item, name) for key, item in value.items()}
        reference = made.get("$ref")
        return made | {"$ref": name + reference} if isinstance(reference, str) and reference[:1] == "#" else made
    return [_with_file_names(item, name) for item in value] if isinstance(value, list) else value


def _bounded(message: str) -> str:
    return message if len(message) <= 300 else message[:297] + "..."
