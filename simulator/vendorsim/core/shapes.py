"""Shapes: which values a YAML document may contain.

A shape reads a node, reports its problems, and gives its own JSON Schema, so that the parser and the published schema
always agree. `read` returns the value, or INVALID after adding at least one problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

from vendorsim.core import times, yaml_nodes
from vendorsim.core.errors import unknown
from vendorsim.core.yaml_nodes import Node, Problems, Scalar, kind


class _Invalid:
    """The type of INVALID, which `Shape.read` returns for an invalid node."""

    def __repr__(self) -> str:
        return "INVALID"


INVALID: Final = _Invalid()


class Shape:
    """One kind of value. `expected` completes the message "expected …"."""

    expected = "a value"

    def read(self, node: Node, problems: Problems) -> Any:
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        raise NotImplementedError

    def expectation(self, problems: Problems) -> str:
        """The text after "expected" in messages. Some shapes know it only while they read."""
        return self.expected

    def mismatch(self, node: Node, problems: Problems) -> Any:
        """Adds the problem that `node` is not what was expected, and returns INVALID."""
        problems.add(node, f"expected {self.expectation(problems)}, found {kind(node)}")
        return INVALID


def as_text(key: Scalar) -> Scalar:
    """A mapping's key as text, also where it looks like a number or a flag."""
    return Scalar(key.line, key.column, key.text, key.text)


@dataclass(eq=False, repr=False)
class Text(Shape):
    """Text. A number or flag is refused, not converted. In YAML 1.2 `1:30` and `no` are text."""

    expected: str = "text"
    empty: bool = False

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            if isinstance(node, Scalar) and node.value is not None:
                problems.add(node, f"expected {self.expected}, found {kind(node)}; put it in quotes to mean text")
                return INVALID
            return self.mismatch(node, problems)
        if not self.empty and not node.value.strip():
            problems.add(node, f"expected {self.expected}, found empty text")
            return INVALID
        if any("\ud800" <= char <= "\udfff" for char in node.value):
            problems.add(node, "the text holds half of a surrogate pair, which is not a character")
            return INVALID
        return node.value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"} if self.empty else {"type": "string", "pattern": r"\S"}


@dataclass(eq=False, repr=False)
class Pattern(Shape):
    """Text that matches a regular expression."""

    pattern: str
    expected: str

    def matches(self, text: str) -> bool:
        """Whether the text has the pattern."""
        return re.fullmatch(self.pattern, text) is not None

    def read(self, node: Node, problems: Problems) -> Any:
        if isinstance(node, Scalar) and isinstance(node.value, str) and self.matches(node.value):
            return node.value
        return self.mismatch(node, problems)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$"}


@dataclass(eq=False, repr=False)
class Integer(Shape):
    """A whole number within bounds."""

    least: int | None = None
    most: int | None = None

    @property
    def expected(self) -> str:  # type: ignore[override]
        if self.least is not None and self.most is not None:
            return f"a whole number from {self.least} to {self.most}"
        return "a whole number" if self.least is None else f"a whole number of at least {self.least}"

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Scalar) or not isinstance(node.value, int) or isinstance(node.value, bool):
            return self.mismatch(node, problems)
        if (self.least is not None and node.value < self.least) or (self.most is not None and node.value > self.most):
            return self.mismatch(node, problems)
        return node.value

    def schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.least, "maximum": self.most}
        return {"type": "integer"} | {name: value for name, value in bounds.items() if value is not None}


@dataclass(eq=False, repr=False)
class Flag(Shape):
    """`true` or `false`."""

    expected: str = "true or false"

    def read(self, node: Node, problems: Problems) -> Any:
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        return self.mismatch(node, problems)

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(eq=False, repr=False)
class Choice(Shape):
    """One of a few names."""

    kind: str
    names: Callable[[], Sequence[str]]

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"a {self.kind} ({', '.join(self.names())})"

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Scalar) or node.value is None:
            return self.mismatch(node, problems)
        names = self.names()
        if node.text not in names:
            problems.add(node, unknown(self.kind, node.text, names))
            return INVALID
        return node.text

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.names())}


def choice(kind: str, *names: str) -> Choice:
    """A choice of fixed names."""
    return Choice(kind, lambda: names)


class Duration(Shape):
    """A duration; read as milliseconds."""

    expected = "a duration such as 6s, 250ms or 1.5h"

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            return self.mismatch(node, problems)
        try:
            return times.duration(node.value)
        except ValueError as error:
            problems.add(node, str(error))
            return INVALID

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{times.DURATION}$"}


class Point(Shape):
    """A date and time with a zone; read as milliseconds since 1970."""

    expected = "a date and time such as 2026-01-05T09:00:00Z"

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            return self.mismatch(node, problems)
        try:
            return times.point(node.value)
        except ValueError as error:
            problems.add(node, str(error))
            return INVALID

    def schema(self) -> dict[str, Any]:
        date, time, zone = (
            "[0-9]{4}-[0-9]{2}-[0-9]{2}",
            "[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?",
            "(Z|[+-][0-9]{2}:[0-9]{2})",
        )
        return {"type": "string", "pattern": f"^{date}[T ]{time}{zone}$"}


class Json(Shape):
    """Any value that JSON can carry."""

    def read(self, node: Node, problems: Problems) -> Any:
        return yaml_nodes.plain(node)

    def schema(self) -> dict[str, Any]:
        return {}


class Plain(Shape):
    """Text, a number or a flag."""

    expected = "text, a number, true or false"

    def read(self, node: Node, problems: Problems) -> Any:
        if isinstance(node, Scalar) and node.value is not None:
            return node.value
        return self.mismatch(node, problems)

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"]}


@dataclass(eq=False, repr=False)
class Nullable(Shape):
    """The inner shape, or null (read as None)."""

    inner: Shape

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.inner.expected} or null"

    def read(self, node: Node, problems: Problems) -> Any:
        if isinstance(node, Scalar) and node.value is None:
            return None
        return self.inner.read(node, problems)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.inner.schema(), {"type": "null"}]}


@dataclass(eq=False, repr=False)
class ListOf(Shape):
    """A list; read as a tuple. With `single`, a bare value is read as a list of one item.

    With `distinct` the list must not be empty, and no value may occur twice.
    """

    inner: Shape
    single: bool = False
    distinct: bool = False

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"a list, each item {self.inner.expected}"

    def expectation(self, problems: Problems) -> str:
        return f"a list, each item {self.inner.expectation(problems)}"

    def read(self, node: Node, problems: Problems) -> Any:
        if self.single and isinstance(node, Scalar) and node.value is not None:
            value = self.inner.read(node, problems)
            return INVALID if value is INVALID else (value,)
        if not isinstance(node, yaml_nodes.Sequence):
            return self.mismatch(node, problems)
        values: list[Any] = []
        for item in node.items:
            value = self.inner.read(item, problems)
            if self.distinct and value is not INVALID and value in values:
                problems.add(item, f"'{value}' stands here twice")
                value = INVALID
            values.append(value)
        if self.distinct and not values:
            problems.add(node, f"expected {self.expectation(problems)}, found an empty list")
            return INVALID
        return INVALID if INVALID in values else tuple(values)

    def schema(self) -> dict[str, Any]:
        many: dict[str, Any] = {"type": "array", "items": self.inner.schema()}
        if self.distinct:
            many |= {"minItems": 1, "uniqueItems": True}
        return {"anyOf": [self.inner.schema(), many]} if self.single else many


@dataclass(eq=False, repr=False)
class MapOf(Shape):
    """A mapping with any keys, or with keys of the shape `key`; read as a dict."""

    inner: Shape
    key: Shape | None = None
    expected: str = "a mapping"

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, yaml_nodes.Mapping):
            return self.mismatch(node, problems)
        values: dict[str, Any] = {}
        valid = True
        for name, item in node.entries:
            if self.key is not None:
                valid &= self.key.read(as_text(name), problems) is not INVALID
            values[name.text] = self.inner.read(item, problems)
        return values if valid and INVALID not in values.values() else INVALID

    def schema(self) -> dict[str, Any]:
        names = {} if self.key is None else {"propertyNames": self.key.schema()}
        return {"type": "object", "additionalProperties": self.inner.schema()} | names


class Key(Struct, frozen=True):
    """One key of a record: its shape, and whether it is required."""

    shape: Shape
    required: bool = False
    help: str = ""


@dataclass(eq=False, repr=False)
class Record(Shape):
    """A mapping with fixed keys; read as `build(**values)`, by default a dict of the keys that are present.

    With `one_key` exactly one of the keys must be present. `what` is the record's name in messages.
    """

    keys: Mapping[str, Key]
    what: str
    build: Callable[..., Any] = dict
    one_key: bool = False

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"a mapping with {'one of ' if self.one_key else ''}{', '.join(self.keys)}"

    @property
    def may_be_empty(self) -> bool:
        return not self.one_key and not any(key.required for key in self.keys.values())

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, yaml_nodes.Mapping):
            return self.mismatch(node, problems)
        before = len(problems.found)
        values = self.read_values(node, problems)
        return INVALID if len(problems.found) > before else self.build(**values)

    def read_values(self, node: yaml_nodes.Mapping, problems: Problems) -> dict[str, Any]:
        """The valid values, by key."""
        values: dict[str, Any] = {}
        for name, item in node.entries:
            key = self.keys.get(name.text)
            if key is None:
                problems.add(name, unknown(f"key in {self.what}", name.text, self.keys))
            elif (value := key.shape.read(item, problems)) is not INVALID:
                values[name.text] = value
        for key_name, key in self.keys.items():
            if key.required and node.get(key_name) is None:
                problems.add(node, f"{self.what} needs '{key_name}': {key.shape.expected}")
        if self.one_key and len(node.entries) != 1:
            problems.add(node, f"{self.what} needs exactly one of: {', '.join(self.keys)}")
        return values

    def schema(self) -> dict[str, Any]:
        described: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
        for name, key in self.keys.items():
            described["properties"][name] = key.shape.schema() | ({"description": key.help} if key.help else {})
        required = [name for name, key in self.keys.items() if key.required]
        described |= {"required": required} if required else {}
        return described | ({"minProperties": 1, "maxProperties": 1} if self.one_key else {})


DRAFT = "http://json-schema.org/draft-07/schema#"
"""The draft that SchemaStore and every editor take."""
SCHEMAS = "https://vendorsim.invalid/schemas/"
"""Begins the `$id` of every published schema, which ends as its path in the site; nothing is read from there."""


def published(name: str, title: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as it is published. `name` is that of its file, which has the version of the format: a format that old
    files break gets a new one."""
    return {
        "$schema": DRAFT,
        "$id": f"{SCHEMAS}{name}.schema.json",
        "title": title,
        "description": description,
        **schema,
    }


def mapping_or(mapping: Mapping[str, Any], *others: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a mapping, or of one of some other forms that are none.

    With `anyOf`, editors tell what is wrong by the form that is tried first, which is seldom the one that is meant.
    """
    other = others[0] if len(others) == 1 else {"anyOf": list(others)}
    return {"if": {"type": "object"}, "then": dict(mapping), "else": other}


@dataclass(eq=False, repr=False)
class Either(Shape):
    """A shorthand (a scalar or a list), or the full form (a mapping)."""

    short: Shape
    full: Shape

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.short.expected}, or {self.full.expected}"

    def read(self, node: Node, problems: Problems) -> Any:
        chosen = self.full if isinstance(node, yaml_nodes.Mapping) else self.short
        return chosen.read(node, problems)

    def schema(self) -> dict[str, Any]:
        return mapping_or(self.full.schema(), self.short.schema())
