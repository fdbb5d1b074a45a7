"""The documents of every vendor and profile: whole, labelled, valid, and speaking of nothing private."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate as validate_openapi
from vendorsim.core.provenance import PROVENANCES
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.contract import Contract
from vendorsim.vendorkit.contract_documents import DIALECT, contract_problems, is_labelled, resolved, schema_problems
from vendorsim.vendorkit.contract_folder import SUFFIX
from vendorsim.vendorkit.personal import KINDS
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

PROFILES = [(vendor, profile) for vendor in map(registry.get, registry.names()) for profile in vendor.profiles.values()]
each_profile = pytest.mark.parametrize(
    ("vendor", "profile"), PROFILES, ids=[f"{vendor.name}-{profile.name}" for vendor, profile in PROFILES]
)


def contract_of(vendor: Vendor, profile: Profile) -> Contract:
    return contracts.contract(vendor.name, profile.name)


def documents(kind: str) -> Any:
    """One test per file of that kind in any vendor's folders."""
    found = [
        pytest.param(path, id=f"{vendor.name}-{profile.name}-{path.name}")
        for vendor, profile in PROFILES
        for path in sorted(contract_of(vendor, profile).folder.glob(kind))
    ]
    return pytest.mark.parametrize("path", found)


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


@each_profile
def test_each_event_has_a_schema_and_each_schema_an_event_or_an_operation(vendor: Vendor, profile: Profile) -> None:
    contract = contract_of(vendor, profile)
    in_operations = set(references(contract.openapi["paths"]))
    bodies = {name.removesuffix(SUFFIX) for name in in_operations if name.endswith(SUFFIX)} - {"objects"}
    assert set(contract.events) == set(profile.event_names()) | bodies
    assert contract.events, "a vendor without any contract has nothing to imitate"


@each_profile
def test_the_openapi_document_is_valid_and_has_exactly_the_events_as_webhooks(vendor: Vendor, profile: Profile) -> None:
    contract = contract_of(vendor, profile)
    document = contract.openapi
    assert document["openapi"].startswith("3.1.")
    validate_openapi(document, base_uri=(contract.folder / "openapi.json").as_uri())
    assert set(document.get("webhooks", {})) == set(profile.event_names())
    for reference in references(document):
        assert reference == "" or (contract.folder / reference).is_file(), reference


@each_profile
def test_each_webhook_of_the_openapi_document_refers_to_its_own_schema(vendor: Vendor, profile: Profile) -> None:
    for name, item in contract_of(vendor, profile).openapi.get("webhooks", {}).items():
        content = item["post"]["requestBody"]["content"]
        assert {body["schema"]["$ref"] for body in content.values()} == {name + SUFFIX}


@each_profile
def test_operations_and_answers_say_where_they_are_known_from(vendor: Vendor, profile: Profile) -> None:
    document = contract_of(vendor, profile).openapi
    for section in ("webhooks", "paths"):
        for name, item in document.get(section, {}).items():
            for method in item.keys() & {"get", "put", "post", "delete", "patch"}:
                stated = {"the operation": item[method], **item[method]["responses"]}
                assert [what for what, part in stated.items() if not is_labelled(resolved(part, document))] == [], name


@each_profile
def test_events_and_policy_say_where_they_are_known_from(vendor: Vendor, profile: Profile) -> None:
    for kind in profile.events:
        assert kind.provenance in PROVENANCES
        assert kind.source
        assert kind.summary
    policy = profile.policy
    for stated in (policy.accepted, policy.connect_timeout, policy.read_timeout):
        assert stated.source
    assert profile.title
    assert vendor.title


@each_profile
def test_the_schemas_and_examples_are_those_of_a_good_pack(vendor: Vendor, profile: Profile) -> None:
    """Each event has a schema and an example, each property a provenance and a source, and examples are valid."""
    assert list(contract_problems(vendor.name, profile, contract_of(vendor, profile).folder)) == []


@documents(f"*{SUFFIX}")
def test_a_schema_is_valid_by_the_meta_schema(path: Path) -> None:
    schema = read(path)
    assert schema["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(schema)


@documents("examples/*.json")
def test_an_example_is_labelled_and_keeps_the_contract(path: Path) -> None:
    example = read(path)
    assert set(example) == {"provenance", "source", "event", "body"}
    assert example["provenance"] in PROVENANCES
    assert example["source"].strip()
    event = example["event"]
    assert path.stem == event or path.stem.startswith(f"{event}.")
    profile, vendor = path.parts[-3], path.parts[-4]
    contract = contracts.contract(vendor, profile)
    assert contract.violations(event, example["body"]) == []
    known = registry.get(vendor).profile(profile)
    if event in known.event_names():
        assert known.identify(example["body"]) == event


# What no document may mention: where the facts were noted down, or a path of somebody's machine.
PRIVATE = re.compile(
    r"\bseeds?\b|\bshared/|fact sheet|\bfacts/|file://|(?<![\w.:/])/(?:work|tmp|home|root|Users)/", re.IGNORECASE
)


@pytest.mark.parametrize("kind", [f"*{SUFFIX}", "openapi.json", "examples/*.json"])
@each_profile
def test_no_document_mentions_anything_private(vendor: Vendor, profile: Profile, kind: str) -> None:
    for path in contract_of(vendor, profile).folder.glob(kind):
        found = PRIVATE.search(path.read_text("utf-8"))
        assert found is None, f"{path.name}: {found and found.group()}"


def references(document: Any) -> Iterator[str]:
    """The files that a document refers to; "" is the document itself."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "$ref" and isinstance(value, str):
                yield value.partition("#")[0]
            else:
                yield from references(value)
    elif isinstance(document, list):
        for item in document:
            yield from references(item)


# Names of fields that hold personal data wherever they stand.
PERSONAL = {
    "email": "email", "client_email": "email", "phone": "phone", "phone_number": "phone", "ip": "ip", "ipAddress": "ip",
    "first_name": "name", "last_name": "name", "firstname": "name", "lastname": "name", "client_name": "name",
    "available_name": "name", "avatar_url": "url", "thumbnail": "url", "access_token": "token", "pubsub_token": "token",
    "city": "place", "loc_city": "place",
}  # fmt: skip


def described_fields(document: Any) -> Iterator[tuple[str, Any]]:
    """Every field of a document, schemas in OpenAPI documents included."""
    if isinstance(document, dict):
        yield from document.get("properties", {}).items()
        document = list(document.values())
    for item in document if isinstance(document, list) else ():
        yield from described_fields(item)


@pytest.mark.parametrize("vendor", registry.names())
def test_fields_with_personal_data_say_so(vendor: str) -> None:
    folder = registry.get(vendor).contracts()
    for path in sorted(folder.rglob("*.json")):
        if "examples" in path.parts:
            continue
        for name, schema in described_fields(read(path)):
            kind = schema.get("x-personal") if isinstance(schema, dict) else None
            assert kind is None or kind in KINDS, (path, name)
            holds_text = isinstance(schema, dict) and "string" in schema.get("type", ())
            assert kind == PERSONAL[name] if name in PERSONAL and holds_text and "enum" not in schema else True, (
                path,
                name,
            )


def test_a_kind_of_personal_data_that_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    field = {"type": "string", "x-provenance": "assumed", "x-source": "nothing", "x-personal": "emial"}
    path = tmp_path / "asked.schema.json"
    path.write_text(json.dumps({"$schema": DIALECT, "type": "object", "properties": {"mail": field}}))
    (problem,) = schema_problems(path)
    assert (
        str(problem)
        == f"{path}#/properties/mail/x-personal: unknown kind of personal data 'emial'; did you mean 'email'?"
    )
