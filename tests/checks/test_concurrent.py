"""`concurrent`: races between requests are found, and integrations without one are left in peace."""

from __future__ import annotations

from typing import Any

import pytest
import racing
from command_line import Vendorsim
from thorough import few_of
from vendorsim.checks.waiting import Waiting
from vendorsim.testing.hosting import hosted

# What is stored is there before the answer: there is no need to wait for it.
HASTY = Waiting(state=0.1, rounds=0.2)
COPIES = {"concurrent.twins", "concurrent.retry"}

BUGS = [
    pytest.param(racing.look_then_insert, 0.03, COPIES, id="look, then insert 30 ms later"),
    pytest.param(racing.look_then_insert, 0.001, COPIES, id="look, then insert 1 ms later"),
    pytest.param(racing.read_and_write_back, 0.03, {"concurrent.burst"}, id="read, and write back 30 ms later"),
    pytest.param(racing.current_conversation, 0.01, {"concurrent.conversations"}, id="one variable for all requests"),
]


@pytest.mark.parametrize(("store", "gap", "checks"), few_of(BUGS, 0))
def test_a_race_is_found(store: racing.Store, gap: float, checks: set[str], vendorsim: Vendorsim) -> None:
    with racing.threaded(store, gap) as url:
        document = judged(vendorsim, url)
    failed = {check["id"] for check in document["checks"] if check["status"] == "failed"}
    assert failed & checks, document["checks"]
    assert failed <= checks
    (finding,) = document["findings"]
    assert finding["pointer"] in ("/texts", "")
    assert "rounds)" in finding["message"]


@pytest.mark.slow
def test_a_race_and_a_wrong_order_are_two_things_to_fix(vendorsim: Vendorsim) -> None:
    with racing.threaded(racing.look_then_append, 0.03) as url:
        document = judged(vendorsim, url, "concurrent.twins,order_tolerant.swapped")
    assert [(finding["check"], finding["pointer"]) for finding in document["findings"]] == [
        ("order_tolerant.swapped", "/texts"),
        ("concurrent.twins", "/texts"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("store", few_of([racing.unique, racing.locked], 1, ["a unique key", "a lock"]))
def test_no_race_is_no_finding(store: racing.Store, vendorsim: Vendorsim) -> None:
    with racing.threaded(store, 0.005) as url:
        document = judged(vendorsim, url)
    assert document["findings"] == []
    assert {check["status"] for check in document["checks"]} == {"passed"}


@pytest.mark.slow
@pytest.mark.parametrize("careful", few_of([False, True], 1, ["an await in between", "a lock"]))
def test_asynchronous_integrations(careful: bool, vendorsim: Vendorsim) -> None:
    with hosted(racing.asynchronous_app(0.005, careful=careful)) as url:
        document = judged(vendorsim, url)
    assert {finding["check"] for finding in document["findings"]} == (set() if careful else {"concurrent.twins"})


def judged(vendorsim: Vendorsim, url: str, only: str = "concurrent") -> dict[str, Any]:
    probe = f"{url}/state/{{conversation_id}}"
    given = ("--vendor", "messagehub", "--to", f"{url}/hook", "--probe", probe, "--only", only, "--json")
    document: dict[str, Any] = vendorsim("check", *given, settings=HASTY).json
    return document
