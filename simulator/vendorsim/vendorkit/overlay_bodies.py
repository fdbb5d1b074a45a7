"""Changes the bodies that a profile makes as an overlay says: new fields are made up, others are left out or replaced.
Pure: the same seed gives the same values."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

from vendorsim.core import pointer as json_pointer
from vendorsim.core.seeding import generator
from vendorsim.core.times import iso
from vendorsim.vendorkit.overlay_contract import ANY_KEY, ChangeKind, Node, OverlayChange
from vendorsim.vendorkit.profile import Body

VARIES = "x-varies"
"""The keyword of an overlay's schema that says that the values of a field differed."""
_FROM, _UNTIL = 1_767_603_600_000, 1_799_139_600_000  # 2026-01-05 to 2027-01-05, in milliseconds since 1970


def adapted(body: Body, changes: Iterable[OverlayChange], seed: int) -> Body:
    """A copy of a body with the changes of its event. `seed` makes the values; it differs from event to event."""
    copy = deepcopy(body)
    for change in changes:
        if change.change in (ChangeKind.ADD, ChangeKind.DROP, ChangeKind.REPLACE):
            *parents, name = json_pointer.parse(change.field)
            for number, holder in enumerate(_at(copy, parents)):
                _apply(holder, name, change, generator(seed, change.field, number))
    return copy


def _apply(holder: Any, name: str, change: OverlayChange, chosen: Random) -> None:
    if change.change is ChangeKind.ADD:
        if isinstance(holder, dict) and name not in holder and chosen.random() * change.of < change.seen:
            assert change.schema is not None
            holder[name] = made_up(change.schema, chosen)
        return
    if change.change is ChangeKind.DROP:
        if isinstance(holder, dict):
            holder.pop(name, None)
        return
    assert change.schema is not None
    for key in _keys(holder, name):
        holder[key] = converted(holder[key], change.schema, chosen)


def _at(value: Any, parts: list[str]) -> Iterator[Any]:
    """The values at a path."""
    if not parts:
        yield value
        return
    for key in _keys(value, parts[0]):
        yield from _at(value[key], parts[1:])


def _keys(value: Any, name: str) -> list[Any]:
    if isinstance(value, list):
        return (
            list(range(len(value)))
            if name == ANY_KEY
            else [int(name)]
            if name.isdecimal() and int(name) < len(value)
            else []
        )
    if isinstance(value, dict):
        return [name] if name in value else list(value) if name == ANY_KEY else []
    return []


def converted(value: Any, schema: Node, chosen: Random) -> Any:
    """A value as the type of a schema: numbers become text and the other way round; all else is made up."""
    types = _types(schema)
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and types == ["string"]
        and "format" not in schema
    ):
        return str(value)
    if isinstance(value, str) and types == ["integer"] and value.isascii() and value.isdecimal():
        return int(value)
    return made_up(schema, chosen)


def made_up(schema: Node, chosen: Random) -> Any:
    """A value that is valid by a schema of an overlay: its example, varied if the values that were seen differed."""
    if "anyOf" in schema:
        return made_up(schema["anyOf"][0], chosen)
    if "enum" in schema:
        return chosen.choice(schema["enum"])
    examples = schema.get("examples")
    varies = schema.get(VARIES, False)
    if examples and not varies:
        return deepcopy(examples[0])
    kind = next(iter(_types(schema)), "null")
    if kind == "object":
        return {key: made_up(inner, chosen) for key, inner in schema.get("properties", {}).items()}
    if kind == "array":
        items = schema.get("items")
        return [made_up(items, chosen)] if isinstance(items, dict) else []
    if kind == "string":
        return _text(schema.get("format"), examples[0] if examples else "text", chosen)
    if kind in ("integer", "number"):
        return _number(examples[0] if examples else 1, chosen)
    return chosen.random() < 0.5 if kind == "boolean" else None


def _types(schema: Node) -> list[str]:
    given = schema.get("type", [])
    return [given] if isinstance(given, str) else list(given)


def _number(example: Any, chosen: Random) -> Any:
    """A number with as many digits as the example."""
    digits = len(str(abs(int(example))))
    number = chosen.randrange(10 ** (digits - 1), 10**digits)
    number = -number if example < 0 else number
    return number if isinstance(example, int) else number + round(chosen.random(), 3)


def _text(format: str | None, example: str, chosen: Random) -> str:
    if format in ("date-time", "date"):
        text = iso(chosen.randrange(_FROM, _UNTIL))
        return text if format == "date-time" else text[:10]
    if format == "uuid":
        text = f"{chosen.getrandbits(128):032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    if format == "email":
        return f"{_letters(6, chosen)}@example.com"
    if format == "uri":
        return f"https://www.example.com/{_letters(8, chosen)}"
    if format == "ipv4":
        return f"192.0.2.{chosen.randrange(1, 255)}"
    return "".join(_like(character, chosen) for character in example)


def _letters(count: int, chosen: Random) -> str:
    return "".join(chosen.choice(string.ascii_lowercase) for _ in range(count))


def _like(character: str, chosen: Random) -> str:
    """A digit for a digit, a small letter for a small letter, a capital for a capital."""
    for kind in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if character in kind:
            return chosen.choice(kind)
    return character
