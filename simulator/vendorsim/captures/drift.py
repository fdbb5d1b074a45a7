"""Drift: what captured traffic says beside what a contract says, per event and field.

A `DriftStudy` takes exchanges one by one and keeps statistics only, so its memory does not grow with the capture. What
breaks the contract is what its validator finds; fields that it does not describe, and formats, are found beside that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson
from msgspec import Struct, field

from vendorsim.captures.attempts import SeenAttempts
from vendorsim.captures.exchange import CapturedExchange, Direction
from vendorsim.captures.formats import is_token
from vendorsim.captures.orders import SeenOrders
from vendorsim.captures.seen import NULL, SeenBodies, SeenField, type_of
from vendorsim.captures.sequence import delivery_headers
from vendorsim.core import pointer as json_pointer
from vendorsim.core.nesting import is_deeper
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit.contract import DEPTH, MOST_LEVELS, REQUIRED, TOO_DEEP, Violation
from vendorsim.vendorkit.contract_fields import fields
from vendorsim.vendorkit.deviations import DeviationClass
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

FEW = 20
"""A statement that rests on fewer values than this is weak."""
# Bounds: kinds of violations of one event, values that a contract does not list, events that no contract knows.
_MOST_BREAKS = 2_000
_MOST_VALUES = 20
_MOST_EVENTS = 200
_FORBIDDEN = frozenset({"propertyNames", "additionalProperties", "unevaluatedProperties", "falseSchema"})
_CHOSEN = frozenset({"anyOf", "oneOf"})
_EVENT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,79}")


class Break(Struct, eq=False):
    """One way in which bodies break the contract at one place. `rule` is the keyword of JSON Schema. `values` are
    those of the place that break it; `listed` are the few of them that may be shown, `unlisted` is whether there are
    more."""

    kind: DeviationClass
    path: str
    rule: str
    first: str
    count: int = 0
    values: SeenBodies = field(default_factory=lambda: SeenBodies({}))
    listed: dict[Any, None] = field(default_factory=dict)
    unlisted: bool = False

    def add(self, value: Any, place: str) -> None:
        """Adds a value that breaks the rule."""
        self.count += 1
        if self.kind is DeviationClass.MISSING:
            return
        self.values.add(value, place)
        if self.rule not in ("enum", "const") or not is_token(value):
            self.unlisted = True
        elif value not in self.listed:
            if len(self.listed) < _MOST_VALUES:
                self.listed[value] = None
            else:
                self.unlisted = True


class SeenEvent(Struct, eq=False):
    """What was seen of one event. `known` is whether the contract has it, `keys` what names it in its bodies if not.
    `broken` is the number of bodies that break the contract."""

    name: str
    known: bool
    first: str
    bodies: SeenBodies
    keys: Mapping[str, str] = field(default_factory=dict)
    count: int = 0
    broken: int = 0
    breaks: dict[tuple[str, str], Break] = field(default_factory=dict)


class Counted(Struct):
    """The exchanges of a capture: all of them, the calls among them, and the webhooks whose bodies can't be judged."""

    exchanges: int = 0
    calls: int = 0
    unreadable: dict[str, int] = field(default_factory=dict)
    first_unreadable: dict[str, str] = field(default_factory=dict)
    foreign: int = 0
    first_foreign: str = ""
    began: datetime | None = None
    ended: datetime | None = None


class DriftStudy:
    """Compares exchanges with one profile of a vendor."""

    def __init__(self, vendor: Vendor, profile: Profile) -> None:
        self.vendor, self.profile = vendor, profile
        self.contract = contracts.contract(vendor.name, profile.name)
        self.counted = Counted()
        self.events: dict[str, SeenEvent] = {}
        self.orders = SeenOrders(profile)
        self.attempts = SeenAttempts(profile.policy, delivery_headers(vendor))

    def add(self, exchange: CapturedExchange) -> None:
        """Adds the next exchange of the capture. Calls are counted only: they are the integration's."""
        counted = self.counted
        counted.exchanges += 1
        if exchange.direction is Direction.CALL:
            counted.calls += 1
            return
        if exchange.at is not None:
            counted.began = exchange.at if counted.began is None else min(counted.began, exchange.at)
            counted.ended = exchange.at if counted.ended is None else max(counted.ended, exchange.at)
        body, problem = _parsed(exchange)
        if problem is not None:
            counted.unreadable[problem] = counted.unreadable.get(problem, 0) + 1
            counted.first_unreadable.setdefault(problem, exchange.place)
            return
        event = self._event(exchange, body)
        if event is None:
            counted.foreign += 1
            counted.first_foreign = counted.first_foreign or exchange.place
            return
        if self.attempts.add(exchange):
            # A retry has the bytes of its first attempt; they are counted once.
            return
        self._add(event, body, exchange)

    def _event(self, exchange: CapturedExchange, body: Any) -> SeenEvent | None:
        name = exchange.event or self.profile.identify(body)
        known = name is not None and name in self.contract.events
        keys: Mapping[str, str] = {}
        if not known:
            keys = event_keys(self.profile, body)
            name = name or ".".join(keys.values())
            if not _EVENT_NAME.fullmatch(name):
                return None
        assert name is not None
        found = self.events.get(name)
        if found is None:
            if len(self.events) >= _MOST_EVENTS:
                return None
            contracted = fields(self.contract.node(name)) if known else {}
            found = self.events[name] = SeenEvent(name, known, exchange.place, SeenBodies(contracted), keys)
        return found

    def _add(self, event: SeenEvent, body: Any, exchange: CapturedExchange) -> None:
        event.count += 1
        event.bodies.add(body, exchange.place)
        self.orders.add(event.name, body, exchange)
        if not event.known or self.contract.is_valid(event.name, body):
            return
        event.broken += 1
        for violation in self.contract.violations(event.name, body, in_alternatives=True):
            for kind, pointer, rule, value in _deviations(violation, body, event.bodies):
                path = event.bodies.path(pointer)
                found = event.breaks.get((path, rule))
                if found is None:
                    if len(event.breaks) >= _MOST_BREAKS:
                        continue
                    found = event.breaks[path, rule] = Break(kind, path, rule, exchange.place)
                found.add(value, exchange.place)


def event_keys(profile: Profile, body: Any) -> dict[str, str]:
    """The keys of a body that name its event, with their values; empty if the body does not have all of them."""
    if not isinstance(body, dict) or not profile.event_keys:
        return {}
    found = {key: body.get(key) for key in profile.event_keys}
    return {key: value for key, value in found.items() if isinstance(value, str)} if all(found.values()) else {}


def _parsed(exchange: CapturedExchange) -> tuple[Any, str | None]:
    """The body, or why it can't be judged."""
    if exchange.problem is not None:
        return None, exchange.problem
    try:
        body = orjson.loads(exchange.body)
    except orjson.JSONDecodeError:
        return None, "the body is not JSON"
    return (None, f"the body is {TOO_DEEP}") if is_deeper(body, MOST_LEVELS) else (body, None)


def _deviations(violation: Violation, body: Any, bodies: SeenBodies) -> Iterator[tuple[DeviationClass, str, str, Any]]:
    """The deviations that one violation tells of: class, pointer, rule and value."""
    keyword, _, name = violation.rule.partition(":")
    pointer = violation.pointer
    value = json_pointer.resolve(body, pointer)
    if keyword == REQUIRED:
        yield DeviationClass.MISSING, json_pointer.child(pointer, name), REQUIRED, None
    elif keyword == "propertyNames" and name:
        yield DeviationClass.UNKNOWN, json_pointer.child(pointer, name), "forbidden", value.get(name)
    elif keyword == "falseSchema":
        yield DeviationClass.UNKNOWN, pointer, "forbidden", value
    elif keyword in _FORBIDDEN and isinstance(value, dict):
        for key, item in value.items():
            inner = json_pointer.child(pointer, key)
            if bodies.at(inner).known is None:
                yield DeviationClass.UNKNOWN, inner, "forbidden", item
    elif keyword == "type":
        yield DeviationClass.TYPES, pointer, "type", value
    elif keyword in _CHOSEN:
        allowed = _allowed_types(bodies.at(pointer))
        fits = allowed is None or type_of(value) in allowed
        yield (
            (DeviationClass.VALUES, pointer, keyword, value) if fits else (DeviationClass.TYPES, pointer, "type", value)
        )
    elif keyword != DEPTH:
        yield DeviationClass.VALUES, pointer, keyword, value


def _allowed_types(seen: SeenField) -> set[str] | None:
    """The types that the contract allows at a place; None for any."""
    if seen.known is None or "type" not in seen.known.facts:
        return None
    types = set(seen.known.facts["type"]) | ({NULL} if seen.known.facts.get("nullable") else set())
    return types | ({"integer"} if "number" in types else set())
