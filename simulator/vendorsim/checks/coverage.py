"""What a run of checks exercised of the contract, and what it did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from vendorsim.checks.forms import flattened, places
from vendorsim.vendorkit.contract import SUFFIX, Contract
from vendorsim.vendorkit.profile import Profile


class Coverage:
    """Counts events, fields and enum values that were sent, and answers of the vendor's API that were given."""

    def __init__(self, contract: Contract, profile: Profile, answers: tuple[str, ...] = ()) -> None:
        self._contract = contract
        self._profile = profile
        self._events: Counter[str] = Counter()
        self._fields: dict[str, set[str]] = {}
        self._values: dict[str, set[tuple[str, str]]] = {}
        self._answers: dict[str, int] = dict.fromkeys(answers, 0)
        self._seen: set[tuple[str, int]] = set()

    def sent(self, event: str, body: bytes, status: int | None) -> None:
        """A request was sent. Bodies that break the contract tell nothing about its fields."""
        self._events[event] += 1
        mark = (event, hash(body))
        if mark in self._seen or len(body) > 256 * 1024:
            return
        self._seen.add(mark)
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return
        if not self._contract.is_valid(event, document):
            return
        fields = self._fields.setdefault(event, set())
        values = self._values.setdefault(event, set())
        for place in places(document, self._contract.resolve(f"{event}{SUFFIX}"), self._contract.resolve):
            name = _name(place.path)
            fields.add(name)
            if place.value in place.choices:
                values.add((name, str(place.value)))

    def answered(self, name: str) -> None:
        """The vendor's API gave an answer of that name."""
        self._answers[name] = self._answers.get(name, 0) + 1

    def document(self) -> dict[str, Any]:
        """Exercised and not exercised, as JSON."""
        return {
            "events": {
                "exercised": {name: self._events[name] for name in self._profile.event_names() if self._events[name]},
                "not_exercised": [name for name in self._profile.event_names() if not self._events[name]],
            },
            "fields": {name: self._fields_of(name) for name in self._profile.event_names()},
            "values": {name: values for name in self._profile.event_names() if (values := self._values_of(name))},
            "answers": {
                "exercised": {name: count for name, count in self._answers.items() if count},
                "not_exercised": [name for name, count in self._answers.items() if not count],
            },
        }

    def _fields_of(self, event: str) -> dict[str, Any]:
        known = dict(_described(self._contract.resolve(f"{event}{SUFFIX}"), self._contract))
        sent = self._fields.get(event, set())
        return {
            "known": len(known),
            "exercised": len(known.keys() & sent),
            "not_exercised": sorted(known.keys() - sent),
        }

    def _values_of(self, event: str) -> dict[str, Any]:
        known = {
            (name, str(value))
            for name, schema in _described(self._contract.resolve(f"{event}{SUFFIX}"), self._contract)
            for value in schema.get("enum", ())
            if value is not None
        }
        sent = self._values.get(event, set())
        if not known:
            return {}
        missing = [f"{name} = {value}" for name, value in sorted(known - sent)]
        return {"known": len(known), "exercised": len(known & sent), "not_exercised": missing}


def _described(
    schema: Mapping[str, Any], contract: Contract, path: tuple[str, ...] = (), depth: int = 0
) -> list[tuple[str, Mapping[str, Any]]]:
    """Every field that a contract describes, by name; list items stand as `*`."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    schema = flattened(schema, contract.resolve)
    if depth > 8:
        return found
    for key, inner in schema.get("properties", {}).items():
        flat = flattened(inner, contract.resolve)
        found.append(("/".join((*path, key)), flat))
        found += _described(flat, contract, (*path, key), depth + 1)
    if isinstance(schema.get("items"), Mapping):
        found += _described(schema["items"], contract, (*path, "*"), depth + 1)
    return found


def _name(path: tuple[str | int, ...]) -> str:
    return "/".join("*" if isinstance(part, int) else part for part in path)
