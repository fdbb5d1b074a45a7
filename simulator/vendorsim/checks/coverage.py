"""Coverage: which parts of the contract a run of checks exercised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

import orjson

from vendorsim.checks.forms import definition
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.contract import Contract
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.schema_walk import Schema, SchemaNode

# Maximum depth at which fields are counted, since schemas may be recursive.
_DEEPEST = 8


class Coverage:
    """Counts the events, fields and enum values that were sent, the integration's calls, and the answers of the
    identification API."""

    def __init__(self, contract: Contract, profile: Profile, answers: tuple[str, ...] = ()) -> None:
        self._contract = contract
        self._profile = profile
        self._events: Counter[str] = Counter()
        self._sent: dict[str, set[tuple[str, str | None]]] = {}
        self._answers: dict[str, int] = dict.fromkeys(answers, 0)
        self._lock = Lock()
        self._calls: dict[str, Counter[str]] = {}
        self._described: dict[str, dict[str, Schema]] = {}
        self._seen: set[tuple[str, int]] = set()

    def sent(self, event: str, body: bytes, status: int | None) -> None:
        """Counts a request. The fields and values of an invalid body don't count."""
        self._events[event] += 1
        mark = (event, hash(body))
        if mark in self._seen or len(body) > 256 * 1024:
            return
        self._seen.add(mark)
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return
        if not isinstance(document, dict | list):
            return
        fresh = set(_fresh(document, self._known(event), "", self._exercised(event)))
        # Most bodies hold nothing new, and need no look at their validity.
        if fresh and self._contract.is_valid(event, document):
            self._exercised(event).update(fresh)

    def _exercised(self, event: str) -> set[tuple[str, str | None]]:
        """The fields of an event that were sent (with None), and the values of their enums."""
        return self._sent.setdefault(event, set())

    def _known(self, event: str) -> dict[str, Schema]:
        """The fields that the contract of an event describes, by name."""
        known = self._described.get(event)
        if known is None:
            known = self._described[event] = dict(_described(self._contract.node(event)))
        return known

    def called(self, call: ApiCall) -> None:
        """Counts a call of the integration, by its answer. Thread-safe."""
        api = registry.identification()
        known = (call.vendor, call.operation) == (api.vendor, api.operation)
        name = api.answer_name(call.message) if known else None
        answer = str(call.status) if call.forced in ("", "refused") else call.forced
        answer += " (forced)" if call.forced else ""
        with self._lock:
            self._calls.setdefault(call.name, Counter())[answer] += 1
            if name is not None:
                self._answers[name] = self._answers.get(name, 0) + 1

    def document(self, unreached: Sequence[str] = ()) -> dict[str, Any]:
        """Returns the coverage as JSON. `unreached` are the events that no scenario reaches; if there are any, the key
        `no_scenario` lists them."""
        with self._lock:
            calls = {name: dict(sorted(answers.items())) for name, answers in sorted(self._calls.items())}
        return {
            "events": {
                "exercised": {name: self._events[name] for name in self._profile.event_names() if self._events[name]},
                "not_exercised": [name for name in self._profile.event_names() if not self._events[name]],
                **({"no_scenario": list(unreached)} if unreached else {}),
            },
            "fields": {name: self._fields_of(name) for name in self._profile.event_names()},
            "values": {name: values for name in self._profile.event_names() if (values := self._values_of(name))},
            "answers": {
                "exercised": {name: count for name, count in self._answers.items() if count},
                "not_exercised": [name for name, count in self._answers.items() if not count],
            },
            "calls": calls,
        }

    def _fields_of(self, event: str) -> dict[str, Any]:
        known = self._known(event)
        sent = {name for name, value in self._exercised(event) if value is None}
        return {
            "known": len(known),
            "exercised": len(known.keys() & sent),
            "not_exercised": sorted(known.keys() - sent, key=_importance),
        }

    def _values_of(self, event: str) -> dict[str, Any]:
        known = {
            (name, str(value))
            for name, schema in self._known(event).items()
            for value in schema.get("enum", ())
            if value is not None
        }
        sent = {(name, value) for name, value in self._exercised(event) if value is not None}
        if not known:
            return {}
        missing = [
            f"{name} = {value}" for name, value in sorted(known - sent, key=lambda pair: (_importance(pair[0]), pair))
        ]
        return {"known": len(known), "exercised": len(known & sent), "not_exercised": missing}


def _importance(name: str) -> tuple[int, str]:
    """Returns the order of fields: those next to the top of a body matter most."""
    return name.count("/"), name


def _described(
    node: SchemaNode, path: tuple[str, ...] = (), above: frozenset[int] = frozenset()
) -> list[tuple[str, Schema]]:
    """Returns the fields of a schema with their names, down to `_DEEPEST` levels. `*` stands for list items. What is
    within itself (`above` are the definitions that lead to it) counts once."""
    found: list[tuple[str, Schema]] = []
    own = definition(node)
    if len(path) > _DEEPEST or own in above:
        return found
    above |= {own}
    merged = node.merged()
    for key, inner in merged.properties():
        field = inner.merged()
        found.append(("/".join((*path, key)), field.schema))
        found += _described(inner, (*path, key), above)
    items = merged.items()
    if items is not None:
        found += _described(items, (*path, "*"), above)
    return found


def _fresh(
    value: Any, known: Mapping[str, Schema], name: str, sent: Collection[tuple[str, str | None]]
) -> Iterator[tuple[str, str | None]]:
    """Yields the known fields of a document, and the values of their enums, that are not among the `sent` ones."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                yield from _fresh(item, known, f"{name}*/", sent)
    else:
        for key, inner in value.items():
            field = name + key
            schema = known.get(field)
            if schema is not None:
                if (field, None) not in sent:
                    yield field, None
                if "enum" in schema and inner in schema["enum"] and (field, str(inner)) not in sent:
                    yield field, str(inner)
            if isinstance(inner, dict | list):
                yield from _fresh(inner, known, f"{field}/", sent)
