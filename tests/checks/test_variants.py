"""Each variant of the helpdesk has one bug, and `check` names it: with the right check, and with no other."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from checks.helpdesk_helpers import HASTY, checked
from command_line import Vendorsim
from variants import VARIANTS, Variant
from variants.model import WARNING
from vendorsim.checks.registry import all_checks

DOCUMENT = Path(__file__).parents[2] / "docs" / "check-findings.md"
# One event of each vendor is enough where a bug shows with any.
USUAL = {
    "smartsupp": "post_hook",
    "chatvisor": "new_message",
    "userlike": "chat_session.message_received",
    "messagehub": "message_created",
}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_the_bug_is_found_and_named(
    variant: Variant, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = replace(HASTY, **variant.waiting)
    needs = {"signed": variant.signed, "probe": variant.probe, "serve": variant.serve}
    with checked(variant.vendor, tmp_path, monkeypatch, variant, **needs) as check:
        only = variant.check if variant.narrow else f"*:{variant.event or USUAL[variant.vendor]}"
        findings = vendorsim(*check, "--only", only, settings=waiting).json["findings"]
        assert [finding["checks"] for finding in findings if not any(map(variant.expects, finding["checks"]))] == []
        finding = next(found for found in findings if variant.check in found["checks"])
        assert finding["severity"] == variant.severity

        again = vendorsim(*shlex.split(finding["reproduce"])[1:], "--json", settings=waiting).json
    assert [check["id"] for check in again["checks"]] == finding["checks"][:1]
    keys = {key for found in again["findings"] for key in (found["key"], *found["keys"])}
    assert not keys.isdisjoint({finding["key"], *finding["keys"]})


# Who plays with which seed. Those with `serve` call CCAI Platform as well.
SWEEP = [
    ("smartsupp", 1, False),
    ("smartsupp", 17, True),
    ("chatvisor", 18, True),
    ("messagehub", 19, True),
    ("userlike", 20, True),
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


def test_the_table_of_the_documentation_is_that_of_the_variants() -> None:
    assert table() in DOCUMENT.read_text(encoding="utf-8")


def table() -> str:
    """The variants as the documentation shows them, in the order of the checks."""
    families = list(dict.fromkeys(check.family for check in all_checks()))
    rows = sorted(VARIANTS, key=lambda variant: (families.index(variant.check.partition(".")[0]), variant.check))
    lines = ["| bug | vendor | named by |", "|---|---|---|"]
    for row in rows:
        warning = " (a warning)" if row.severity == WARNING else ""
        lines.append(f"| {row.bug} | {row.vendor} | `{row.check}`{warning} |")
    return "\n".join(lines) + "\n"
