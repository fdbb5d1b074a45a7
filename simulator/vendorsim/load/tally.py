"""The results of a load run. Each worker has its own; merged, they are the results of the whole run."""

from __future__ import annotations

from collections import Counter
from typing import Any

from msgspec import Struct, field

from vendorsim.delivery.records import (
    BROKEN,
    DELIVERED,
    DROPPED,
    GIVEN_UP,
    LOST,
    NOT_SENT,
    REJECTED,
    SPOILED,
    TIMED_OUT,
    UNREACHABLE,
    Attempt,
)
from vendorsim.load.measuring import Digest, Histogram, Series, merged

FAILURES = frozenset({REJECTED, TIMED_OUT, BROKEN, UNREACHABLE, GIVEN_UP})
# Reasons come from the target, so the number of different errors is limited. The others are counted as OTHERS.
MOST_ERRORS = 100
OTHERS = "other reasons"


class TallyRow(Struct):
    """The results of all deliveries of one kind of event.

    `latency` is the time from the first byte sent to the complete answer, `from_plan` that from the planned time of the
    event to the complete answer.
    """

    sent: int = 0
    retries: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    latency: Histogram = field(default_factory=Histogram)
    from_plan: Histogram = field(default_factory=Histogram)

    def merge(self, other: TallyRow) -> None:
        self.sent += other.sent
        self.retries += other.retries
        self.verdicts.update(other.verdicts)
        self.latency.merge(other.latency)
        self.from_plan.merge(other.from_plan)

    def count(self, *verdicts: str) -> int:
        return sum(self.verdicts[verdict] for verdict in verdicts)


class Tally(Struct):
    """The results of one worker, or of all.

    `began` is in milliseconds since 1970 (UTC); `seconds` is the duration. Of the conversations that `arrived`, the
    sender began `started` and dropped `shed`, because too many were in progress. Of those begun, `finished` ended and
    `cut_off` did not end in time. `lateness` is how far behind its own plan the sender began them.
    """

    began: int = 0
    seconds: float = 0.0
    arrived: int = 0
    started: int = 0
    finished: int = 0
    cut_off: int = 0
    shed: int = 0
    interrupted: bool = False
    unreachable: str | None = None
    lateness: Histogram = field(default_factory=Histogram)
    bodies: Digest = field(default_factory=Digest)
    series: Series = field(default_factory=Series)
    rows: dict[str, TallyRow] = field(default_factory=dict)
    scenarios: dict[str, int] = field(default_factory=dict)
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, attempt: Attempt, seconds: float, from_plan: int | None) -> None:
        """Adds an attempt, answered `seconds` after the start and `from_plan` microseconds after its planned time."""
        name = f"{attempt.event.vendor} {attempt.event.name}"
        row = self.rows.get(name)
        if row is None:
            row = self.rows[name] = TallyRow()
        if attempt.final:
            row.verdicts[attempt.verdict] += 1
        else:
            row.retries += 1
        if attempt.sent_at is None or attempt.milliseconds is None:
            return
        microseconds = int(attempt.milliseconds * 1000)
        row.sent += 1
        row.latency.add(microseconds)
        if from_plan is not None:
            row.from_plan.add(from_plan)
        slot = self.series.at(seconds)
        slot.answered += 1
        slot.latency.add(microseconds)
        if attempt.verdict in FAILURES:
            slot.failed += 1
            self._add_error((attempt.verdict, attempt.reason or ""), 1)
        if attempt.number == 1 and not attempt.copy and attempt.request is not None:
            # Count each event once, however often it is sent.
            self.bodies.add(attempt.request.body)

    def _add_error(self, error: tuple[str, str], count: int) -> None:
        known = error in self.errors or len(self.errors) < MOST_ERRORS
        self.errors[error if known else (error[0], OTHERS)] += count

    def merge(self, other: Tally) -> None:
        """Adds the results of another worker. `other` must not be used afterwards."""
        self.began = min(self.began, other.began) if self.began else other.began
        self.seconds = max(self.seconds, other.seconds)
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.interrupted |= other.interrupted
        self.unreachable = self.unreachable or other.unreachable
        self.lateness.merge(other.lateness)
        self.bodies.merge(other.bodies)
        self.series.merge(other.series)
        for name, row in other.rows.items():
            self.rows.setdefault(name, TallyRow()).merge(row)
        for name, count in other.scenarios.items():
            self.scenarios[name] = self.scenarios.get(name, 0) + count
        for error, count in other.errors.items():
            self._add_error(error, count)

    def count(self, *verdicts: str) -> int:
        """Returns the number of deliveries with one of these verdicts."""
        return sum(row.count(*verdicts) for row in self.rows.values())

    @property
    def sent(self) -> int:
        """The number of requests."""
        return sum(row.sent for row in self.rows.values())

    @property
    def retries(self) -> int:
        return sum(row.retries for row in self.rows.values())

    @property
    def failed(self) -> int:
        return self.count(*FAILURES)

    @property
    def latency(self) -> Histogram:
        return merged(row.latency for row in self.rows.values())

    @property
    def from_plan(self) -> Histogram:
        return merged(row.from_plan for row in self.rows.values())

    @property
    def exit_code(self) -> int:
        if self.interrupted:
            return 130
        if self.unreachable is not None:
            return 3
        return 1 if self.failed or self.shed or self.cut_off else 0

    @property
    def verdict(self) -> str:
        return {0: "passed", 1: "failed", 3: "unreachable", 130: "interrupted"}[self.exit_code]

    def ended(self) -> dict[str, int]:
        """Returns the numbers of deliveries by outcome."""
        return {
            "delivered": self.count(DELIVERED),
            "failed": self.failed,
            "spoiled": self.count(SPOILED),
            "dropped": self.count(DROPPED),
            "lost": self.count(LOST),
            "not_sent": self.count(NOT_SENT),
        }

    def packed(self) -> dict[str, Any]:
        """Returns the results as JSON values, for the message to the coordinator."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        return plain | {
            "lateness": self.lateness.packed(),
            "bodies": self.bodies.document(),
            "series": self.series.packed(),
            "rows": {
                name: [row.sent, row.retries, dict(row.verdicts), row.latency.packed(), row.from_plan.packed()]
                for name, row in self.rows.items()
            },
            "scenarios": self.scenarios,
            "errors": [[*error, count] for error, count in self.errors.items()],
        }

    @classmethod
    def unpacked(cls, packed: dict[str, Any]) -> Tally:
        found = cls(**{name: packed[name] for name in _PLAIN})
        found.lateness = Histogram.unpacked(packed["lateness"])
        found.bodies = Digest.read(packed["bodies"])
        found.series = Series.unpacked(packed["series"])
        for name, (sent, retries, verdicts, latency, from_plan) in packed["rows"].items():
            histograms = (Histogram.unpacked(latency), Histogram.unpacked(from_plan))
            found.rows[name] = TallyRow(sent, retries, Counter(verdicts), *histograms)
        found.scenarios = dict(packed["scenarios"])
        found.errors = Counter({(kind, reason): count for kind, reason, count in packed["errors"]})
        return found


_COUNTS = ("arrived", "started", "finished", "cut_off", "shed")
_PLAIN = ("began", "seconds", *_COUNTS, "interrupted", "unreachable")
