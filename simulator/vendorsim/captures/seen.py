"""Statistics of the values at each place of bodies, beside what the contract says of the place.

They grow with the number of places, never with the number of bodies. No value is kept: of texts only lengths, formats
and shapes, of values that a contract lists the few that it does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from vendorsim.captures.formats import FORMATS, formats_of, has_format, is_name, shaped_like
from vendorsim.core import pointer as json_pointer
from vendorsim.vendorkit.contract_fields import FieldDescription

ANY_KEY = "*"
"""The part of a path that stands for each item of a list, and for each value of an object with any keys."""
# Bounds: fields that no contract describes, per object; levels within such a field; places of one event.
_MOST_UNKNOWN = 200
_DEEPEST_UNKNOWN = 6
_MOST_PLACES = 5_000
# At most so much of a text is looked at.
_LONGEST_TEXT = 2_000
OBJECT, LIST, NULL = "object", "array", "null"
_TYPES: Mapping[type, str] = {
    dict: OBJECT,
    list: LIST,
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): NULL,
}

Contracted = Mapping[str, FieldDescription]
"""What a contract says of each field, by path (`vendorsim.vendorkit.contract_fields.fields`)."""


def type_of(value: Any) -> str:
    """The JSON type of a value. A whole number with a fraction part of zero is an integer, as in JSON Schema."""
    if type(value) is float and value.is_integer():
        return "integer"
    return _TYPES[type(value)]


class SeenTexts(Struct, eq=False):
    """What is kept of the texts at a place: the lengths, the formats that all of them have, the shape of the first, and
    whether there were several."""

    shortest: int
    longest: int
    formats: tuple[str, ...]
    shape: str
    _first: int
    varies: bool = False

    @classmethod
    def of(cls, text: str) -> SeenTexts:
        """Begins with a text."""
        bounded = text[:_LONGEST_TEXT]
        return cls(len(text), len(text), formats_of(bounded), shaped_like(text), hash(text))

    def add(self, text: str) -> None:
        """Adds a text."""
        length = len(text)
        if length < self.shortest:
            self.shortest = length
        elif length > self.longest:
            self.longest = length
        if not self.varies and hash(text) != self._first:
            self.varies = True
        if self.formats:
            self.formats = tuple(name for name in self.formats if has_format(text[:_LONGEST_TEXT], name))


class SeenNumbers(Struct, eq=False):
    """What is kept of the numbers at a place: the digits of the longest, without a fraction, and whether there were
    several."""

    digits: int
    _first: float
    varies: bool = False

    def add(self, number: float) -> None:
        """Adds a number."""
        self.digits = max(self.digits, digits(number))
        self.varies = self.varies or number != self._first


def digits(number: float) -> int:
    """The digits of a number, without a fraction; 19 at most."""
    return len(str(int(min(abs(number), 10.0**18))))


class SeenField(Struct, eq=False):
    """What was seen at one place of the bodies of an event.

    `known` is what the contract says of the place, None for a field that it does not describe. `inside` tells whether
    the contract says what may be in it. `first` is where it was seen first. `count` is the number of values, `types`
    the number of each JSON type. `fields` are the places in it. `spoiled` is the number of texts without the format
    that the contract gives.
    """

    path: str
    known: FieldDescription | None
    inside: bool
    first: str
    count: int = 0
    types: Counter[str] = field(default_factory=Counter)
    fields: dict[str, SeenField] = field(default_factory=dict)
    texts: SeenTexts | None = None
    numbers: SeenNumbers | None = None
    spoiled: int = 0
    first_spoiled: str = ""

    @property
    def objects(self) -> int:
        """The number of objects among the values."""
        return self.types[OBJECT]


class SeenBodies:
    """The places of the bodies of one event."""

    def __init__(self, contracted: Contracted) -> None:
        self.contracted = contracted
        self._having = {path.rpartition("/")[0] for path in contracted if path}
        self._places = 0
        self.root = self._grown("", "", None)

    @property
    def full(self) -> bool:
        """Whether there are too many places to follow all of them."""
        return self._places >= _MOST_PLACES

    def add(self, body: Any, place: str) -> None:
        """Adds a body; `place` is where it stands in the capture."""
        if not self.root.count:
            self.root.first = place
        self._see(self.root, body, place, 0)

    def at(self, pointer: str) -> SeenField:
        """The place of a JSON pointer into a body that was added; the nearest one above it if it was not followed."""
        found = self.root
        for part in json_pointer.parse(pointer):
            inner = found.fields.get(part) or found.fields.get(ANY_KEY)
            if inner is None:
                break
            found = inner
        return found

    def path(self, pointer: str) -> str:
        """The path of a JSON pointer into a body that was added, also of a field that the body does not have."""
        found = self.at(pointer)
        if found.path.count("/") == pointer.count("/") or pointer.count("/") - found.path.count("/") > 1:
            return found.path
        return f"{found.path}/{pointer.rpartition('/')[2]}"

    def of_path(self, path: str) -> SeenField | None:
        """The place of a path, None if nothing was there."""
        found: SeenField | None = self.root
        for part in json_pointer.parse(path):
            found = None if found is None else found.fields.get(part)
        return found

    def _see(self, seen: SeenField, value: Any, place: str, unknown: int) -> None:
        seen.count += 1
        kind = type_of(value)
        seen.types[kind] += 1
        if kind == "string":
            self._see_text(seen, value, place)
        elif kind in ("integer", "number"):
            if seen.known is None:
                if seen.numbers is None:
                    seen.numbers = SeenNumbers(digits(value), value)
                else:
                    seen.numbers.add(value)
        elif kind == OBJECT:
            if seen.inside or (seen.known is None and unknown <= _DEEPEST_UNKNOWN):
                fields = seen.fields
                for key, item in value.items():
                    inner = fields.get(key) or self._inner(seen, key, place)
                    if inner is not None:
                        self._see(inner, item, place, unknown if inner.known is not None else unknown + 1)
        elif kind == LIST and value and (seen.inside or (seen.known is None and unknown <= _DEEPEST_UNKNOWN)):
            fields = seen.fields
            inner = fields.get(ANY_KEY) or self._inner(seen, ANY_KEY, place)
            for position, item in enumerate(value):
                # The contract may describe the items of a list one by one.
                own = fields.get(str(position)) if seen.path + f"/{position}" in self.contracted else None
                found = own or self._positioned(seen, position, place) or inner
                if found is not None:
                    self._see(found, item, place, unknown if found.known is not None else unknown + 1)

    def _positioned(self, seen: SeenField, position: int, place: str) -> SeenField | None:
        if f"{seen.path}/{position}" not in self.contracted:
            return None
        found = seen.fields[str(position)] = self._grown(f"{seen.path}/{position}", place, seen)
        return found

    def _see_text(self, seen: SeenField, text: str, place: str) -> None:
        if seen.known is None:
            if seen.texts is None:
                seen.texts = SeenTexts.of(text)
            else:
                seen.texts.add(text)
            return
        wanted = seen.known.facts.get("format")
        if isinstance(wanted, str) and wanted in FORMATS and not has_format(text[:_LONGEST_TEXT], wanted):
            if not seen.spoiled:
                seen.first_spoiled = place
            seen.spoiled += 1

    def _inner(self, seen: SeenField, key: str, place: str) -> SeenField | None:
        """The place of a key. Keys that are data, and too many of them, share one place."""
        path = json_pointer.child(seen.path, key)
        if path not in self.contracted:
            if f"{seen.path}/{ANY_KEY}" in self.contracted or not is_name(key) or len(seen.fields) >= _MOST_UNKNOWN:
                key = ANY_KEY
            if key in seen.fields:
                return seen.fields[key]
            path = f"{seen.path}/{key}" if key == ANY_KEY else path
        if self.full:
            return None
        found = seen.fields[key] = self._grown(path, place, seen)
        return found

    def _grown(self, path: str, place: str, above: SeenField | None) -> SeenField:
        self._places += 1
        known = self.contracted.get(path)
        inside = known is not None and path in self._having and not known.recursive
        return SeenField(path, known, inside, place)
