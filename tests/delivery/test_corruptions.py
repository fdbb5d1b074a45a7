"""Broken bodies: each kind changes a body, and where it says so, breaks the contract of any vendor's event."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorsim.delivery.corruptions import CORRUPTIONS, OVERSIZE, corrupt
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.contract import Contract

BREAKING = ("missing", "type", "null")
SMALL = [kind for kind in CORRUPTIONS if kind not in ("oversized", "deep")]


def _examples() -> Iterator[tuple[str, Contract, str, bytes]]:
    """Every example of every event of every vendor and profile."""
    for vendor in registry.names():
        for profile in registry.get(vendor).profiles.values():
            contract = contracts.contract(vendor, profile.name)
            for path in sorted((contract.folder / "examples").glob("*.json")):
                event = next((name for name in profile.event_names() if path.name.startswith(f"{name}.")), None)
                if event is not None:
                    document = orjson.loads(path.read_bytes())
                    yield f"{vendor}/{path.stem}", contract, event, orjson.dumps(document.get("body", document))


EXAMPLES = {name: (contract, event, body) for name, contract, event, body in _examples()}
every_event = pytest.mark.parametrize("name", EXAMPLES)
names = st.sampled_from(sorted(EXAMPLES))
seeds = st.integers(0, 2**64)


def corrupted(kind: str, name: str, seed: int) -> bytes:
    contract, event, body = EXAMPLES[name]
    return corrupt(kind, body, lambda changed: not contract.is_valid(event, changed), Random(seed), orjson.dumps)


def keeps_contract(name: str, body: bytes) -> bool:
    contract, event, _ = EXAMPLES[name]
    return contract.is_valid(event, orjson.loads(body))


def is_unchanged(name: str, body: bytes) -> bool:
    return bool(orjson.loads(body) == orjson.loads(EXAMPLES[name][2]))


def test_every_event_of_every_vendor_has_an_example() -> None:
    known = {
        (vendor, event)
        for vendor in registry.names()
        for profile in registry.get(vendor).profiles.values()
        for event in profile.event_names()
    }
    assert {(contract.vendor, event) for contract, event, _ in EXAMPLES.values()} == known


# Every kind meets every event once, and then events and seeds at random: the whole product of events, kinds and seeds
# takes thousands of cases and finds nothing more.


@pytest.mark.parametrize("kind", BREAKING)
def test_breaks_the_contract_of_every_event(kind: str) -> None:
    kept = [name for number, name in enumerate(EXAMPLES) if keeps_contract(name, corrupted(kind, name, number))]
    assert kept == []


@pytest.mark.parametrize("kind", BREAKING)
@given(name=names, seed=seeds)
def test_breaks_the_contract_whatever_the_seed(kind: str, name: str, seed: int) -> None:
    assert not keeps_contract(name, corrupted(kind, name, seed))


@every_event
def test_an_example_keeps_the_contract(name: str) -> None:
    assert keeps_contract(name, EXAMPLES[name][2])


@pytest.mark.parametrize("kind", SMALL)
def test_changes_the_body_of_every_event(kind: str) -> None:
    same = [name for number, name in enumerate(EXAMPLES) if is_unchanged(name, corrupted(kind, name, number))]
    assert same == []


@pytest.mark.parametrize("kind", SMALL)
@given(name=names, seed=seeds)
def test_changes_the_body_the_same_way_every_time(kind: str, name: str, seed: int) -> None:
    changed = corrupted(kind, name, seed)
    assert not is_unchanged(name, changed)
    assert changed == corrupted(kind, name, seed)


@every_event
def test_size_and_depth(name: str) -> None:
    assert len(corrupted("oversized", name, 0)) >= OVERSIZE
    deep = corrupted("deep", name, 0)
    assert deep.count(b"[") == deep.count(b"]") >= 2_000
    with pytest.raises(orjson.JSONDecodeError):  # its parser gives up at 1024 levels
        orjson.loads(deep)


@every_event
def test_hits_many_places(name: str) -> None:
    contract, event, body = EXAMPLES[name]
    document = orjson.loads(body)
    filled = [key for key, value in document.items() if value not in (None, "", [], {})]
    counting = [key for key in filled if not contract.is_valid(event, {**document, key: None})]
    assert len({corrupted("null", name, seed) for seed in range(40)}) >= min(4, len(counting))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("missing", {"status": "open", "note": None}),
        ("type", {"id": ["unexpected"], "status": "open", "note": None}),
        ("null", {"id": None, "status": "open", "note": None}),
        ("enum", {"id": 1, "status": "vendorsim_unknown_value", "note": None}),
        ("extra", {"id": 1, "status": "open", "note": None, "vendorsim_extra_field": {"added": True}}),
    ],
)
def test_takes_the_change_that_counts(kind: str, expected: dict[str, Any]) -> None:
    """Of all fields, the one whose loss or change the contract forbids."""

    def breaks(body: Any) -> bool:
        return body.get("status") == "vendorsim_unknown_value" or not isinstance(body.get("id"), int)

    body = orjson.dumps({"id": 1, "status": "open", "note": None})
    for seed in range(20):
        assert orjson.loads(corrupt(kind, body, breaks, Random(seed), orjson.dumps)) == expected


@pytest.mark.parametrize("body", [b"{}", b"[]", b"12", b'"text"', b"null", b"", b"\xff", b"[" * 3_000, b'{"a":null}'])
@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_stands_any_body(kind: str, body: bytes) -> None:
    changed = corrupt(kind, body, lambda changed: False, Random(0), orjson.dumps)
    assert changed == body or body.startswith(b"{")
