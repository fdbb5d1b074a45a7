"""Compares the bodies that a step would send with captured ones, as far as they are not made up. Pure.

A step is tried in two conversations of different people, ids and times. Where their two bodies are equal, the captured
body has to have the same value. Where they differ, the value is made up (an id, a name, a time): the captured one may
be any, but the same made-up value must not stand for two captured ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import Struct, field

from vendorsim.captures import times
from vendorsim.captures.places import CUSTOM_KEY, IdPlaces, Place, place_of
from vendorsim.core.pointer import Path

# The texts that stand for arguments that are not known yet begin with this.
HOLE = "Qz"
_HOLE = re.compile(HOLE + r"[a-z]+\d?")
# How much later a webhook may be than the time in it (milliseconds): bodies are built, and then sent.
_DELAY = 1_500
HOLE_HOST = "qz.example.com"
HOLE_SITE = f"https://{HOLE_HOST}/"
# A text that no body shows yet; a later one may.
LATER = f"{HOLE}later"
HOLE_NUMBER = 987_650_000
_FEWEST_DIGITS = 100_000
_SHORTEST_TEXT = 6
CLOCK = re.compile(r"\d\d:\d\d:\d\d")
MISSING = object()
# What a difference costs: of a value, of a part of the body that is there or not, of a time, and of a time that is
# nearly the same.
VALUE, STRUCTURE, TIME, MOMENT = 1.0, 3.0, 0.25, 0.001


class BodyDifference(NamedTuple):
    """A place at which a body differs from the captured one, and both values as text."""

    place: Place
    mine: str
    captured: str


class Bindings(Struct):
    """What made-up values of the first conversation stand for in the capture. `owners` are the ids of agents in the
    capture, each with the made-up one that stands for it."""

    values: dict[Any, Any] = field(default_factory=dict)
    owners: dict[Any, Any] = field(default_factory=dict)

    def copied(self) -> Bindings:
        return Bindings(self.values.copy(), self.owners.copy())


class StepComparison(Struct):
    """The comparison of the bodies of one step.

    `cast` are the made-up values of the people, `agents` the ids of agents among them. What is `accepted` costs
    nothing: it differed before. `differences` are what differs, `values` the two values of each; `holes` are the
    arguments that the captured bodies show, and `unknown` the fields that the profile does not have. `matches` counts
    the values that are not made up and are the same, `times` are captured times that our bodies have not.
    """

    bindings: Bindings
    cast: frozenset[Any]
    agents: frozenset[Any]
    places: Mapping[str, IdPlaces]
    accepted: frozenset[BodyDifference] = frozenset()
    cost: float = 0
    matches: int = 0
    times: list[int] = field(default_factory=list)
    differences: list[BodyDifference] = field(default_factory=list)
    holes: dict[str, Any] = field(default_factory=dict)
    values: dict[BodyDifference, tuple[Any, Any]] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)

    def add(self, event: str, mine: Any, other: Any, captured: Any) -> None:
        """Compares one body."""
        self._walk(self.places.get(event), (), mine, other, captured)

    def _walk(self, known: IdPlaces | None, path: Path, mine: Any, other: Any, captured: Any) -> None:
        if isinstance(mine, dict) and isinstance(captured, dict):
            self._walk_object(known, path, mine, other, captured)
        elif isinstance(mine, list) and isinstance(captured, list):
            self._walk_list(known, path, mine, other, captured)
        elif isinstance(mine, dict | list) or isinstance(captured, dict | list):
            self._differs(path, mine, captured, STRUCTURE)
        else:
            self._compare(path, mine, other, captured)

    def _walk_object(self, known: IdPlaces | None, path: Path, mine: Any, other: Any, captured: Any) -> None:
        if any(key.startswith(HOLE) for key in mine):
            self.holes.setdefault("object", captured)
            return
        for key, value in mine.items():
            below = other.get(key, MISSING) if isinstance(other, dict) else MISSING
            if key in captured:
                self._walk(known, (*path, key), value, below, captured[key])
            else:
                self._differs((*path, key), value, MISSING, STRUCTURE)
        for key in captured.keys() - mine.keys():
            # A field that the profile has nowhere tells nothing about the step.
            if known is None or _is_known(known, (*path, key)):
                self._differs((*path, key), MISSING, captured[key], STRUCTURE)
            elif not path:
                self.unknown[key] = captured[key]

    def _walk_list(self, known: IdPlaces | None, path: Path, mine: list[Any], other: Any, captured: list[Any]) -> None:
        if len(mine) == 1 and isinstance(mine[0], str) and mine[0].startswith(HOLE):
            self.holes.setdefault(f"list {mine[0]}", captured)
        if len(mine) != len(captured):
            self._differs(path, len(mine), len(captured), STRUCTURE * abs(len(mine) - len(captured)))
        others = other if isinstance(other, list) else []
        for position, (value, found) in enumerate(zip(mine, captured, strict=False)):
            below = others[position] if position < len(others) else MISSING
            self._walk(known, (*path, position), value, below, found)

    def _compare(self, path: Path, mine: Any, other: Any, captured: Any) -> None:
        hole = _hole(mine)
        if isinstance(mine, str) and mine.startswith(LATER):
            self._bind(path, mine, captured)
        elif hole is not None:
            if hole in self.holes and self.holes[hole] != captured:
                self._differs(path, mine, captured, VALUE)
            self.holes.setdefault(hole, captured)
        elif mine == other or other is MISSING:
            if mine != captured or (isinstance(mine, bool) != isinstance(captured, bool)):
                self._differs(path, mine, captured, VALUE)
            else:
                self.matches += 1
        elif _is_of_another_kind(mine, captured) or (captured == "" and mine in self.cast):
            self._differs(path, mine, captured, VALUE)
        elif (now := times.read(mine)) is not None and (then := times.read(captured)) is not None:
            if abs(now - then) > _DELAY:
                self.cost += TIME
                self.times.append(then)
            elif now != then:
                self.cost += MOMENT
        elif mine in self.cast or _binds(mine):
            self._bind(path, mine, captured)

    def _bind(self, path: Path, mine: Any, captured: Any) -> None:
        values, owners = self.bindings.values, self.bindings.owners
        if values.setdefault(mine, captured) != captured or (
            mine in self.agents and owners.setdefault(captured, mine) != mine
        ):
            self._differs(path, mine, captured, VALUE)

    def _differs(self, path: Path, mine: Any, captured: Any, cost: float) -> None:
        difference = BodyDifference(place_of(path), _key(mine), _key(captured))
        if difference not in self.accepted:
            self.cost += cost
        self.differences.append(difference)
        self.values[difference] = (mine, captured)


def _key(value: Any) -> str:
    """A value as text, equal for equal values; what is no text and no number has its kind only."""
    if value is MISSING:
        return "missing"
    return type(value).__name__ if isinstance(value, dict | list) else repr(value)


def _is_of_another_kind(mine: Any, captured: Any) -> bool:
    return (mine is None) != (captured is None) or isinstance(mine, str) != isinstance(captured, str)


def _hole(value: Any) -> str | None:
    if isinstance(value, str):
        return (
            value
            if value.startswith((HOLE_SITE, HOLE_HOST)) or (value.startswith(HOLE) and _HOLE.fullmatch(value))
            else None
        )
    if isinstance(value, int) and HOLE_NUMBER <= value < HOLE_NUMBER + 10:
        return str(value)
    return None


def _binds(value: Any) -> bool:
    """Whether a made-up value always stands for the same captured one: ids and names do, times and durations don't."""
    if isinstance(value, bool) or times.read(value) is not None:
        return False
    if isinstance(value, int):
        return value >= _FEWEST_DIGITS
    return isinstance(value, str) and len(value) >= _SHORTEST_TEXT and CLOCK.fullmatch(value) is None


def _is_known(known: IdPlaces, path: Path) -> bool:
    place = place_of(path)
    return (*place[:-1], CUSTOM_KEY) in known.known or any(each[: len(place)] == place for each in known.known)
