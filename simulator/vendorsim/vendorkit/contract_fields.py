"""A contract's schema as a table: each field of an event's body, and what is said of it. Pure.

Two profiles may describe the same body by quite different documents: with shared objects or without, with `allOf` or in
one piece. As tables they can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vendorsim.core import pointer as json_pointer

Schema = Mapping[str, Any]
Resolve = Callable[[str], Schema]
# What says nothing about which values are allowed.
_NOTES = {"$schema", "$defs", "$comment", "title", "description", "default", "examples", "deprecated"}
# What becomes fields, or facts under names of their own.
_READ = {"$ref", "allOf", "anyOf", "oneOf", "properties", "items", "prefixItems", "additionalProperties", "required"}
_READ |= {"type", "enum", "const", "if", "then", "else"}


@dataclass(frozen=True, slots=True)
class Field:
    """What a contract says of one field.

    `facts` by aspect: `type` (names without null; missing where any is allowed), `nullable`, `required`, `values` (of
    `enum` or `const`, without null), `closed` (an object without further fields), `meaning` (the description), and any
    other keyword of JSON Schema as it stands. `recursive`: the field is described like one that it stands in, and goes
    on that way.
    """

    facts: Mapping[str, Any]
    provenance: str | None
    source: str | None
    recursive: bool = False


class _Node(NamedTuple):
    """A schema, and the references that led to it."""

    schema: Any
    seen: frozenset[str]


_Nodes = tuple[_Node, ...]
"""Schemas that hold together."""


@dataclass(frozen=True)
class _Form:
    """One of the alternatives of a schema, with what it refers to merged in; what stands nearer wins."""

    keywords: Mapping[str, Any] = field(default_factory=dict)
    inner: Mapping[str, _Nodes] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    recursive: bool = False

    @property
    def types(self) -> list[str] | None:
        """The types that are allowed, null included; None for any."""
        given = self.keywords.get("type")
        if given is not None:
            return [given] if isinstance(given, str) else list(given)
        values = self.values
        return None if values is None else list(dict.fromkeys(map(_type_of, values)))

    @property
    def values(self) -> list[Any] | None:
        """The only values that are allowed, if they are listed."""
        if "const" in self.keywords:
            return [self.keywords["const"]]
        found: list[Any] | None = self.keywords.get("enum")
        return found

    @property
    def takes_null(self) -> bool:
        types, values = self.types, self.values
        return (types is None or "null" in types) and (values is None or None in values)


def fields(schema: Schema, resolve: Resolve) -> dict[str, Field]:
    """Every field that a schema describes, by its path: `/conversation/id`; the items of a list, and the values of an
    object with any keys, stand as `*`. The whole body is "". Outer fields come first."""
    return dict(_walk("", [(_Node(schema, frozenset()),)], True, resolve))


def _walk(path: str, alternatives: Iterable[_Nodes], required: bool, resolve: Resolve) -> Iterator[tuple[str, Field]]:
    forms = [form for nodes in _once(alternatives) for form in _forms(nodes, resolve)]
    yield path, _field(forms, required, resolve)
    objects = [form for form in forms if form.inner or "object" in (form.types or ())]
    for key in dict.fromkeys(key for form in forms for key in form.inner):
        inner = [form.inner[key] for form in forms if key in form.inner]
        always = key == "*" or all(key in form.required for form in objects)
        yield from _walk(json_pointer.child(path, key), inner, always, resolve)


def _once(alternatives: Iterable[_Nodes]) -> Iterable[_Nodes]:
    """Alternatives without those that are the very same: most forms of an object share most of its fields."""
    return {tuple((id(node.schema), node.seen) for node in nodes): nodes for nodes in alternatives}.values()


def _forms(nodes: Iterable[_Node], resolve: Resolve) -> list[_Form]:
    """The alternatives of schemas that hold together."""
    return _combined([_forms_of(node, resolve) for node in nodes])


def _forms_of(node: _Node, resolve: Resolve) -> list[_Form]:
    schema: Schema = node.schema if isinstance(node.schema, Mapping) else {}
    groups: list[list[_Form]] = []
    reference = schema.get("$ref")
    if reference in node.seen:
        groups.append([_Form(recursive=True)])
    elif reference is not None:
        groups.append(_forms_of(_Node(resolve(reference), node.seen | {reference}), resolve))
    groups += [_forms_of(_Node(part, node.seen), resolve) for part in schema.get("allOf", ())]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            groups.append([form for part in schema[key] for form in _forms_of(_Node(part, node.seen), resolve)])
    if "if" in schema:
        met = [_Node(schema[key], node.seen) for key in ("if", "then") if key in schema]
        groups.append(_forms(met, resolve) + _forms_of(_Node(schema.get("else"), node.seen), resolve))
    inner = {key: (_Node(part, node.seen),) for key, part in _inner(schema)}
    groups.append([_Form(schema, inner, frozenset(schema.get("required", ())), _forbidden(schema))])
    return _combined(groups)


def _combined(groups: list[list[_Form]]) -> list[_Form]:
    """One form of each group at once. Where several groups leave a choice, each choice is taken on its own, not with
    every other: ten conditions make twenty forms, not a thousand."""
    fixed = [group[0] if len(group) == 1 else None for group in groups]
    if None not in fixed:
        return [_merged(form for form in fixed if form)]
    return [
        _merged(form or chosen for position, form in enumerate(fixed) if form or position == place)
        for place, group in enumerate(groups)
        if len(group) > 1
        for chosen in group
    ]


def _inner(schema: Schema) -> Iterator[tuple[str, Any]]:
    yield from schema.get("properties", {}).items()
    yield from ((str(index), part) for index, part in enumerate(schema.get("prefixItems", ())))
    for key in ("additionalProperties", "items"):
        if isinstance(schema.get(key), Mapping):
            yield "*", schema[key]


def _forbidden(schema: Schema) -> frozenset[str]:
    """Keys that must not be there, as an older version of a body that others extend says it."""
    names = schema.get("propertyNames")
    unnamed = names.get("not") if isinstance(names, Mapping) else None
    listed = unnamed.get("enum", ()) if isinstance(unnamed, Mapping) else ()
    return frozenset(listed) | {key for key, part in schema.get("properties", {}).items() if part is False}


def _merged(forms: Iterable[_Form]) -> _Form:
    keywords: dict[str, Any] = {}
    inner: dict[str, _Nodes] = {}
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    recursive = False
    for form in forms:
        keywords |= form.keywords
        for key, nodes in form.inner.items():
            inner[key] = inner.get(key, ()) + nodes
        required |= form.required
        forbidden |= form.forbidden
        recursive = recursive or form.recursive
    allowed = {key: nodes for key, nodes in inner.items() if key not in forbidden}
    return _Form(keywords, allowed, required, forbidden, recursive)


def _field(forms: list[_Form], required: bool, resolve: Resolve) -> Field:
    facts: dict[str, Any] = {"nullable": any(form.takes_null for form in forms), "required": required}
    if all(form.types is not None for form in forms):
        facts["type"] = sorted({name for form in forms for name in form.types or () if name != "null"})
    full = [form for form in forms if form.types != ["null"]]
    if full and all(form.values is not None for form in full):
        facts["values"] = _distinct(value for form in full for value in form.values or () if value is not None)
    if any(form.inner for form in forms):
        facts["closed"] = all(form.keywords.get("additionalProperties") is False for form in full)
    if meanings := _distinct(form.keywords["description"] for form in forms if "description" in form.keywords):
        facts["meaning"] = "; ".join(meanings)
    for keyword in dict.fromkeys(keyword for form in full for keyword in form.keywords):
        if keyword == "propertyNames" and any(form.forbidden for form in full):
            continue  # Told by the fields that are not there.
        if keyword not in _NOTES | _READ and not keyword.startswith("x-"):
            said = _distinct(_plain(form.keywords.get(keyword), resolve, frozenset()) for form in full)
            facts[keyword] = said[0] if len(said) == 1 else said
    return Field(
        facts,
        next((form.keywords["x-provenance"] for form in forms if "x-provenance" in form.keywords), None),
        next((form.keywords["x-source"] for form in forms if "x-source" in form.keywords), None),
        any(form.recursive for form in forms),
    )


def _plain(value: Any, resolve: Resolve, seen: frozenset[str]) -> Any:
    """A keyword's value without notes, and with what it refers to in place of references."""
    if isinstance(value, list):
        return [_plain(item, resolve, seen) for item in value]
    if not isinstance(value, Mapping):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str) and reference not in seen:
        return _plain(
            {**resolve(reference), **{k: v for k, v in value.items() if k != "$ref"}}, resolve, seen | {reference}
        )
    return {
        key: _plain(item, resolve, seen)
        for key, item in value.items()
        if not key.startswith("x-") and not (key in _NOTES and isinstance(item, str))
    }


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Values without repetition, in order; 1 and true are two."""
    found: dict[str, Any] = {}
    for value in values:
        found.setdefault(repr(value), value)
    return list(found.values())


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    for kind, name in ((str, "string"), (int, "integer"), (float, "number"), (list, "array"), (dict, "object")):
        if isinstance(value, kind):
            return name
    return "null"
