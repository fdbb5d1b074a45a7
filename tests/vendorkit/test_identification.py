"""The identification API: one value on the object of the vendor that has it; the core reads nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from vendorsim.core.errors import InputError
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.contract import contract


@pytest.fixture
def no_cache() -> Iterator[None]:
    registry.identification.cache_clear()
    yield
    registry.identification.cache_clear()


def test_it_is_an_operation_of_the_vendor_that_describes_it() -> None:
    known = registry.identification()
    vendor = registry.get(known.vendor)
    assert vendor.identification is known
    assert "authenticate" in vendor.api_verbs
    paths = {operation.path for operation in vendor.operations if operation.name == known.operation}
    made = {known.path_of(comm_type, ":id").count("/") for comm_type in known.comm_types.values()}
    assert {path.count("/") for path in paths} == made
    assert contract(known.vendor, known.profile).violations(known.operation, dict(known.example)) == []


def test_answers_are_found_by_their_messages() -> None:
    known = registry.identification()
    for name, answer in known.answers.items():
        assert name in (answer.name, answer.message)
        assert known.answer_name(answer.message) == answer.name
    assert known.answer_name("no such message") is None


def test_without_a_vendor_that_has_one_a_message_says_so(monkeypatch: pytest.MonkeyPatch, no_cache: None) -> None:
    alone = replace(registry.get("smartsupp"), identification=None)
    monkeypatch.setattr(registry, "names", lambda: ("smartsupp",))
    monkeypatch.setattr(registry, "get", lambda name: alone)
    with pytest.raises(InputError, match="no installed vendor has an API that identifies visitors"):
        registry.identification()


def test_headers_with_underscores_are_those_that_vendors_declare() -> None:
    declared = {name for vendor in registry.names() for name in registry.get(vendor).headers_with_underscores}
    assert registry.headers_with_underscores() == {name.encode() for name in declared}
    assert all("_" in name and name == name.lower() for name in declared)
