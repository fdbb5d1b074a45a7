"""Holds what has passed to the vendor's contract, and counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct, field

from vendorsim.captures.conversations import conversation_places
from vendorsim.captures.reading import decoded
from vendorsim.core.times import iso
from vendorsim.delivery.records import DELIVERED, Attempt
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.api_contract import judge_call
from vendorsim.vendorkit.contract import Violation, contract
from vendorsim.vendorkit.contract_fit import Captured, judge
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

# What the contract says of a body.
FITS, DRIFTS, NOT_JUDGED = "fits", "drifts", "not judged"
# Violations of one body that are told.
MOST_VIOLATIONS = 100
UNDESCRIBED = "no document of the API describes its bodies"


class BodyJudgement(Struct, frozen=True):
    """What the contract says of a body: FITS, DRIFTS with violations, or NOT_JUDGED with the reason `why`."""

    contract: str
    violations: tuple[Violation, ...] = ()
    why: str | None = None


class Recorded(Struct, frozen=True):
    """One request that was recorded and is in the journal, and what the contract says of its body."""

    kept: Attempt | ApiCall
    judgement: BodyJudgement

    @property
    def is_webhook(self) -> bool:
        """Whether the vendor sent it."""
        return isinstance(self.kept, Attempt)

    def document(self) -> dict[str, Any]:
        """The line of `capture record --json`."""
        kept = self.kept
        if isinstance(kept, Attempt):
            own = {
                "direction": "webhook",
                "at": iso(kept.at),
                "event": kept.event.name or None,
                "conversation": str(kept.event.conversation) or None,
                "delivery": kept.delivery,
                "attempt": kept.number,
                "method": kept.event.method,
                "target": kept.target,
                "status": kept.status,
                "verdict": kept.verdict,
                "reason": kept.reason,
            }
        else:
            own = {
                "direction": "call",
                "at": iso(kept.at),
                "operation": kept.operation or None,
                "conversation": kept.session_id or None,
                "method": kept.method,
                "path": kept.path,
                "status": kept.status or None,
                "reason": None if kept.status else kept.message,
            }
        return {
            "type": "exchange",
            **own,
            "milliseconds": None if kept.milliseconds is None else round(kept.milliseconds, 3),
            "contract": self.judgement.contract,
            "violations": [
                {"pointer": violation.pointer, "message": violation.message} for violation in self.judgement.violations
            ],
            "not_judged": self.judgement.why,
            "problem": kept.problem,
        }


def prepare(vendor: Vendor, profile: Profile) -> None:
    """Reads the contract, and looks where bodies name their conversation: the first body would wait for it."""
    conversation_places(profile)
    known = contract(vendor.name, profile.name)
    for event in known.events:
        known.is_valid(event, {})


def recorded(kept: Attempt | ApiCall, vendor: Vendor) -> Recorded:
    """Judges the body of a webhook by the profile of its event, those of a call by the document of its API."""
    return Recorded(kept, _of_call(kept) if isinstance(kept, ApiCall) else _judgement(kept, vendor))


def _of_call(call: ApiCall) -> BodyJudgement:
    if call.problem is not None:
        return BodyJudgement(NOT_JUDGED, why=call.problem)
    names = (call.operation, f"{call.operation}_{call.comm_type}")
    body = _json_of(call.body, _encoding(call.head or b""))
    answer = None
    if call.answer is not None:
        answer = _json_of(call.answer.body, call.answer.header("content-encoding"))
    found = judge_call(call.vendor, names, body, call.status, answer)
    if found is None:
        return BodyJudgement(NOT_JUDGED, why=UNDESCRIBED)
    return BodyJudgement(DRIFTS, tuple(found[:MOST_VIOLATIONS])) if found else BodyJudgement(FITS)


def _json_of(body: bytes | None, encoding: str | None) -> Any:
    """A body as JSON; None if there is none, or if it is something else, such as a form."""
    plain, problem = decoded(body or b"", encoding)
    try:
        return orjson.loads(plain) if plain and problem is None else None
    except orjson.JSONDecodeError:
        return None


def _judgement(attempt: Attempt, vendor: Vendor) -> BodyJudgement:
    assert attempt.request is not None
    if attempt.problem is not None:
        return BodyJudgement(NOT_JUDGED, why=attempt.problem)
    if not attempt.request.body:
        return BodyJudgement(NOT_JUDGED, why="there is no body")
    body, problem = decoded(attempt.request.body, _encoding(attempt.request.head))
    if problem is not None:
        return BodyJudgement(NOT_JUDGED, why=problem)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return BodyJudgement(DRIFTS, (Violation("", f"the body is not JSON: {error.msg}"),))
    found = judge(vendor, attempt.event.profile, Captured(attempt.event.name or None, document)).violations
    return BodyJudgement(DRIFTS, found[:MOST_VIOLATIONS]) if found else BodyJudgement(FITS)


def _encoding(head: bytes) -> str | None:
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    values = (value for name, _, value in lines if name.lower() == b"content-encoding")
    return next((value.decode("latin-1").strip() for value in values), None)


class RecordedRow(Struct):
    """The totals of one event, or of one operation. Its size does not grow."""

    name: str
    count: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    drifting: int = 0
    total_milliseconds: float = 0.0
    longest_milliseconds: float = 0.0

    def document(self) -> dict[str, Any]:
        mean = self.total_milliseconds / self.count if self.count else 0.0
        return {
            "name": self.name,
            "count": self.count,
            "statuses": dict(sorted(self.statuses.items())),
            "verdicts": dict(sorted(self.verdicts.items())),
            "drifting": self.drifting,
            "milliseconds": {"mean": round(mean, 3), "max": round(self.longest_milliseconds, 3)},
        }


class RepeatedViolation(Struct):
    """A violation that bodies of one event have in common. `message` is that of the first one."""

    event: str
    pointer: str
    message: str
    count: int = 0


class RecordingSummary(Struct):
    """The totals of a recording: webhooks by event, calls by operation, the violations by event and pointer, and the
    requests that were refused, by the reason."""

    vendor: str
    profile: str
    webhooks: dict[str, RecordedRow] = field(default_factory=dict)
    calls: dict[str, RecordedRow] = field(default_factory=dict)
    drift: dict[tuple[str, str, str], RepeatedViolation] = field(default_factory=dict)
    more_drift: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    problems: int = 0

    def add(self, recorded: Recorded) -> None:
        """Counts one request."""
        kept = recorded.kept
        if isinstance(kept, Attempt):
            name, rows = kept.event.name or UNKNOWN, self.webhooks
        else:
            name, rows = kept.operation or f"{kept.method} (no operation)", self.calls
        row = rows.setdefault(name, RecordedRow(name))
        row.count += 1
        row.statuses[str(kept.status or "none")] += 1
        row.total_milliseconds += kept.milliseconds or 0.0
        row.longest_milliseconds = max(row.longest_milliseconds, kept.milliseconds or 0.0)
        self.problems += kept.problem is not None
        if isinstance(kept, Attempt):
            row.verdicts[kept.verdict] += 1
        row.drifting += recorded.judgement.contract == DRIFTS
        for violation in recorded.judgement.violations:
            key = (name, violation.pointer, violation.rule)
            if key not in self.drift and len(self.drift) >= MOST_VIOLATIONS:
                self.more_drift += 1
                continue
            self.drift.setdefault(key, RepeatedViolation(name, violation.pointer, violation.message)).count += 1

    def most_common(self) -> list[RepeatedViolation]:
        """The violations, the most frequent first."""
        return sorted(self.drift.values(), key=lambda each: -each.count)

    @property
    def count(self) -> int:
        """The number of webhooks."""
        return sum(row.count for row in self.webhooks.values())

    @property
    def undelivered(self) -> int:
        """The number of webhooks that the integration has not accepted."""
        return sum(row.count - row.verdicts[DELIVERED] for row in self.webhooks.values())

    @property
    def drifting(self) -> int:
        """The number of webhooks with a violation."""
        return sum(row.drifting for row in self.webhooks.values())

    @property
    def exit_code(self) -> int:
        return 1 if self.drifting or self.undelivered else 0

    def document(self) -> Mapping[str, Any]:
        """The last line of `capture record --json`."""
        return {
            "type": "summary",
            "vendor": self.vendor,
            "profile": self.profile,
            "webhooks": self.count,
            "calls": sum(row.count for row in self.calls.values()),
            "undelivered": self.undelivered,
            "drifting": self.drifting,
            "events": [row.document() for row in self.webhooks.values()],
            "operations": [row.document() for row in self.calls.values()],
            "violations": [
                {"event": each.event, "pointer": each.pointer, "message": each.message, "count": each.count}
                for each in self.most_common()
            ],
            "more_violations": self.more_drift,
            "refused": dict(self.refused),
            "not_whole": self.problems,
            "verdict": "failed" if self.exit_code else "passed",
            "exit_code": self.exit_code,
        }


UNKNOWN = "no event"
