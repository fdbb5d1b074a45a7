"""Turns the schema of an event's body into a table of its fields. Pure.

Two profiles can describe the same body with different documents: with shared objects or without, with `allOf` or in one
schema. Their tables can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from vendorsim.core import pointer as json_pointer
from vendorsim.vendorkit.schema_walk import Resolve, Schema, SchemaNode

# Keywords that do not restrict values.
_NOTES = {"$schema", "$defs", "$comment", "title", "description", "default", "examples", "deprecated"}
# Keywords that become fields, or facts with other names.
_READ = {"$ref", "allOf", "anyOf", "oneOf", "properties", "items", "prefixItems", "additionalProperties", "required"}
_READ |= {"type", "enum", "const", "if", "then", "else"}


class FieldDescription(Struct, frozen=True):
    """What a contract says about one field.

    `facts` by aspect: `type` (names without null; missing if any type is allowed), `nullable`, `required`, `values` (of
    `enum` or `const`, without null), `closed` (an object without further fields), `meaning` (the description), and all
    other keywords of JSON Schema unchanged. `recursive`: the field has the schema of a field that contains it.
    `forbids` are the names of fields that an object must not have, and `demanded` is whether the field must be there,
    both in at least one form of an object that has several.
    """

    facts: Mapping[str, Any]
    provenance: str | None
    source: str | None
    recursive: bool = False
    forbids: frozenset[str] = frozenset()
    demanded: bool = False


_Nodes = tuple[SchemaNode, ...]
"""Schemas that all apply to the same value."""


class _Alternative(Struct, frozen=True):
    """One alternative of a schema, with the schemas that it refers to merged in. Its own keywords win over theirs."""

    keywords: Mapping[str, Any] = field(default_factory=dict)
    inner: Mapping[str, _Nodes] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    recursive: bool = False

    @property
    def types(self) -> list[str] | None:
        """The allowed types, including null; None for any."""
        given = self.keywords.get("type")
        if given is not None:
            return [given] if isinstance(given, str) else list(given)
        values = self.values
        return None if values is None else list(dict.fromkeys(map(_type_of, values)))

    @property
    def values(self) -> list[Any] | None:
        """The allowed values of `enum` or `const`, or None."""
        if "const" in self.keywords:
            return [self.keywords["const"]]
        found: list[Any] | None = self.keywords.get("enum")
        return found

    @property
    def takes_null(self) -> bool:
        """Whether null is allowed."""
        types, values = self.types, self.values
        return (types is None or "null" in types) and (values is None or None in values)


def fields(node: SchemaNode) -> dict[str, FieldDescription]:
    """Every field that a schema describes, by its path, such as `/conversation/id`. `*` means the items of a list, or
    the values of an object with any keys. The path of the whole body is "". A field comes before those within it."""
    return dict(_walk("", [(node,)], True, True, node.resolve))


def _walk(
    path: str, groups: Iterable[_Nodes], required: bool, demanded: bool, resolve: Resolve
) -> Iterator[tuple[str, FieldDescription]]:
    forms = [form for nodes in _once(groups) for form in _combined(map(_alternatives, nodes))]
    yield path, _field(forms, required, demanded, resolve)
    objects = [form for form in forms if form.inner or "object" in (form.types or ())]
    for key in dict.fromkeys(key for form in forms for key in form.inner):
        inner = [form.inner[key] for form in forms if key in form.inner]
        always = key == "*" or all(key in form.required for form in objects)
        some = any(key in form.required for form in objects)
        yield from _walk(json_pointer.child(path, key), inner, always, some, resolve)


def _once(groups: Iterable[_Nodes]) -> Iterable[_Nodes]:
    """The groups without duplicates. Most alternatives of an object share most of its fields."""
    return {tuple((id(node.schema), node.followed) for node in nodes): nodes for nodes in groups}.values()


def _alternatives(node: SchemaNode) -> list[_Alternative]:
    """The alternatives of a schema; a schema without a choice has one."""
    groups: list[list[_Alternative]] = []
    referred = node.referred()
    if node.recursive:
        groups.append([_Alternative(recursive=True)])
    elif referred is not None:
        groups.append(_alternatives(referred))
    groups += map(_alternatives, node.all_of())
    groups += ([form for part in choice for form in _alternatives(part)] for choice in node.choices())
    branches = node.branches()
    if branches is not None:
        met, otherwise = branches
        groups.append(_combined(map(_alternatives, met)) + _alternatives(otherwise))
    inner = {key: (child,) for key, child in node.children()}
    required = frozenset(node.schema.get("required", ()))
    groups.append([_Alternative(node.schema, inner, required, _forbidden(node.schema))])
    return _combined(groups)


def _combined(given: Iterable[list[_Alternative]]) -> list[_Alternative]:
    """Merges one alternative of each group. If several groups have more than one, the alternatives of different groups
    are not combined with each other: ten conditions make twenty alternatives, not a thousand."""
    groups = list(given)
    fixed = [group[0] if len(group) == 1 else None for group in groups]
    if None not in fixed:
        return [_merged(form for form in fixed if form)]
    return [
        _merged(form or chosen for other, form in enumerate(fixed) if form or other == index)
        for index, group in enumerate(groups)
        if len(group) > 1
        for chosen in group
    ]


def _forbidden(schema: Schema) -> frozenset[str]:
    """Keys that must not be present. The contract of an older version excludes the keys of newer ones in this way."""
    names = schema.get("propertyNames")
    unnamed = names.get("not") if isinstance(names, Mapping) else None
    listed = unnamed.get("enum", ()) if isinstance(unnamed, Mapping) else ()
    return frozenset(listed) | {key for key, part in schema.get("properties", {}).items() if part is False}


def _merged(forms: Iterable[_Alternative]) -> _Alternative:
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
    return _Alternative(keywords, allowed, required, forbidden, recursive)


def _field(forms: list[_Alternative], required: bool, demanded: bool, resolve: Resolve) -> FieldDescription:
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
            continue  # The forbidden fields are left out instead.
        if keyword not in _NOTES | _READ and not keyword.startswith("x-"):
            values = _distinct(_plain(form.keywords.get(keyword), resolve) for form in full)
            facts[keyword] = values[0] if len(values) == 1 else values
    return FieldDescription(
        facts,
        next((form.keywords["x-provenance"] for form in forms if "x-provenance" in form.keywords), None),
        next((form.keywords["x-source"] for form in forms if "x-source" in form.keywords), None),
        any(form.recursive for form in forms),
        frozenset[str]().union(*(form.forbidden for form in full)),
        demanded,
    )


def _plain(value: Any, resolve: Resolve, followed: frozenset[str] = frozenset()) -> Any:
    """A keyword's value without notes, and with references replaced by the schemas that they refer to."""
    if isinstance(value, list):
        return [_plain(item, resolve, followed) for item in value]
    if not isinstance(value, Mapping):
        return value
    referred = SchemaNode(value, resolve, followed=followed).referred()
    if referred is not None:
        own = {key: item for key, item in value.items() if key != "$ref"}
        return _plain({**referred.schema, **own}, resolve, referred.followed)
    return {
        key: _plain(item, resolve, followed)
        for key, item in value.items()
        if not key.startswith("x-") and not (key in _NOTES and isinstance(item, str))
    }


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Values without duplicates, in order; 1 and true are different."""
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
