"""The contract of a vendor's profile: its events, and the validation of their bodies.

jsonschema-rs validates on the hot path. The reference implementation `jsonschema`, which is slow, gives a second
opinion on captured bodies, and before a body of ours is refused; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jsonschema_rs

from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import ContractError, PackError, UnknownNameError
from vendorsim.core.nesting import is_deeper
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.contract_folder import SUFFIX, Amend, ContractFolder
from vendorsim.vendorkit.schema_walk import SchemaNode

if TYPE_CHECKING:
    import jsonschema

    from vendorsim.vendorkit.profile import Profile

# The base URI for relative references between schemas; nothing is ever fetched.
BASE_URI = "https://contracts.invalid/"
_LONGEST_MESSAGE = 300
MOST_LEVELS = 255
"""The maximum number of levels of a body that can be validated: the limit of jsonschema-rs."""
TOO_DEEP = "nested too deeply to be judged"
# Keywords that tell the alternatives of a value apart.
_TELLING = frozenset({"type", "const", "enum"})
# The rule of a body that is nested too deeply.
DEPTH = "depth"
# The beginning of the rule of a missing property.
REQUIRED = "required"
# The rules of an object with keys that are not allowed.
FORBIDDEN = frozenset({"additionalProperties", "unevaluatedProperties"})


class Violation(NamedTuple):
    """One violation of the contract in a body; `pointer` is a JSON pointer ("" is the whole body).

    `rule` is the keyword of JSON Schema that is broken, and the name of the property if that is missing or forbidden:
    `type`, `required:id`. It is the same in every contract, whatever values each one allows.
    """

    pointer: str
    message: str
    rule: str = ""


class Contract:
    """The contract of one vendor and profile."""

    def __init__(
        self,
        vendor: str,
        profile: str,
        folder: Path,
        amend: Amend | None = None,
        events: Collection[str] | None = None,
        added: Mapping[str, Any] | None = None,
    ) -> None:
        """`amend` changes the folder's documents for this profile, which has `events` only (None means all). `added`
        are documents that are not in the folder."""
        self.vendor = vendor
        self.profile = profile
        self.documents = ContractFolder(folder, amend, added)
        self._events = events
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}
        self._references: dict[str, jsonschema.Draft202012Validator] = {}

    @property
    def folder(self) -> Path:
        """The folder of the documents."""
        return self.documents.path

    @property
    def events(self) -> tuple[str, ...]:
        """The events that have a schema."""
        return tuple(name for name in self.documents.events if self._events is None or name in self._events)

    @property
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of the profile."""
        document: dict[str, Any] = self.documents.read("openapi.json")
        return document

    def node(self, event: str) -> SchemaNode:
        """The schema of an event's body, to walk through. Raises UnknownNameError."""
        self._require_event(event)
        return self.documents.node(event)

    def is_valid(self, event: str, body: Any) -> bool:
        """Whether a body is valid. Fast."""
        validator = self._validators.get(event) or self._validator(event)
        return validator.is_valid(body)

    def violations(self, event: str, body: Any, *, in_alternatives: bool = False) -> list[Violation]:
        """All violations in a body, in the order of the body. A body of more than `MOST_LEVELS` levels has one
        violation, `TOO_DEEP`. With `in_alternatives`, a value that is none of the alternatives (`anyOf`) has the
        violations of the alternative that it is meant to be, if that can be told. Raises UnknownNameError."""
        validator = self._validator(event)
        if is_deeper(body, MOST_LEVELS):
            return [Violation("", TOO_DEEP, DEPTH)]
        errors = validator.iter_errors(body)
        return [violation_of(each) for error in errors for each in (_meant(error) if in_alternatives else (error,))]

    def require(self, event: str, body: Any) -> None:
        """Raises ContractError if our own body breaks the contract, or PackError if it is the body of another package.
        The message names the field. A body that only one of the validators refuses may be sent."""
        if self.is_valid(event, body) or self._reference_errors(event, body) == []:
            return
        first = self.violations(event, body)[0]
        origin = registry.origin(self.vendor)
        if not origin.built_in:
            raise PackError(
                f"{origin.package}: the body of {event} breaks its contract at '{first.pointer or '/'}': "
                f"{first.message}. Nothing was sent; mend the body or {self.folder / f'{event}{SUFFIX}'}"
            )
        raise ContractError(
            f"internal error: the {self.vendor} body of {event} breaks its contract at "
            f"'{first.pointer or '/'}': {first.message}. Nothing was sent; please report this."
        )

    def confirmed(self, event: str, body: Any, found: Sequence[Violation]) -> list[Violation]:
        """Asks the reference implementation about a body in which the fast validator has `found` these violations.

        Returns them, or those of the reference if there are none. If only one of the two refuses the body, each message
        says which one: then it is for the reader to judge. Slow, 1 to 4 ms.
        """
        errors = self._reference_errors(event, body)
        if errors is None or bool(errors) == bool(found):
            return list(found)
        if found:
            return [
                each._replace(message=f"{each.message} (says jsonschema-rs; jsonschema accepts it)") for each in found
            ]
        return [
            Violation(
                json_pointer.join(error.absolute_path),
                f"{_bounded(error.message)} (says jsonschema; jsonschema-rs accepts it)",
                str(error.validator),
            )
            for error in errors
        ]

    def _reference_errors(self, event: str, body: Any) -> list[jsonschema.ValidationError] | None:
        """The errors that the reference implementation finds; None if the body is nested too deeply for it."""
        validator = self._references.get(event)
        if validator is None:
            validator = self._references[event] = self.reference(event)
        try:
            return list(validator.iter_errors(body))
        except RecursionError:
            return None

    def reference(self, event: str) -> jsonschema.Draft202012Validator:
        """A validator of the reference implementation `jsonschema`, which is slow."""
        import jsonschema
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT202012

        resources = [
            (BASE_URI + name, Resource.from_contents(content, default_specification=DRAFT202012))
            for name, content in self.documents.schemas()
        ]
        schema = {"$ref": f"{BASE_URI}{event}{SUFFIX}"}
        return jsonschema.Draft202012Validator(schema, registry=Registry().with_resources(resources))

    def _validator(self, event: str) -> jsonschema_rs.Draft202012Validator:
        validator = self._validators.get(event)
        if validator is None:
            self._require_event(event)
            validator = jsonschema_rs.Draft202012Validator(
                self.documents.read(event + SUFFIX),
                registry=self._registry,
                base_uri=f"{BASE_URI}{event}{SUFFIX}",
                validate_formats=False,
            )
            self._validators[event] = validator
        return validator

    @cached_property
    def _registry(self) -> jsonschema_rs.Registry:
        """All schemas of the contract, which the validators of its events share."""
        return jsonschema_rs.Registry([(BASE_URI + name, content) for name, content in self.documents.schemas()])

    def _require_event(self, event: str) -> None:
        if event not in self.events:
            raise UnknownNameError(f"event of {self.vendor}", event, self.events)


def contract(vendor: str, profile: str) -> Contract:
    """The contract of a vendor's profile. Raises UnknownNameError, or PackError if a schema is missing or invalid."""
    known = registry.get(vendor)
    return _of(vendor, known.contracts(), known.profile(profile))


# By the profile itself, since an overlay may be changed and keep its name.
@lru_cache(maxsize=1_000)
def _of(vendor: str, contracts: Path, chosen: Profile) -> Contract:
    events = None if chosen.amend is None else chosen.event_names()
    folder = contracts / (chosen.contract or chosen.name)
    found = Contract(vendor, chosen.name, folder, chosen.amend, events, chosen.added_documents)
    origin = registry.origin(vendor)
    if not origin.built_in:
        _require_schemas(found, chosen.event_names(), origin.package)
    return found


def _require_schemas(contract: Contract, events: Sequence[str], package: str) -> None:
    """Raises PackError if an event of another package has no valid schema."""
    for event in events:
        file = contract.folder / f"{event}{SUFFIX}"
        if not file.is_file():
            raise PackError(
                f"{package}: the event {event} of the profile {contract.profile} has no schema; write {file}"
            )
        try:
            contract.is_valid(event, {})
        except (ValueError, LookupError, OSError) as error:
            raise PackError(f"{package}: {file}: is no JSON Schema: {error}; 'vendorsim pack lint' says more") from None


def _meant(error: jsonschema_rs.ValidationError) -> Iterator[jsonschema_rs.ValidationError]:
    """The errors of the alternative of `anyOf` that the value is meant to be; of any other error, the error itself.

    It is the one with the fewest errors among those without an error of a type or a fixed value (such as
    `"type": "contact"`), which tell alternatives apart.
    """
    kind = error.kind
    fitting = [
        errors
        for errors in (kind.context if isinstance(kind, jsonschema_rs.ValidationErrorKind.AnyOf) else ())
        if not any(each.kind.name in _TELLING for each in errors)
    ]
    if not fitting:
        yield error
        return
    for each in min(fitting, key=len):
        yield from _meant(each)


def violation_of(error: jsonschema_rs.ValidationError) -> Violation:
    """An error of the validator as a violation, with its message cut to a bounded length."""
    kind = error.kind
    message, rule = error.message, kind.name
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        rule = f"{REQUIRED}:{kind.property}"
    elif isinstance(kind, jsonschema_rs.ValidationErrorKind.PropertyNames):
        # The message of the library lists all the names that are forbidden.
        name = kind.error.instance
        message, rule = f'"{name}" is not allowed', f"{rule}:{name}"
    return Violation(json_pointer.join(error.instance_path), _bounded(message), rule)


def _bounded(message: str) -> str:
    return message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 3] + "..."
