"""The ledger keeps the newest calls, and gives what was done for a conversation as a document."""

from __future__ import annotations

from threading import Thread
from typing import Any

import orjson
from vendorsim.delivery.ledger import Ledger
from vendorsim.vendorkit.api_call import ApiCall


def call(number: int, session: str = "17", *, body: Any = None, **how: Any) -> ApiCall:
    raw = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
    known: dict[str, Any] = {"status": 200, "method": "POST", "path": "/_sinks/crm/notes"} | how
    return ApiCall("sink", "crm", "", session, number, "bearer", None, message="", body=raw, **known)


def test_forgets_the_oldest_calls_beyond_its_size() -> None:
    ledger = Ledger(most_calls=3, most_bytes=1_000)
    for number in range(5):
        ledger.add(call(number))
    assert [each.at for each in ledger.calls()] == [2, 3, 4]
    ledger.add(call(5, body=b"x" * 600))
    ledger.add(call(6, body=b"x" * 600))
    assert [each.at for each in ledger.calls()] == [6]
    ledger.add(call(7, body=b"x" * 5_000))
    assert [each.at for each in ledger.calls()] == [7], "the newest call is always kept"
    ledger.clear()
    assert ledger.calls() == []


def test_the_state_of_a_conversation_is_what_was_done_for_it() -> None:
    ledger = Ledger()
    for each in (
        call(1, body={"text": "New chat"}),
        call(2, "18", body={"text": "Another"}),
        call(3, "", body={"text": "Nobody's"}),
        call(4, method="GET"),
        call(5, status=503, body={"text": "refused"}),
        call(6, body=b"plain \xff", path="/_sinks/crm/log"),
        call(7, method="DELETE", status=204),
    ):
        ledger.add(each)
    assert ledger.state("17") == {
        "calls": [
            {"call": "sink.crm", "method": "POST", "path": "/_sinks/crm/notes", "body": {"text": "New chat"}},
            {
                "call": "sink.crm",
                "method": "POST",
                "path": "/_sinks/crm/log",
                "body": "plain \N{REPLACEMENT CHARACTER}",
            },
            {"call": "sink.crm", "method": "DELETE", "path": "/_sinks/crm/notes", "body": None},
        ]
    }
    assert ledger.state("19") is None


def test_waits_for_calls_of_other_threads() -> None:
    ledger = Ledger()
    calling = Thread(target=lambda: [ledger.add(call(number)) for number in range(3)])
    calling.start()
    assert len(ledger.wait_until(list, lambda calls: len(calls) >= 3, 20.0)) == 3
    calling.join()
    assert ledger.wait_until(len, lambda count: count > 3, 0.0) == 3
