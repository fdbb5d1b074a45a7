"""Checks, findings, results and the verdict, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vendorsim.core.provenance import Stated

ERROR, WARNING = "error", "warning"
PASSED, FAILED, NOT_JUDGED, SKIPPED = "passed", "failed", "not_judged", "skipped"
FAMILIES = (
    "accepts",
    "tolerates",
    "rejects",
    "authenticates",
    "effects",
    "idempotent",
    "order_tolerant",
    "retry_safe",
    "concurrent",
    "isolated",
    "calls_api",
    "fuzz",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement for an integration.

    `statement` is the requirement, with its source; `remedy` is what to change if the integration violates it.
    """

    id: str
    statement: Stated[str]
    remedy: str
    severity: str = ERROR

    @property
    def family(self) -> str:
        return self.id.partition(".")[0]


class NotJudged(Exception):
    """A check can't be judged. The message is the reason."""


class Skipped(Exception):
    """A check runs only if an option selects it. The message names the option."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation, and the command that reproduces it.

    `pointer` is the JSON pointer of the field ("" for the whole document) in the request or, for checks of the state,
    in the integration's state. `request` and `answer` are cut off and without secrets. All cases with one cause share
    one `key`; `count` is their number. `checks` are all checks that show the cause, `check` the first of them. `causes`
    tell whether another finding has the same cause (`vendorsim.checks.causes`).
    """

    check: str
    event: str | None
    severity: str
    message: str
    expected: str
    found: str
    pointer: str
    key: str
    reproduce: str
    remedy: str
    statement: Stated[str]
    request: str | None = None
    answer: str | None = None
    count: int = 1
    checks: tuple[str, ...] = ()
    causes: frozenset[str] = field(default=frozenset(), repr=False)

    def document(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "checks": list(self.checks),
            "event": self.event,
            "severity": self.severity,
            "message": self.message,
            "expected": self.expected,
            "found": self.found,
            "pointer": self.pointer,
            "reproduce": self.reproduce,
            "key": self.key,
            "count": self.count,
            "remedy": self.remedy,
            "statement": {
                "text": self.statement.value,
                "provenance": self.statement.provenance,
                "source": self.statement.source,
            },
            "request": self.request,
            "answer": self.answer,
        }


@dataclass(slots=True)
class Result:
    """The result of one check. `reason` says why it was not judged or skipped. `cells` maps events to `passed` or the
    severity of a finding."""

    check: Check
    status: str = PASSED
    cases: int = 0
    reason: str | None = None
    findings: list[Finding] = field(default_factory=list)
    cells: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {"id": self.check.id, "status": self.status, "cases": self.cases, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a whole run. `coverage` is the document of `vendorsim.checks.coverage.Coverage`."""

    vendor: str
    profile: str
    target: str
    seed: int
    results: tuple[Result, ...]
    coverage: Mapping[str, Any]
    interrupted: bool = False
    unreachable: str | None = None

    @property
    def findings(self) -> list[Finding]:
        return [finding for result in self.results for finding in result.findings]

    @property
    def failed(self) -> bool:
        return any(finding.severity == ERROR for finding in self.findings)

    @property
    def exit_code(self) -> int:
        if self.interrupted:
            return 130
        if self.unreachable is not None:
            return 3
        return 1 if self.failed else 0

    def document(self) -> dict[str, Any]:
        return {
            "vendor": self.vendor,
            "profile": self.profile,
            "target": self.target,
            "seed": self.seed,
            "verdict": "failed" if self.failed or self.exit_code else "passed",
            "checks": [result.document() for result in self.results],
            "findings": [finding.document() for finding in self.findings],
            "coverage": self.coverage,
            "interrupted": self.interrupted,
            "reason": self.unreachable,
        }
