"""Where the reference validator is asked, too: before a body of ours is refused, and about captured bodies.

The two differ in a few corners: Python's `$` also matches before a newline at the end, and jsonschema divides floats.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from vendorsim.cli.validate import MOST_CONFIRMED
from vendorsim.core.errors import ContractError
from vendorsim.vendorkit.contract import Contract

SCHEMA = {
    "type": "object",
    "properties": {
        "word": {"type": "string", "pattern": "^[a-z]+$"},
        "price": {"multipleOf": 0.01},
        "inner": {"$ref": "note.schema.json"},
    },
}
ONLY_FAST = " (says jsonschema-rs; jsonschema accepts it)"
ONLY_REFERENCE = " (says jsonschema; jsonschema-rs accepts it)"


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    (tmp_path / "note.schema.json").write_text(json.dumps(SCHEMA))
    return Contract("smartsupp", "documented", tmp_path)


@pytest.mark.parametrize("body", [{}, {"word": "abc"}, {"word": "abc\n"}, {"price": 0.07}])
def test_a_body_of_ours_is_sent_if_one_of_the_two_accepts_it(contract: Contract, body: Any) -> None:
    contract.require("note", body)


@pytest.mark.parametrize("body", [{"word": "ABC"}, {"price": 0.015}, []])
def test_a_body_of_ours_that_both_refuse_is_an_error(contract: Contract, body: Any) -> None:
    with pytest.raises(ContractError, match="the smartsupp body of note breaks its contract at"):
        contract.require("note", body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"word": "abc"}, []),
        ({"word": "ABC"}, [("/word", '"ABC" does not match "^[a-z]+$"')]),
        ({"word": "abc\n"}, [("/word", f'"abc\\n" does not match "^[a-z]+$"{ONLY_FAST}')]),
        ({"price": 0.07}, [("/price", f"0.07 is not a multiple of 0.01{ONLY_REFERENCE}")]),
    ],
)
def test_a_violation_that_only_one_of_them_sees_says_so(contract: Contract, body: Any, expected: Any) -> None:
    found = contract.confirmed("note", body, contract.violations("note", body))
    assert [(each.pointer, each.message) for each in found] == expected


def test_what_is_nested_too_deeply_for_the_reference_is_judged_by_the_other(contract: Contract) -> None:
    body: dict[str, Any] = {"word": "ABC"}
    for _ in range(250):
        body = {"inner": body}
    found = contract.violations("note", body)
    assert [each.pointer for each in found] == ["/inner" * 250 + "/word"]
    assert contract.confirmed("note", body, found) == found


def test_captured_payloads_are_judged_by_both(vendorsim: Vendorsim) -> None:
    body = vendorsim("generate", "everyday-chat", "--vendor", "chatvisor").lines[1]["body"]
    body["createdAt"] += "\n"
    judged = vendorsim("validate", "--vendor", "chatvisor", "-", input=json.dumps(body).encode())
    assert judged.code == 1
    assert judged.out.splitlines()[0].startswith("-: new_message /createdAt: ")
    assert judged.out.splitlines()[0].endswith(ONLY_FAST)


def test_of_many_payloads_each_violation_is_judged_by_both(
    vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    confirmed = Contract.confirmed

    def counting(self: Contract, event: str, body: Any, found: Any) -> Any:
        asked.append(body)
        return confirmed(self, event, body, found)

    monkeypatch.setattr(Contract, "confirmed", counting)
    sound = vendorsim("generate", "everyday-chat", "--vendor", "chatvisor").lines[1]["body"]
    broken = sound | {"createdAt": "soon"}
    lines = [json.dumps(body) for body in [sound] * MOST_CONFIRMED + [sound, broken]]
    judged = vendorsim("validate", "--vendor", "chatvisor", "-", "--json", input="\n".join(lines).encode())
    assert len(judged.json["violations"]) == 1
    assert asked == [sound] * MOST_CONFIRMED + [broken]
