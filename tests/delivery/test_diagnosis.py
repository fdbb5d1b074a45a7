"""What a line says is wrong, and what to try, by what is known of the deliveries."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from vendorsim.delivery.body_differences import only_in
from vendorsim.delivery.diagnosis import Ending, Evidence, diagnose, evidence_of

TO = "http://127.0.0.1:8000/hook"
OK = ("started", "delivered", 200)


def evidence(*endings: tuple[str, str, int | None], reason: str = "", open: int | None = None, **more: Any) -> Evidence:
    found = Evidence(**more)
    for event, verdict, status in endings:
        found.note(Ending(event, verdict, status), reason, TO)
    found.open = sum(verdict != "delivered" for _, verdict, _ in endings) if open is None else open
    return found


@pytest.mark.parametrize(
    ("known", "problem", "remedy"),
    [
        (
            evidence(("said", "rejected", 404)),
            "The only attempt was answered 404.",
            f"Is the address right? They were sent to {TO}.",
        ),
        (evidence(*[("said", "rejected", 404)] * 7), "All 7 attempts were answered 404.", "Is the address right?"),
        (
            evidence(*[("said", "rejected", 401)] * 2),
            "Both attempts were answered 401.",
            "Is the secret or token the same",
        ),
        (evidence(*[("said", "rejected", 500)] * 3), "All 3 attempts were answered 500.", "look at its log"),
        (evidence(*[("said", "rejected", 418)] * 3), "All 3 attempts were answered 418.", "read what it answers"),
        (
            evidence(*[("said", "rejected", 202)] * 3, reason="answered 202, the vendor expects 200"),
            "All 3 attempts were answered 202.",
            "The vendor does not take this answer: answered 202, the vendor expects 200.",
        ),
        (
            evidence(*[("said", "rejected", 200)] * 3, reason="answered after 90 ms, the step expects it within 5 ms"),
            "All 3 attempts were answered after 90 ms, the step expects it within 5 ms.",
            "",
        ),
        (
            evidence(("said", "unreachable", None), reason="connection refused"),
            "The only attempt reached nobody (connection refused).",
            f"Does the integration run, and does it listen at {TO}?",
        ),
        (
            evidence(("said", "unreachable", None), reason="the host name 'x' can't be resolved: unknown"),
            "The only attempt reached nobody (the host name 'x' can't be resolved: unknown).",
            "Is the host name right?",
        ),
        (
            evidence(*[("said", "timed out", None)] * 3, reason="no answer within 5 s"),
            "All 3 attempts timed out (no answer within 5 s).",
            "Does it answer before it does the work?",
        ),
        (evidence(("said", "broken", None)), "The only attempt got no complete answer.", "Does the integration crash"),
        (
            evidence(OK, ("said", "rejected", 500), ("said", "rejected", 500)),
            "Both attempts of said were answered 500; the other events were accepted.",
            "Look at the body of said",
        ),
        (
            evidence(OK, ("said", "delivered", 200), ("said", "rejected", 500)),
            "1 of 2 attempts of said was answered 500; the others were accepted.",
            "Compare a said that failed with one that was accepted",
        ),
        (
            evidence(OK, ("said", "rejected", 500), ("ended", "rejected", 500)),
            "2 of 3 attempts were answered 500.",
            "look at its log",
        ),
        (
            evidence(OK, ("said", "rejected", 500), ("ended", "timed out", None), ("ended", "rejected", 500)),
            "2 of 4 attempts were answered 500; 1 failed in other ways.",
            "look at its log",
        ),
        (
            evidence(OK, ("said", "rejected", 503), ("said", "delivered", 200), open=0),
            "1 attempt was answered 503; what failed was accepted when it was sent again.",
            "Nothing is left to do",
        ),
        (
            evidence(OK, missed=2, first_missed="conversation 7: /n: expected 1, found 2"),
            "The answers are fine, but not what the integration did: conversation 7: /n: expected 1, found 2 (1 more).",
            "Look at what the integration stored",
        ),
        (
            evidence(OK, missed=1, first_missed="conversation 7: x", faults=Counter({"duplicate=1": 5})),
            "The answers are fine, but not what the integration did: conversation 7: x.",
            "Some deliveries were sent more than once (duplicate=1): does it store one again",
        ),
        (
            evidence(OK, missed=1, first_missed="conversation 7: x", faults=Counter({"reorder=3": 1})),
            "The answers are fine, but not what the integration did: conversation 7: x.",
            "Some deliveries came in another order (reorder=3)",
        ),
        (
            evidence(OK, ("said", "rejected", 503), OK, open=0, missed=1, first_missed="conversation 7: x"),
            "The answers are fine, but not what the integration did: conversation 7: x.",
            "Look at what the integration stored",
        ),
        (evidence(OK, switched_off=True), "The vendor has switched the hook off.", "Switch it on again"),
    ],
)
def test_says(known: Evidence, problem: str, remedy: str) -> None:
    found = diagnose(known)
    assert found is not None
    assert found.problem == problem
    assert remedy in found.remedy


@pytest.mark.parametrize(
    "known",
    [
        evidence(),
        evidence(OK),
        evidence(OK, ("said", "spoiled", 400)),
        evidence(OK, faults=Counter({"duplicate=1": 2})),
    ],
)
def test_says_nothing_where_nothing_is_known_to_be_wrong(known: Evidence) -> None:
    assert diagnose(known) is None


def row(delivery: str, verdict: str, status: int | None = 200, **more: Any) -> dict[str, Any]:
    return {
        "delivery": delivery,
        "copy": 0,
        "target": TO,
        "event": "said",
        "verdict": verdict,
        "status": status,
        "milliseconds": 1.0,
        "reason": None,
        "faults": "",
    } | more


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        ([row("a", "rejected", 503), row("a", "delivered")], 0),
        ([row("a", "rejected", 503), row("b", "delivered")], 1),
        ([row("a", "rejected", 503), row("a", "delivered", copy=1)], 1),
        # An outage on purpose sends nothing.
        ([row("a", "unreachable", None, milliseconds=None, faults="outage=0s..5m")], 0),
        ([row("a", "not sent", None, milliseconds=None)], 0),
    ],
)
def test_a_delivery_counts_until_it_is_accepted(rows: list[dict[str, Any]], left: int) -> None:
    assert evidence_of(rows).open == left


@pytest.mark.parametrize(
    ("failed", "accepted", "told"),
    [
        ([{"content": None}], [{"content": "Hi"}], ["/content is null"]),
        ([{"a": [], "id": 1}], [{"a": [2], "id": 2}], ["/a is empty"]),
        ([{"id": 1}], [{"id": 2, "who": {"name": "x"}}], ["/who is missing"]),
        ([{"id": 1, "file": {"url": "x y"}}], [{"id": 2}], ["/file is there"]),
        ([{"kind": "photo"}], [{"kind": "text"}], ['/kind is "photo"']),
        ([{"list": [{"x": None}]}], [{"list": [{"x": 1}]}], ["/list/*/x is null"]),
        ([{"private": True}], [{"private": False}], ["/private is true"]),
        # What people write, and numbers, tell nothing.
        ([{"text": "One two", "id": 1}], [{"text": "Three four", "id": 2}], []),
        ([{"a": 1}, {"a": None}], [{"a": 1}], []),
        ([], [{"a": 1}], []),
        ([{"a": 1}], [], []),
        ([None], [{}], ["the body is null"]),
    ],
)
def test_what_only_the_bodies_that_failed_have(failed: list[Any], accepted: list[Any], told: list[str]) -> None:
    assert only_in(failed, accepted) == told
