"""Checks, findings, results and the verdict, as plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from vendorsim.checks.differences import StateDifference
from vendorsim.checks.timings import Phase
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
    "isolated",
    "concurrent",
    "recovers",
    "replies",
    "leaks",
    "calls_api",
    "fuzz",
)
# The checks and families by how much they matter: first what customers lose or see mixed.
MATTERS_MOST = (
    "accepts.typical",
    "authenticates.accepted",
    "accepts.forms",
    "effects",
    "retry_safe",
    "concurrent",
    "isolated",
    "replies",
    "leaks",
    "authenticates",
    "idempotent",
    "order_tolerant",
    "recovers",
    "accepts",
    "calls_api",
    "rejects",
    "tolerates",
    "fuzz",
)


class Check(Struct, frozen=True):
    """One requirement for an integration.

    `statement` is the requirement, with its source; `remedy` is what to change if the integration violates it. Up to
    `most_alike` findings with the same outcome are reported separately.
    """

    id: str
    statement: Stated[str]
    remedy: str
    severity: str = ERROR
    most_alike: int = 10

    @property
    def family(self) -> str:
        return self.id.partition(".")[0]


class NotJudged(Exception):
    """A check can't be judged. The message is the reason.

    `option` is the option that asked for the check and does not work, such as --probe, or None.
    """

    option: str | None = None


class NotSelected(Exception):
    """A check runs only if an option selects it. The message names the option."""


class Finding(Struct, frozen=True):
    """One violation, and the command that reproduces it.

    `pointer` is the JSON pointer of the field ("" for the whole document) in the request or, for checks of the state,
    in the integration's state. `request` and `answer` are cut off and without secrets. All cases with one cause share
    one `key`; `count` is their number. A finding that was merged from several has their `keys`. `checks` are all checks
    that show the cause, `check` the first of them. `differences` are all places of the state that differ. `causes` tell
    whether another finding has the same cause (`vendorsim.checks.causes`).
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
    differences: tuple[StateDifference, ...] = ()
    causes: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()

    @property
    def all_keys(self) -> frozenset[str]:
        """The key, and those of the findings that were merged into this one."""
        return frozenset((self.key, *self.keys))

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
            "differences": [difference.document() for difference in self.differences],
            "reproduce": self.reproduce,
            "key": self.key,
            "keys": list(self.keys),
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


def finding_key(check: str, severity: str, *cause: str) -> str:
    """Returns the key of a finding. It must be the same in every run: `cause` holds no text that a seed changes."""
    return hashlib.blake2b("\x1f".join((check, severity, *cause)).encode(), digest_size=8).hexdigest()


class Result(Struct):
    """The result of one check. `reason` says why it was not judged or skipped. `cells` maps events to `passed` or the
    severity of a finding. `broken_option` is the option that does not work, see NotJudged. `seconds` is how long the
    check took."""

    check: Check
    status: str = PASSED
    cases: int = 0
    reason: str | None = None
    findings: list[Finding] = field(default_factory=list)
    cells: dict[str, str] = field(default_factory=dict)
    broken_option: str | None = None
    seconds: float = 0.0

    @property
    def judged(self) -> bool:
        """Whether the check passed or failed."""
        return self.status in (PASSED, FAILED)

    def document(self) -> dict[str, Any]:
        return {"id": self.check.id, "status": self.status, "cases": self.cases, "reason": self.reason}


class Unmet(Struct, frozen=True):
    """Families that the user asked for and that were not judged. `asked_by` is the option or setting, such as
    `--probe` or `--require fuzz`."""

    asked_by: str
    families: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"{self.asked_by}: {', '.join(self.families)} not judged: {self.reason}"

    def document(self) -> dict[str, Any]:
        return {"asked_by": self.asked_by, "families": list(self.families), "reason": self.reason}


class PastFinding(Struct, frozen=True):
    """A finding of an earlier report, as far as a comparison needs it."""

    check: str
    event: str | None
    severity: str
    message: str
    key: str
    keys: tuple[str, ...] = ()

    @property
    def all_keys(self) -> frozenset[str]:
        return frozenset((self.key, *self.keys))

    def document(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "check": self.check,
            "event": self.event,
            "severity": self.severity,
            "message": self.message,
        }


class Against(Struct, frozen=True):
    """A run compared with the report in `file`: the keys of its new findings and of those that are still there; the
    findings of the report that are fixed, and those whose checks this run did not judge."""

    file: str
    new: tuple[str, ...]
    still: tuple[str, ...]
    fixed: tuple[PastFinding, ...]
    not_judged: tuple[PastFinding, ...]

    def document(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "new": list(self.new),
            "still": list(self.still),
            "fixed": [finding.document() for finding in self.fixed],
            "not_judged": [finding.document() for finding in self.not_judged],
        }


class Verdict(Struct, frozen=True):
    """The result of a whole run.

    `coverage` is the document of `vendorsim.checks.coverage.Coverage`. `unmet` is what the user asked for and the run
    did not judge. `against` compares the run with an earlier report; with `fails_on_new`, only new errors count.
    `timings` are the phases of the run, if they were asked for. `account` and `inbox` are the chosen ids of the account
    and inbox.
    """

    vendor: str
    profile: str
    target: str
    seed: int
    results: tuple[Result, ...]
    coverage: Mapping[str, Any]
    interrupted: bool = False
    unreachable: str | None = None
    unmet: tuple[Unmet, ...] = ()
    against: Against | None = None
    fails_on_new: bool = False
    timings: tuple[Phase, ...] = ()
    account: int | None = None
    inbox: int | None = None

    @property
    def findings(self) -> list[Finding]:
        return [finding for result in self.results for finding in result.findings]

    def is_new(self, finding: Finding) -> bool | None:
        """Whether the earlier report lacks the finding; None without such a report."""
        return None if self.against is None else finding.key in self.against.new

    def counts(self, finding: Finding) -> bool:
        """Whether the run fails because of the finding."""
        return finding.severity == ERROR and not (self.fails_on_new and self.is_new(finding) is False)

    @property
    def failed(self) -> bool:
        return any(self.counts(finding) for finding in self.findings)

    @property
    def exit_code(self) -> int:
        if self.interrupted:
            return 130
        if self.unreachable is not None:
            return 3
        if self.failed:
            return 1
        return 4 if self.unmet else 0

    @property
    def reason(self) -> str | None:
        """Why the run could not judge what it should, or None."""
        return self.unreachable or "; ".join(map(str, self.unmet)) or None

    def document(self) -> dict[str, Any]:
        return {
            "vendor": self.vendor,
            "profile": self.profile,
            "target": self.target,
            "seed": self.seed,
            "account": self.account,
            "inbox": self.inbox,
            "verdict": {0: "passed", 4: "incomplete"}.get(self.exit_code, "failed"),
            "checks": [
                {**result.document(), **({"seconds": round(result.seconds, 3)} if self.timings else {})}
                for result in self.results
            ],
            "findings": [self._finding_document(finding) for finding in self.findings],
            "coverage": self.coverage,
            "interrupted": self.interrupted,
            "reason": self.reason,
            "unmet": [unmet.document() for unmet in self.unmet],
            "against": None if self.against is None else self.against.document(),
            **({"timings": [phase.document() for phase in self.timings]} if self.timings else {}),
        }

    def _finding_document(self, finding: Finding) -> dict[str, Any]:
        return finding.document() | ({} if self.against is None else {"new": self.is_new(finding)})


def rank(check: Check) -> int:
    """Returns the place of the check among those that matter most, from 0."""
    return MATTERS_MOST.index(check.id if check.id in MATTERS_MOST else check.family)
