"""Each variant of the helpdesk has one bug, and `check` names it: with the right check, and with no other."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from checks.helpdesk_helpers import HASTY, checked, needs
from command_line import Vendorsim
from msgspec.structs import replace
from thorough import few_of
from variants import SUSPICIOUS, VARIANTS, Receiver, Variant, programs
from variants.model import ERROR, WARNING
from vendorsim.checks.registry import all_checks

DOCUMENT = Path(__file__).parents[2] / "docs" / "check-findings.md"


def variants() -> Iterator[Any]:
    """Every variant, to be judged by its own check; the first of each family by CI, too. The benchmark
    `verdicts` judges all of them by all checks."""
    seen = set()
    for variant in VARIANTS:
        family = variant.check.partition(".")[0]
        mark = pytest.mark.thorough if family in seen else pytest.mark.slow
        yield pytest.param(variant, marks=mark, id=variant.name)
        seen.add(family)


@pytest.mark.parametrize("variant", list(variants()))
def test_the_bug_is_found_and_named(
    variant: Variant, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variant.missing is not None:
        pytest.skip(variant.missing)
    waiting = replace(HASTY, **variant.waiting)
    with checked(variant.vendor, tmp_path, monkeypatch, variant, **needs(variant)) as check:
        findings = vendorsim(*check, "--only", variant.only or variant.check, settings=waiting).json["findings"]
        assert [finding["checks"] for finding in findings if not variant.expects(finding["check"])] == []
        finding = next(found for found in findings if variant.check in found["checks"])
        assert finding["severity"] == variant.severity

        again = vendorsim(*shlex.split(finding["reproduce"])[1:], "--json", settings=waiting).json
    # A check without a case has the name of its family.
    assert [check["id"] for check in again["checks"] if check["status"] == "failed"] in ([], finding["checks"][:1])
    assert finding["check"] in {check["id"] for check in again["checks"]}
    keys = {key for found in again["findings"] for key in (found["key"], *found["keys"])}
    assert not keys.isdisjoint({finding["key"], *finding["keys"]})


# What each of the correct receivers might be suspected of. All of them are checked as a whole, with 20 seeds, by the
# benchmark `verdicts`.
SUSPECTED = {
    "slow_answers": "accepts.typical,retry_safe",
    "shown_later": "effects.lost,idempotent,isolated",
    "queue_behind_the_answer": "effects.lost:message_created,isolated",
    "own_times_and_ids": "accepts.typical,effects.lost,idempotent,isolated",
    "one_inbox": "effects,isolated.foreign",
    "one_event": "accepts.typical,rejects.missing_field,effects.lost,isolated",
    "rate_limited": "accepts,tolerates,retry_safe",
    "unsigned_is_401": "accepts.typical,authenticates",
    "newest_first": "idempotent,order_tolerant.swapped,isolated.foreign",
    "only_text": "effects,isolated",
    "answers_visitors": "replies.not_to_itself",
    "polls_too": "recovers,retry_safe",
}


@pytest.mark.slow
@pytest.mark.parametrize("receiver", few_of(SUSPICIOUS, 1, [each.name for each in SUSPICIOUS]))
def test_a_correct_receiver_that_looks_suspicious_gets_no_error(
    receiver: Receiver, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if receiver.missing is not None:
        pytest.skip(receiver.missing)
    waiting = replace(HASTY, **receiver.waiting)
    with checked(receiver.vendor, tmp_path, monkeypatch, receiver, **needs(receiver)) as check:
        found = vendorsim(*check, "--only", SUSPECTED[receiver.name], settings=waiting).json
    assert [finding["message"] for finding in found["findings"] if finding["severity"] == ERROR] == []
    assert any(check["status"] == "passed" for check in found["checks"])


CAREFUL = {"fastapi": (programs.asynchronous, programs.NO_ASGI), "node": (programs.node, programs.NO_NODE)}
CAREFUL |= {"php": (programs.php, programs.NO_PHP)}


@pytest.mark.parametrize("stack", few_of(CAREFUL, 0))
def test_a_receiver_with_a_lock_gets_no_finding_on_any_stack(
    stack: str, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, missing = CAREFUL[stack]
    if missing is not None:
        pytest.skip(missing)
    careful = Receiver(name=stack, about="", vendor="messagehub", program=program())
    with checked("messagehub", tmp_path, monkeypatch, careful, probe=True) as check:
        found = vendorsim(*check, "--only", "concurrent,rejects,isolated", settings=HASTY).json
    assert found["findings"] == []


# Who plays with which seed. Those with `serve` call CCAI Platform as well.
SWEEP = [
    pytest.param("smartsupp", 1, False, marks=pytest.mark.thorough),
    pytest.param("smartsupp", 17, True, marks=pytest.mark.thorough),
    pytest.param("chatvisor", 18, True, marks=pytest.mark.thorough),
    pytest.param("messagehub", 19, True, marks=pytest.mark.thorough),
    pytest.param("userlike", 20, True, marks=pytest.mark.thorough),
]


@pytest.mark.parametrize(("vendor", "seed", "serve"), SWEEP)
def test_the_correct_helpdesk_gets_not_even_a_warning(
    vendor: str, seed: int, serve: bool, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = vendor == "messagehub"
    with checked(vendor, tmp_path, monkeypatch, signed=signed, probe=True, serve=serve) as check:
        done = vendorsim(*check, "--seed", seed, settings=HASTY)
    assert done.json["findings"] == []
    calls = serve and vendor != "smartsupp"  # Its one body comes when the chat is over.
    assert done.code == (4 if serve and not calls else 0), done.json["reason"]
    judged = {check["id"].partition(".")[0] for check in done.json["checks"] if check["status"] == "passed"}
    assert judged >= {"accepts", "tolerates", "rejects", "idempotent", "retry_safe", "isolated"}
    assert ("authenticates" in judged) == signed
    assert ("calls_api" in judged) == calls


BOT_JUDGED = {
    1: {"replies.once", "replies.not_to_itself", "replies.not_to_notes", "replies.not_after_handover"}
    | {"replies.right_conversation", "leaks.private"},
    2: {f"calls_api.{name}" for name in ("once", "no_retry_of_400", "retries_5xx", "hammering")}
    | {f"calls_api.{name}" for name in ("retry_after", "outages", "goes_on")},
}


@pytest.mark.parametrize("seed", few_of(BOT_JUDGED, 1, others=pytest.mark.slow))
def test_the_correct_bot_gets_not_even_a_warning(
    seed: int, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bot,) = [receiver for receiver in SUSPICIOUS if receiver.bot is not None]
    if bot.missing is not None:
        pytest.skip(bot.missing)
    waiting = replace(HASTY, **bot.waiting)
    with checked(bot.vendor, tmp_path, monkeypatch, bot, **needs(bot)) as check:
        only = "replies,leaks" if seed == 1 else "calls_api"
        done = vendorsim(*check, "--seed", seed, "--only", only, settings=waiting)
    assert done.json["findings"] == []
    assert {check["id"] for check in done.json["checks"] if check["status"] == "passed"} == BOT_JUDGED[seed]
    assert done.code == 0


def test_the_table_of_the_documentation_is_that_of_the_variants() -> None:
    assert table() in DOCUMENT.read_text(encoding="utf-8")


def table() -> str:
    """The variants as the documentation shows them, in the order of the checks."""
    families = list(dict.fromkeys(check.family for check in all_checks()))
    rows = sorted(VARIANTS, key=lambda variant: (families.index(variant.check.partition(".")[0]), variant.check))
    lines = ["| bug | vendor | named by |", "|---|---|---|"]
    for row in rows:
        warning = " (a warning)" if row.severity == WARNING else ""
        lines.append(f"| {row.about} | {row.vendor} | `{row.check}`{warning} |")
    return "\n".join(lines) + "\n"
