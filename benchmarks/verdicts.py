"""How well `vendorsim check` names planted bugs, and whether it leaves correct integrations in peace.

A full check of each variant in `tests/variants/`, with all that the variant needs (probe, secret, API), prints whether
the bug was named, how many things to fix were reported, and which of them do not lead to the bug. The receivers of
`tests/variants/suspicious.py` are correct: they should get no error, with any seed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from results import Effort, Goal, Part, Series, Table

REPOSITORY = Path(__file__).parent.parent
sys.path += [str(REPOSITORY / folder) for folder in ("tests", "examples")]

import pytest  # noqa: E402
from checks.helpdesk_helpers import HASTY, checked, needs  # noqa: E402
from command_line import run_here  # noqa: E402
from variants import SUSPICIOUS, VARIANTS, Variant  # noqa: E402
from variants.model import ERROR, Receiver  # noqa: E402

# A trial run checks this many variants and correct receivers.
FEW = 3
MOST_FINDINGS, SHARE_WITH_ONE = 2, 90


@dataclass(frozen=True)
class Judged:
    """What a check said of a variant: whether it named the bug, and its findings, as `check: message`."""

    variant: Variant
    named: bool
    findings: list[str]
    misleading: list[str]

    def line(self) -> str:
        named = f"named by {self.variant.check}" if self.named else f"NOT NAMED by {self.variant.check}"
        lines = [f"{self.variant.name}: {named}; {len(self.findings)} to fix, {len(self.misleading)} misleading"]
        return "\n    ".join([*lines, *(self.findings if len(self.findings) != 1 or self.misleading else [])])


def measure(effort: Effort) -> Part:
    variants, correct = VARIANTS, SUSPICIOUS
    if effort.quick:
        variants, correct = variants[:FEW], correct[:FEW]
    present = [each for each in variants if each.missing is None]
    correct = [each for each in correct if each.missing is None]
    judged = []
    for variant in present:
        judged.append(judge(variant))
        print(judged[-1].line(), flush=True)
    errors: dict[str, list[str]] = {}
    for receiver in correct:
        errors[receiver.name] = [error for seed in range(effort.seeds) for error in errors_of(receiver, seed)]
        print(f"correct {receiver.name}: {len(errors[receiver.name])} errors, {effort.seeds} seeds", flush=True)
        print("".join(f"    {error}\n" for error in errors[receiver.name]), end="", flush=True)
    return summary(judged, errors, effort.seeds, [f"{each.name}: {each.missing}" for each in variants if each.missing])


def judge(variant: Variant, seed: int = 0) -> Judged:
    """Runs a full check of a variant."""
    findings = _findings(variant, seed)
    shown = [f"{', '.join(finding['checks'])}: {finding['message']}"[:300] for finding in findings]
    misleading = [text for text, finding in zip(shown, findings, strict=True) if not variant.expects(finding["check"])]
    return Judged(variant, any(variant.check in finding["checks"] for finding in findings), shown, misleading)


def errors_of(receiver: Receiver, seed: int) -> list[str]:
    """Runs a full check of a correct receiver. Returns the findings that are errors."""
    return [
        f"seed {seed}, {finding['check']}: {finding['message']}"[:300]
        for finding in _findings(receiver, seed)
        if finding["severity"] == ERROR
    ]


def _findings(receiver: Receiver, seed: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "VENDORSIM_JOURNAL", str(Path(folder) / "journal.sqlite"))
        with checked(receiver.vendor, Path(folder), patch, receiver, **needs(receiver)) as check:
            done = run_here(*check, "--seed", seed, settings=replace(HASTY, **receiver.waiting))
    if not done.out:
        raise SystemExit(f"{receiver.name}: {done.err}")
    found: list[dict[str, Any]] = done.json["findings"]
    return found


def summary(judged: list[Judged], errors: dict[str, list[str]], seeds: int, missing: list[str]) -> Part:
    """Returns the totals; the notes name every variant and receiver that misses a goal."""
    named = sum(each.named for each in judged)
    counts = [len(each.findings) for each in judged]
    ones = 100 * counts.count(1) / len(counts)
    misleading = sum(len(each.misleading) for each in judged)
    wrong = sum(map(len, errors.values()))
    goals = [
        Goal("verdicts: bugs named", len(judged), f"of {len(judged)}", named),
        Goal("verdicts: variants with exactly one thing to fix", SHARE_WITH_ONE, "%", ones),
        Goal("verdicts: most things to fix for one bug", MOST_FINDINGS, "", max(counts), False),
        Goal("verdicts: findings that don't lead to the bug", 0, "", misleading, False),
        Goal(f"verdicts: errors of {len(errors)} correct receivers, {seeds} seeds", 0, "", wrong, False),
    ]
    notes = [
        each.line().replace("\n    ", "; ")
        for each in judged
        if not each.named or len(each.findings) != 1 or each.misleading
    ]
    notes += [f"correct {name}: {'; '.join(found)}" for name, found in errors.items() if found]
    notes += [f"left out: {each}" for each in missing]
    series = [
        Series("bugs named", f"of {len(judged)} variants", [named]),
        Series("exactly one thing to fix", "variants", [counts.count(1)]),
        Series("most things to fix", "of one variant", [max(counts)]),
        Series("misleading", "findings that don't lead to the bug", [misleading]),
        Series("false errors", f"of {len(errors)} correct receivers, {seeds} seeds", [wrong]),
    ]
    table = Table("all variants", "number", series)
    return Part("verdicts", "Verdicts of `check`", [table], goals, notes=notes, rounds=1)


if __name__ == "__main__":
    from run import alone

    alone("verdicts")
