"""The records of a run, as plain values: one per attempt, one per step that expects calls or states, and the summary.

All reports (terminal, JSON and others) are built from these values alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from vendorsim.core.event import Event
from vendorsim.core.times import iso
from vendorsim.delivery.lanes import AttemptId
from vendorsim.delivery.requests import Prepared
from vendorsim.http.transport import Answer

DELIVERED, REJECTED, TIMED_OUT, BROKEN, UNREACHABLE = "delivered", "rejected", "timed out", "broken", "unreachable"
NOT_SENT, GIVEN_UP, DROPPED, SPOILED, LOST = "not sent", "given up", "dropped", "spoiled", "lost"
# Verdicts on attempts that the integration did not accept, though it should have.
FALLS_SHORT = frozenset({REJECTED, TIMED_OUT, BROKEN, UNREACHABLE})
AS_EXPECTED, MISSED, NOT_JUDGED = "as expected", "missed", "not judged"
# Reasons of steps that a summary keeps.
MOST_PROBLEMS = 10
# Outcomes of steps that expect states, which a summary keeps with the state that was read.
MOST_STATES = 20


class Attempt(Struct, frozen=True):
    """One attempt of one delivery.

    `at` is the scenario's time, `sent_at` wall-clock time (milliseconds since 1970, UTC). `milliseconds` is the time
    from the first byte sent to the complete answer.

    `verdict` is DELIVERED where the vendor (and the step's `expect`) accepts the answer, SPOILED where the integration
    refused a request that a fault had made invalid, and LOST where the integration never gets the delivery because of
    an outage on purpose, or since its hook is switched off. It is NOT_SENT where the run was stopped before the first
    attempt, and GIVEN_UP where it was stopped before a retry of what the integration had not accepted: nothing is sent
    then. `reason` gives the reason of other verdicts. `final` is
    False where a retry follows. `copy` numbers deliberate duplicates. `request` and `answer` are the messages on the
    wire. `in_flight_with` are the attempts of the same conversation to the same target that overlapped with this one.
    What the vendor sent and vendorsim passed on is `recorded`, with its number in the order of arrival; `problem` then
    says what of it was not kept.
    """

    delivery: str
    event: Event
    target: str
    number: int
    status: int | None
    milliseconds: float | None
    verdict: str
    reason: str | None = None
    at: int = 0
    sent_at: int | None = None
    copy: int = 0
    final: bool = True
    faults: tuple[str, ...] = ()
    request: Prepared | None = None
    answer: Answer | None = None
    in_flight_with: tuple[AttemptId, ...] = ()
    recorded: int = 0
    problem: str | None = None

    @property
    def index(self) -> int:
        """The index of the conversation in the run."""
        return self.event.index

    def document(self) -> dict[str, Any]:
        return {
            "type": "attempt",
            "delivery": self.delivery,
            "attempt": self.number,
            "copy": self.copy,
            "event_id": self.event.id,
            "event": self.event.name,
            "conversation": self.event.conversation,
            "caused_at": iso(self.event.at),
            "at": iso(self.at),
            "faults": self.faults,
            "in_flight_with": [other._asdict() for other in self.in_flight_with],
            "target": self.target,
            "status": self.status,
            "milliseconds": None if self.milliseconds is None else round(self.milliseconds, 3),
            "verdict": self.verdict,
            "final": self.final,
            "reason": self.reason,
        }


class CallOutcome(Struct, frozen=True):
    """The outcome of a step that expects calls (`expect_call`, `authenticate`).

    `call` is the name of the call, `times` how often it was expected, `count` how many calls were counted. `status` and
    `message` are those of the answer to the last one. `identified` says that the step is `authenticate`; `identifier`
    is then the expected one.
    """

    index: int
    conversation: int | str
    call: str
    times: str
    verdict: str
    count: int = 0
    status: int | None = None
    message: str | None = None
    reason: str | None = None
    identified: bool = False
    identifier: str | None = None

    def document(self) -> dict[str, Any]:
        own = {"identifier": self.identifier} if self.identified else {"call": self.call, "times": self.times}
        return {
            "type": "authentication" if self.identified else "expected_call",
            "conversation": self.conversation,
            **own,
            **({} if self.identified else {"count": self.count}),
            "status": self.status,
            "message": self.message,
            "verdict": self.verdict,
            "reason": self.reason,
        }


class Probed(Struct, frozen=True):
    """The outcome of a `probe` step: the verdict on the integration's state. `expected` maps JSON pointers to values.

    `asked` is False if there was no probe, so that nobody asked for a verdict. `state` is the state that was read last;
    None if none was.
    """

    index: int
    conversation: int | str
    expected: Mapping[str, Any]
    verdict: str
    reason: str | None = None
    asked: bool = True
    state: Any = None

    def document(self) -> dict[str, Any]:
        return {
            "type": "probe",
            "conversation": self.conversation,
            "expected": dict(self.expected),
            "verdict": self.verdict,
            "reason": self.reason,
        }


Record = Attempt | CallOutcome | Probed


class Over(Struct, frozen=True):
    """The end of conversation `index`: no more records of it follow."""

    index: int


class EventRow(Struct):
    """The totals of all deliveries of one kind of event.

    `retries` counts the retries that were sent, `waiting` the deliveries of which one is scheduled. `endings` counts
    the attempts that were sent by verdict and status; `reasons` has the first reason of each that fell short. The sizes
    of both are bounded by the number of statuses.
    """

    event: str
    attempts: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    waiting: int = 0
    endings: Counter[tuple[str, int | None]] = field(default_factory=Counter)
    reasons: dict[tuple[str, int | None], str] = field(default_factory=dict)
    timed: int = 0
    total_milliseconds: float = 0.0
    longest_milliseconds: float = 0.0

    def add(self, attempt: Attempt) -> None:
        verdict, status, is_retry = attempt.verdict, attempt.status, attempt.number > 1
        if attempt.sent_at is not None:
            self.attempts += 1
            self.retries += is_retry
        if attempt.final:
            self.verdicts[verdict] += 1
            self.waiting -= is_retry
        elif not is_retry:
            self.waiting += 1
        for fault in attempt.faults:
            self.faults[fault] += 1
        if status is not None:
            self.statuses[status] += 1
        milliseconds = attempt.milliseconds
        if milliseconds is not None:
            ending = verdict, status
            self.endings[ending] += 1
            if verdict in FALLS_SHORT:
                self.reasons.setdefault(ending, attempt.reason or "")
            self.timed += 1
            self.total_milliseconds += milliseconds
            if milliseconds > self.longest_milliseconds:
                self.longest_milliseconds = milliseconds

    @property
    def mean_milliseconds(self) -> float | None:
        """The mean time of the attempts that reached out to the target; None if none did."""
        return self.total_milliseconds / self.timed if self.timed else None

    @property
    def failed_attempts(self) -> int:
        """The number of attempts that the integration should have accepted and did not."""
        return sum(count for (verdict, _), count in self.endings.items() if verdict in FALLS_SHORT)

    def document(self) -> dict[str, Any]:
        return {
            "event": self.event,
            "attempts": self.attempts,
            "failed_attempts": self.failed_attempts,
            "retries": self.retries,
            "retries_scheduled": self.waiting,
            "faults": dict(sorted(self.faults.items())),
            "verdicts": dict(sorted(self.verdicts.items())),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "milliseconds": {
                "mean": None if self.mean_milliseconds is None else round(self.mean_milliseconds, 3),
                "max": round(self.longest_milliseconds, 3) if self.timed else None,
            },
        }


class Summary(Struct):
    """The totals of a run, accumulated from its records. Its size does not grow with the run.

    `problems` are the first reasons of steps that expect calls or states, and were not as expected; `first_missed` is
    that of the first one whose expectation was missed. `states` are the
    first outcomes of steps that expect states. `unread` is why the state could not be read in such a step, though there
    is a probe.
    """

    scenario: str
    vendor: str
    profile: str
    seed: int
    start: int
    conversations: int
    targets: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    started: int = 0
    rows: dict[str, EventRow] = field(default_factory=dict)
    authentications: Counter[str] = field(default_factory=Counter)
    probes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    first_missed: str | None = None
    states: list[Probed] = field(default_factory=list)
    unread: str | None = None
    expected_calls: Counter[str] = field(default_factory=Counter)
    interrupted: bool = False
    unreachable: str | None = None
    hook_pauses: int = 0
    hooks_switched_off: int = 0
    # Whether a hook was switched off for failures that no outage had caused.
    switched_off_rightly: bool = False

    def add(self, record: Record) -> None:
        if isinstance(record, Attempt):
            row = self.rows.get(record.event.name)
            if row is None:
                row = self.rows[record.event.name] = EventRow(record.event.name)
            row.add(record)
        else:
            self._add_judged(record)

    def _add_judged(self, record: CallOutcome | Probed) -> None:
        if record.reason is not None and len(self.problems) < MOST_PROBLEMS:
            self.problems.append(f"conversation {record.conversation}: {record.reason}")
        if record.verdict == MISSED and self.first_missed is None:
            self.first_missed = f"conversation {record.conversation}: {record.reason}"
        if isinstance(record, CallOutcome):
            (self.authentications if record.identified else self.expected_calls)[record.verdict] += 1
            return
        self.probes[record.verdict] += 1
        if len(self.states) < MOST_STATES:
            self.states.append(record)
        if record.asked and record.verdict == NOT_JUDGED and self.unread is None:
            self.unread = record.reason

    def join(self, other: Summary) -> None:
        """Adds what another part of the run has counted beside its records."""
        self.started += other.started
        self.unreachable = self.unreachable or other.unreachable
        self.hook_pauses += other.hook_pauses
        self.hooks_switched_off += other.hooks_switched_off
        self.switched_off_rightly |= other.switched_off_rightly

    def by_event(self) -> list[EventRow]:
        """Returns the rows in the vendor's order of events."""
        return sorted(
            self.rows.values(), key=lambda row: self.order.index(row.event) if row.event in self.order else -1
        )

    def count(self, *verdicts: str) -> int:
        """Returns the number of deliveries with one of these verdicts."""
        return sum(row.verdicts[verdict] for row in self.rows.values() for verdict in verdicts)

    @property
    def missed(self) -> int:
        """The number of steps whose expectation of calls or states was missed."""
        return self.authentications[MISSED] + self.expected_calls[MISSED] + self.probes[MISSED]

    @property
    def not_accepted(self) -> int:
        """The number of deliveries that the integration should have accepted and has not yet, after the last attempt or
        before a retry."""
        if not any(row.failed_attempts for row in self.rows.values()):
            return 0
        return self.count(*FALLS_SHORT, GIVEN_UP) + sum(row.waiting for row in self.rows.values())

    @property
    def fell_short_as(self) -> str | None:
        """How the integration fell short, whether or not the run was interrupted: `unreachable`, `failed`, `incomplete`
        where a state could not be read, or None."""
        if self.unreachable is not None:
            return "unreachable"
        if self.count(REJECTED, TIMED_OUT, BROKEN, GIVEN_UP) or self.missed or self.switched_off_rightly:
            return "failed"
        return None if self.unread is None else "incomplete"

    @property
    def exit_code(self) -> int:
        return (
            130 if self.interrupted else {None: 0, "failed": 1, "unreachable": 3, "incomplete": 4}[self.fell_short_as]
        )

    @property
    def verdict(self) -> str:
        return {0: "passed", 1: "failed", 3: "unreachable", 4: "incomplete", 130: "interrupted"}[self.exit_code]

    def document(self) -> Mapping[str, Any]:
        return {
            "type": "summary",
            "scenario": self.scenario,
            "vendor": self.vendor,
            "profile": self.profile,
            "seed": self.seed,
            "start": iso(self.start),
            "targets": self.targets,
            "conversations": {"asked": self.conversations, "started": self.started},
            "delivered": self.count(DELIVERED),
            "failed": self.count(*FALLS_SHORT, GIVEN_UP),
            "failed_attempts": sum(row.failed_attempts for row in self.rows.values()),
            "not_sent": self.count(NOT_SENT),
            "dropped": self.count(DROPPED),
            "spoiled": self.count(SPOILED),
            "lost": self.count(LOST),
            "retries": sum(row.retries for row in self.rows.values()),
            "retries_scheduled": sum(row.waiting for row in self.rows.values()),
            "hook_pauses": self.hook_pauses,
            "hooks_switched_off": self.hooks_switched_off,
            "events": [row.document() for row in self.by_event()],
            "authentications": dict(sorted(self.authentications.items())),
            "probes": dict(sorted(self.probes.items())),
            "problems": self.problems,
            "expected_calls": dict(sorted(self.expected_calls.items())),
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "reason": self.unreachable or self.unread,
        }
