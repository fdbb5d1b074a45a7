"""The forms of a body that its contract allows: one for each value, and combinations of two. Pure functions.

A form changes a plain body in one place: another value of an enum, the other boolean, an optional field left out or
added, null, an empty list, a list of several items, a text of the greatest length. The same object elsewhere in the
body, known by its `id`, changes with it. A form that breaks the contract is left out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from random import Random
from typing import Any

from msgspec import Struct

from vendorsim.checks.forms import REMOVED, BodyEdit, DocumentField, applied, fields, maximal
from vendorsim.checks.pinned_ids import NOTHING_PINNED, PinnedIds
from vendorsim.core import pointer as json_pointer
from vendorsim.core.pointer import Path
from vendorsim.vendorkit.schema_walk import SchemaNode

# Above `MOST` forms of all events, each kind is sent in `MOST_EVENTS` events only.
MOST, MOST_EVENTS = 400, 2
# Values of a field that take part in combinations.
_MOST_LEVELS = 4


# The value of a list that gets one more item.
_ONE_MORE = object()
_NOTHING = object()
Examples = Mapping[int, Any]
"""Values for missing fields, by definition (`vendorsim.checks.forms.definition`)."""


class Form(Struct, frozen=True):
    """One other value of one field. `what` describes it: `with /status pending`.

    `place` is the field's path with `*` for list items. `kind` is the field's definition and the change: the same field
    of several events has the same kinds. `decides` says that the value is one of an enum or a boolean, by which an
    integration may decide what to do.
    """

    path: Path
    value: Any
    what: str
    kind: tuple[int, str]
    decides: bool = False

    @property
    def pointer(self) -> str:
        return json_pointer.join(self.path)

    @property
    def place(self) -> tuple[str, ...]:
        return tuple("*" if isinstance(part, int) else part for part in self.path)


class Body:
    """A plain body, its schema, and how to know whether a changed one is valid. No form changes a pinned id.

    `full` is a body of the same event with every field that it can have: what a body lacks is taken from there. It is
    made of this body where none is given, which takes long.
    """

    def __init__(
        self,
        document: Any,
        node: SchemaNode,
        is_valid: Callable[[Any], bool],
        examples: Examples | None = None,
        pinned: PinnedIds = NOTHING_PINNED,
        full: Any = None,
    ) -> None:
        self.document = document
        self.node = node
        self.is_valid = is_valid
        self.pinned = pinned
        self._examples = examples or {}
        self._full = full

    @property
    def full(self) -> Any:
        if self._full is None:
            once = applied(self.document, maximal(self.document, self.node, self._examples))
            twice = applied(once, maximal(once, self.node, self._examples))  # What is new can hold more.
            self._full = self.pinned.keep(self.document, twice)
        return self._full

    def forms(self) -> list[Form]:
        """Returns the forms of the body, one for each value of each field. Of the items of a list, the first counts."""
        found: dict[tuple[tuple[str, ...], str], Form] = {}
        for field in fields(self.full, self.node):
            current = _value_at(self.document, field.path)
            if current is _NOTHING and _value_at(self.document, field.path[:-1]) in (_NOTHING, None):
                current = field.value  # It comes with the object that holds it.
            for value, what in _other_values(field, current):
                shown = what.format(json_pointer.join(field.path))
                decides = isinstance(value, bool) or (value is not None and value in field.choices)
                form = Form(field.path, value, shown, (field.definition, what), decides)
                if (form.place, what) not in found and self.changed([form]) is not None:
                    found[form.place, what] = form
        return list(found.values())

    def changed(self, row: Iterable[Form]) -> Any:
        """Returns the body with these forms, or None if it is not valid, lacks a place or is as before."""
        edits = [self._edits(form) for form in row]
        try:
            for taken in ([edit for each in edits for edit in each], [each[0] for each in edits]):
                document = self.pinned.keep(self.document, applied(self.document, taken))
                if document != self.document and self.is_valid(document):
                    return document
        except (KeyError, IndexError, TypeError):
            pass
        return None

    def _edits(self, form: Form) -> list[BodyEdit]:
        """Returns the edit of a form, then the same edit of the same object in other places."""
        path, value = form.path, form.value
        if value is _ONE_MORE:
            own = _value_at(self.document, path)
            value = _several(own if isinstance(own, list) and own else _value_at(self.full, path))
        for depth in range(1, len(path)):
            if _value_at(self.document, path[:depth]) in (_NOTHING, None):
                depth -= isinstance(path[depth - 1], int)  # A list without items is replaced as a whole.
                holder = _value_at(self.full, path[:depth])
                return [BodyEdit(path[:depth], applied(holder, [BodyEdit(path[depth:], value)]))]
        edit = BodyEdit(path, value)
        return [edit, *_mirrors(self.document, edit)]


def choose(found: Mapping[str, Sequence[Form]], random: Random) -> list[tuple[str, Form]]:
    """Chooses the forms to send of several events: all; or of each kind `MOST_EVENTS`, if there are more than `MOST`.

    The events that have the field nearest to the top come first, and of these any.
    """
    every = [(event, form) for event, several in found.items() for form in several]
    if len(every) <= MOST:
        return every
    kinds: dict[tuple[int, str], list[tuple[str, Form]]] = {}
    for event, form in every:
        kinds.setdefault(form.kind, []).append((event, form))
    chosen: list[tuple[str, Form]] = []
    for alike in kinds.values():
        random.shuffle(alike)
        chosen += sorted(alike, key=lambda entry: len(entry[1].path))[:MOST_EVENTS]
    return chosen


def _value_at(document: Any, path: Path) -> Any:
    """Returns the value at a path, or `_NOTHING`."""
    value = document
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return _NOTHING
    return value


def _other_values(field: DocumentField, current: Any) -> Iterator[tuple[Any, str]]:
    """Yields the other values that a field may have, each with a description (`{}` stands for the field)."""
    schema = field.node.schema
    if isinstance(field.path[-1], int):  # The item of a list; what it holds is told by its own fields.
        return
    if current is _NOTHING and not field.choices:
        yield field.value, "with {}"
    if current is None and field.value is not None and not field.choices and not isinstance(field.value, bool):
        yield field.value, "with {}"
    for choice in field.choices:
        if current is _NOTHING or choice != current or isinstance(choice, bool) is not isinstance(current, bool):
            yield choice, f"with {{}} {choice if choice is not None else 'null'}"
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "boolean" in kinds:
        for value in (True, False):
            if current is not value and not (current is _NOTHING and field.value is value):
                yield value, f"with {{}} {'true' if value else 'false'}"
    if field.nullable and current is not None:
        yield None, "with {} null"
    if not field.required and current is not _NOTHING:
        yield REMOVED, "without {}"
    if "array" in kinds:
        items = field.value if isinstance(field.value, list) else []
        if current != []:
            yield [], "with no {}"
        if items:
            yield (_ONE_MORE if current != [] else items), f"with {'several' if current != [] else 'some'} {{}}"
    longest = schema.get("maxLength")
    if isinstance(longest, int) and "string" in kinds and "pattern" not in schema and not field.choices:
        yield _lengthened(field.value, longest), f"with {longest} characters in {{}}"


def _several(items: list[Any]) -> list[Any]:
    """Returns the items with another one like the last. Ids of objects are counted up."""
    another = copy.deepcopy(items[-1])
    if isinstance(another, dict) and isinstance(another.get("id"), int):
        another["id"] += 1
    elif isinstance(another, str):
        another = f"{another}-2"
    return [*items, another]


def _lengthened(text: Any, length: int) -> str:
    words = text if isinstance(text, str) and text else "Words. "
    return str((words * (length // len(words) + 1))[:length])


def _mirrors(document: Any, edit: BodyEdit) -> Iterator[BodyEdit]:
    """Yields the same edit for other objects of the document with the same `id` and the same value."""
    key = edit.path[-1]
    holder = _value_at(document, edit.path[:-1])
    if key == "id" or not isinstance(holder, dict) or "id" not in holder or key not in holder:
        return
    for path, other in _objects(document):
        if other is not holder and other.get("id") == holder["id"] and key in other and other[key] == holder[key]:
            yield BodyEdit((*path, key), edit.value)


def _objects(document: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(document, dict):
        yield path, document
        for key, value in document.items():
            yield from _objects(value, (*path, key))
    elif isinstance(document, list):
        for index, item in enumerate(document):
            yield from _objects(item, (*path, index))


def pairs(candidates: Sequence[Form], random: Random, deepest: int = 1) -> list[tuple[Form, ...]]:
    """Returns combinations of forms so that each two forms of different fields occur together in one of them: a
    covering array of strength two.

    Only fields down to `deepest` levels take part, and of an enum the first `_MOST_LEVELS` values.
    """
    levels: dict[tuple[str, ...], list[Form]] = {}
    for form in candidates:
        if len(form.path) <= deepest:
            levels.setdefault(form.place, []).append(form)
    # None stands for the plain value.
    factors: list[list[Form | None]] = [[None, *found[:_MOST_LEVELS]] for found in levels.values()]
    wanted = {
        _pair(one, other)
        for first, second in combinations(range(len(factors)), 2)
        for one in factors[first][1:]
        for other in factors[second][1:]
        if one is not None and other is not None
    }
    rows: list[tuple[Form, ...]] = []
    while wanted:
        row = max((_row(factors, wanted, random) for _ in range(5)), key=lambda row: len(_covered(row) & wanted))
        wanted -= _covered(row)
        rows.append(row)
    return rows


def _row(factors: Sequence[Sequence[Form | None]], wanted: set[frozenset[int]], random: Random) -> tuple[Form, ...]:
    """Builds one combination greedily, beginning with a pair that is still wanted."""
    start = random.choice(sorted(map(sorted, wanted)))
    row: list[Form] = [form for levels in factors for form in levels if form is not None and id(form) in start]
    taken = {form.place for form in row}
    order = list(factors)
    random.shuffle(order)
    for levels in order:
        choices = [form for form in levels if form is not None]
        if not choices or choices[0].place in taken:
            continue
        gains = [sum(_pair(form, other) in wanted for other in row) for form in choices]
        if max(gains):
            row.append(choices[gains.index(max(gains))])
            taken.add(row[-1].place)
    return tuple(row)


def _pair(one: Form, other: Form) -> frozenset[int]:
    return frozenset((id(one), id(other)))


def _covered(row: Iterable[Form]) -> set[frozenset[int]]:
    return {_pair(one, other) for one, other in combinations(row, 2)}
