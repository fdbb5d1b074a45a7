"""`fuzz`: made-up bodies, what they find, and how it is told."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from helpdesk import Store, create_app
from openapi_spec_validator import OpenAPIV31SpecValidator
from receiver import Answer, Connection, Receiver, Request, never, status
from vendorsim.checks import receiver_openapi
from vendorsim.checks.forms import applied
from vendorsim.checks.fuzz import edits_between
from vendorsim.checks.makers import BodyMakers, MakerError
from vendorsim.testing.app_server import app_server
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry

EXAMPLES = 30


def answering(judge: Callable[[Any], Answer]) -> Callable[[Connection, Request], None]:
    """An integration that looks at documents; it answers 400 to what is none."""

    def answer(connection: Connection, request: Request) -> None:
        try:
            document = request.json
        except ValueError:
            connection.send(status(400))
            return
        given = judge(document)
        if callable(given):
            given(connection, request)
        else:
            connection.send(given)

    return answer


def fuzzed(
    vendorsim: Vendorsim, target: Receiver, *arguments: object, only: str = "fuzz", examples: int = EXAMPLES
) -> Completed:
    place = ("--vendor", "smartsupp", "--to", target.url(), "--only", only)
    return vendorsim("check", *place, "--fuzz", "--max-examples", examples, *arguments, "--json")


def is_negative(document: Any) -> bool:
    number = document.get("accountId")
    return isinstance(number, int) and number < 0


@pytest.mark.slow
def test_a_value_that_the_integration_falls_over(vendorsim: Vendorsim) -> None:
    with Receiver(answering(lambda document: status(500 if is_negative(document) else 200))) as target:
        checked = fuzzed(vendorsim, target, only="fuzz.positive")
        assert checked.code == 1, checked.err
        (finding,) = checked.json["findings"]
        sent = len(target.requests)
        again = vendorsim(*finding["reproduce"].split()[1:], "--json")
        bodies = target.bodies[sent:]
    assert (finding["severity"], finding["event"], finding["pointer"]) == ("error", "post_hook", "/accountId")
    assert (finding["expected"], finding["found"]) == ("200-299", "500")
    assert '"accountId": -1' in finding["request"]
    assert f"--max-examples {EXAMPLES} --only fuzz.positive:post_hook:/accountId=" in finding["reproduce"]
    assert [json.loads(body)["accountId"] for body in bodies] == [-1], "nothing else is sent"
    assert [(found["key"], found["request"]) for found in again.json["findings"]] == [
        (finding["key"], finding["request"])
    ]


@pytest.mark.parametrize("name", ["x", "eJw", "!!!!", "A" * 40])
def test_a_case_that_stands_for_no_body_is_not_judged(name: str, vendorsim: Vendorsim) -> None:
    with Receiver() as target:
        checked = fuzzed(vendorsim, target, only=f"fuzz.positive:post_hook:{name}")
    (check,) = checked.json["checks"]
    assert (check["status"], checked.code) == ("not_judged", 4)
    assert "copy the name from the command of a finding" in check["reason"]
    assert target.requests == []


@pytest.mark.slow
def test_a_field_that_the_integration_takes_for_granted(vendorsim: Vendorsim) -> None:
    def judge(document: Any) -> bytes:
        try:
            needed = document["accountId"], document["channel"]["id"], document["visitor"]["name"]
            return status(422 if None in needed else 200)
        except LookupError:
            return status(500)
        except TypeError:
            return status(400)

    with Receiver(answering(judge)) as target:
        # What Hypothesis makes up depends on what else was imported.
        checked = fuzzed(vendorsim, target, examples=300, only="fuzz.negative")
    findings = checked.json["findings"]
    assert {(found["check"], found["severity"], found["found"]) for found in findings} == {
        ("fuzz.negative", "error", "500")
    }
    assert {found["pointer"] for found in findings} <= {
        "/accountId",
        "/channel",
        "/channel/id",
        "/visitor",
        "/visitor/name",
    }
    assert checked.code == 1


@pytest.mark.slow
def test_a_refusal_is_a_warning_and_hides_nothing(vendorsim: Vendorsim) -> None:
    def judge(document: Any) -> bytes:
        if is_negative(document):
            return status(500)
        return status(200 if document["visitor"]["name"] else 422)

    with Receiver(answering(judge)) as target:
        checked = fuzzed(vendorsim, target, only="fuzz.positive")
    found = {(found["found"], found["severity"], found["pointer"]) for found in checked.json["findings"]}
    assert found == {("500", "error", "/accountId"), ("422", "warning", "/visitor/name")}


def test_no_answer_is_a_failure_too(vendorsim: Vendorsim) -> None:
    def judge(document: Any) -> Answer:
        return never if is_negative(document) else status(200)

    with Receiver(answering(judge)) as target:
        checked = fuzzed(vendorsim, target, "--policy", "read_timeout=300ms", only="fuzz.positive")
    assert checked.code == 1
    assert "no answer within 0.3 s" in {finding["found"] for finding in checked.json["findings"]}
    assert checked.json["checks"][0]["status"] == "failed"


def document(schema: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document of a receiver that takes what fits the schema."""
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    operation = {"requestBody": body, "responses": {"200": {"description": ""}}}
    return {"openapi": "3.1.0", "info": {"title": "a receiver", "version": "1"}, "paths": {"/": {"post": operation}}}


MOMENT = "^[0-9]{4}-[0-9]{2}$"
FIELDS = {"at": {"type": ["string", "null"], "pattern": MOMENT}, "id": {"type": "integer"}}
DOCUMENT = document({"type": "object", "properties": FIELDS, "required": ["at", "id"]})


def bodies(*orders: tuple[bool, int]) -> list[list[Any]]:
    """What one process makes for orders of ten valid or invalid bodies, each with its seed."""

    async def make() -> list[list[Any]]:
        made: list[list[Any]] = []

        async def keep(body: Any) -> bool:
            made[-1].append(body)
            return True

        makers = BodyMakers()
        try:
            for valid, seed in orders:
                made.append([])
                await makers.generate(DOCUMENT, valid, 10, seed, keep)
        finally:
            await makers.close()
        return made

    return asyncio.run(make())


@pytest.mark.slow
def test_a_seed_makes_the_same_bodies_whatever_the_process_made_before() -> None:
    valid, invalid, again = bodies((True, 1), (False, 1), (True, 1))
    assert again == valid
    assert bodies((False, 1)) == [invalid]
    assert bodies((True, 2)) != [valid]
    texts = {body["at"] for body in valid}
    assert None in texts
    assert all(re.fullmatch(MOMENT, text) for text in texts - {None})


def test_a_process_that_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(MakerError, match="the process that generates bodies has ended by itself"):
        bodies((True, 1))


@pytest.mark.slow
def test_nothing_else_is_sent_from_a_failure_until_its_event_is_done(vendorsim: Vendorsim) -> None:
    taken: list[tuple[str, bool]] = []

    def judge(body: Any) -> bytes:
        fails = body.get("id", 0) < 0
        taken.append((body["_event"], fails))
        return status(500 if fails else 200)

    with Receiver(answering(judge)) as target:
        place = ("--vendor", "userlike", "--to", target.url(), "--only", "fuzz.positive:operator.*", "--fuzz")
        checked = vendorsim("check", *place, "--max-examples", EXAMPLES, "--json")
    (finding,) = checked.json["findings"]
    assert (finding["pointer"], finding["event"]) == ("/id", "operator.online")
    failed = {event for event, fails in taken if fails}
    assert failed
    names = [event for event, _ in taken]
    for event in failed:
        last = max(number for number, name in enumerate(names) if name == event)
        assert set(names[taken.index((event, True)) : last + 1]) == {event}


@pytest.mark.slow
def test_the_helpdesk_falls_over_nothing(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "tickets.sqlite")
    before = set(tmp_path.iterdir())
    with app_server(create_app(store)) as desk:
        url = f"{desk.url}/hooks/chatvisor"
        checked = vendorsim("check", "--vendor", "chatvisor", "--to", url, "--only", "fuzz", "--fuzz", "--json")
    after = set(tmp_path.iterdir())
    store.close()
    assert checked.code == 0
    assert {check["id"]: check["status"] for check in checked.json["checks"]} == {
        "fuzz.positive": "passed",
        "fuzz.negative": "passed",
    }
    assert sum(check["cases"] for check in checked.json["checks"]) > 100
    assert {path.name for path in after - before} <= {"tickets.sqlite-wal", "tickets.sqlite-shm"}


def test_without_fuzz_it_is_skipped(vendorsim: Vendorsim) -> None:
    with Receiver() as target:
        checked = vendorsim("check", "--vendor", "smartsupp", "--to", target.url(), "--only", "fuzz", "--json")
    assert {(check["status"], check["reason"]) for check in checked.json["checks"]} == {("skipped", "give --fuzz")}
    assert target.requests == []


def test_without_schemathesis_nothing_is_sent(vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "schemathesis", None)
    with Receiver() as target:
        checked = fuzzed(vendorsim, target)
    assert (checked.code, checked.out) == (3, "")
    assert checked.err == "Error: --fuzz needs Schemathesis: pip install 'vendorsim[fuzz]'\n"
    assert target.requests == []


PROFILES = [(name, profile) for name in registry.names() for profile in registry.get(name).profiles]


@pytest.mark.slow
@pytest.mark.parametrize(("vendor", "profile"), PROFILES)
def test_the_receiver_as_an_openapi_document(vendor: str, profile: str) -> None:
    contract = contracts.contract(vendor, profile)
    for event in registry.get(vendor).profile(profile).event_names():
        document = receiver_openapi.document(contract, event, "/hook/{id}", frozenset({200}))
        OpenAPIV31SpecValidator(document).validate()
        assert list(document["paths"]) == ["/hook/%7Bid%7D"]
        assert ".schema.json" not in json.dumps(references(document))


def references(value: Any) -> list[str]:
    """Every reference of a document."""
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for item in value.values() for found in references(item)]
    return [found for item in value for found in references(item)] if isinstance(value, list) else []


@pytest.mark.parametrize(
    ("usual", "odd", "pointers"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, []),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ["/b"]),
        ({"a": 1, "b": 2}, {"a": 1}, ["/b"]),
        ({"a": 1}, {"a": 1, "x/y": None}, ["/x~1y"]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 0, "c": 2}}, ["/a/b"]),
        ({"a": [1, 2]}, {"a": [1]}, ["/a"]),
        ({"a": {"b": 1}}, {"a": 7}, ["/a"]),
    ],
)
def test_differences(usual: Any, odd: Any, pointers: list[str]) -> None:
    edits = list(edits_between(usual, odd))
    assert [edit.pointer for edit in edits] == pointers
    assert applied(usual, edits) == odd


def test_what_is_no_object_has_no_differences() -> None:
    assert list(edits_between({"a": 1}, b"\x00")) == []
