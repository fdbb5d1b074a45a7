"""The key of a finding is the same whatever the seed, so that two reports can be compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from checks.helpdesk_helpers import HASTY, checked
from command_line import Vendorsim
from msgspec.structs import replace
from receiver import Answer, Connection, Receiver, Request, reset, status
from thorough import few_of
from variants import VARIANTS, Variant

SEEDS = (1, 7)
QUICK = ("--policy", "read_timeout=1s")


def values(document: Any) -> Iterator[Any]:
    """Every value in a document that is no object and no list."""
    if isinstance(document, dict):
        document = list(document.values())
    if not isinstance(document, list):
        yield document
        return
    for item in document:
        yield from values(item)


def crashes(on: Callable[[Any], bool]) -> Answer:
    """Answers 500 to bodies that are not JSON, and where a value is wrong for it."""

    def answer(connection: Connection, request: Request) -> None:
        try:
            broken = on(request.json)
        except (ValueError, TypeError, LookupError, AttributeError):
            broken = True
        connection.send(status(500 if broken else 200))

    return answer


EVERY = "accepts,tolerates,rejects,authenticates"
SOME = "accepts.typical,accepts.m*,tolerates.text,rejects.missing_field,rejects.wrong_type"
RECEIVERS: dict[str, tuple[str, Answer, str]] = {
    "refuses everything": ("smartsupp", status(422), EVERY),
    "accepts everything": ("smartsupp", status(200), EVERY),
    "crashes on null": ("smartsupp", crashes(lambda body: None in values(body)), EVERY),
    "crashes without a sender": ("messagehub", crashes(lambda body: body["sender"]["name"].upper() == ""), SOME),
    "crashes on what Latin-1 lacks": (
        "messagehub",
        crashes(lambda body: json.dumps(body, ensure_ascii=False).encode("latin-1") == b""),
        SOME,
    ),
    "drops the connection": ("messagehub", reset, SOME),
    "stops in its answer": ("chatvisor", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "accepts.typical"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("vendor", "answer", "only"), RECEIVERS.values(), ids=RECEIVERS)
def test_of_single_requests(vendorsim: Vendorsim, vendor: str, answer: Answer, only: str) -> None:
    with Receiver(answer) as target:
        place = ("check", "--vendor", vendor, "--to", target.url(), "--json", "--only", only, *QUICK)
        runs = [vendorsim(*place, "--seed", seed).json["findings"] for seed in SEEDS]
    keys = [sorted(finding["key"] for finding in findings) for findings in runs]
    assert keys[0]
    assert keys == [keys[0]] * len(SEEDS)
    assert len(set(keys[0])) == len(keys[0])


# A bug of each kind that is seen in states, calls and signatures, where ids and texts of conversations are compared.
CHECKS = (
    "authenticates.wrong",
    "idempotent.all_twice",
    "order_tolerant.swapped",
    "retry_safe",
    "isolated",
    "calls_api.identifier",
    "calls_api.valid_body",
)
CHOSEN = {check: next(variant for variant in VARIANTS if variant.check == check) for check in CHECKS}


@pytest.mark.slow
@pytest.mark.parametrize("variant", few_of(CHOSEN.values(), 2, CHOSEN))
def test_of_states_calls_and_signatures(
    variant: Variant, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = {"signed": variant.signed, "probe": variant.probe, "serve": variant.serve}
    waiting = replace(HASTY, **variant.waiting)
    with checked(variant.vendor, tmp_path, monkeypatch, variant, **needs) as check:
        only = ("--only", variant.check)
        runs = [vendorsim(*check, *only, "--seed", seed, settings=waiting).json["findings"] for seed in SEEDS]
    keys = [sorted(finding["key"] for finding in findings) for findings in runs]
    assert keys[0]
    assert keys == [keys[0]] * len(SEEDS)
