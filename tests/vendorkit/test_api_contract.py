"""What the documents of the vendors' APIs say of the bodies of calls and answers."""

from __future__ import annotations

from typing import Any

import pytest
from vendorsim.vendorkit.api_contract import judge_call

DEEP: Any = [[]]
for _ in range(300):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("vendor", "operations", "body", "status", "answer", "found"),
    [
        ("messagehub", ["create_message"], {"content": "Hello"}, 200, None, []),
        ("messagehub", ["create_message"], {"content": 5}, 200, None, ["/content"]),
        ("messagehub", ["create_message"], {"private": True, "more": 1}, 422, None, [""]),
        ("messagehub", ["create_message"], DEEP, 200, None, [""]),
        ("messagehub", ["create_message"], None, 404, {"error": 404}, ["/error"]),
        ("messagehub", ["set_labels"], None, 200, {"payload": ["vip"]}, []),
        ("messagehub", ["set_labels"], {"labels": "vip"}, 200, {"payload": "vip"}, ["/labels", "/payload"]),
        ("chatvisor", ["tag_customer"], {"id": True}, 0, None, ["/id"]),
        ("ccai", ["end_user", "end_user_chats"], {"identifier": "crm-1"}, 202, None, []),
        ("ccai", ["end_user", "end_user_chats"], {"identifier": 5}, 202, None, ["/identifier"]),
    ],
)
def test_bodies_are_held_to_the_document(
    vendor: str, operations: list[str], body: Any, status: int, answer: Any, found: list[str]
) -> None:
    judged = judge_call(vendor, operations, body, status, answer)
    assert judged is not None
    assert sorted({each.pointer for each in judged}) == found


def test_a_violation_of_the_answer_says_so() -> None:
    (violation,) = judge_call("messagehub", ["set_labels"], None, 200, {"payload": 1}) or ()
    assert violation.message.startswith("in the answer: 1 is not of type")


@pytest.mark.parametrize(
    ("vendor", "operations", "status"),
    [("messagehub", ["", "_"], 200), ("messagehub", ["create_message"], 201), ("userlike", ["anything"], 200)],
    ids=["no operation", "another status", "no API"],
)
def test_what_no_document_describes_is_not_judged(vendor: str, operations: list[str], status: int) -> None:
    assert judge_call(vendor, operations, None, status, {"id": 7}) is None
