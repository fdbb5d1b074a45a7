"""Says in one line what is wrong with what was sent, and what to try: for a run, a conversation or a list. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct, field

from vendorsim.delivery.records import BROKEN, FALLS_SHORT, REJECTED, TIMED_OUT, UNREACHABLE, Summary

# Characters of a reason that a line repeats.
_LONGEST = 240

# What to try after a status. The text may name the targets.
_BY_STATUS = {
    400: "It refuses what is in the requests: read its answer, and compare a body with the contract.",
    401: "Is the secret or token the same on both sides? See which header the integration reads.",
    403: "Is the secret or token the same on both sides, and is this sender allowed?",
    404: "Is the address right? They were sent to {targets}.",
    405: "Does this address take POST? They were sent to {targets}.",
    410: "The address says that it is gone. Is it still the right one? They were sent to {targets}.",
    413: "The body is too large for it: raise its limit.",
    415: "It does not take this Content-Type: compare the request's headers with what it expects.",
    422: "It refuses what is in the requests: read its answer, and compare a body with the contract.",
    429: "It limits how often it may be called: raise its limit for the vendor, or send more slowly.",
    501: "Does this address take POST? They were sent to {targets}.",
    502: "A proxy answers in its place: does the integration behind it run?",
    503: "It says that it is not ready: does what it needs (database, queue, proxy) run?",
    504: "A proxy answers in its place: the integration behind it takes too long.",
}
_ONCE_MORE = ("duplicate", "twins", "impatient", "signature=replayed")
_OUT_OF_ORDER = ("reorder", "delay", "late", "overlap")


class Ending(NamedTuple):
    """How an attempt ended: the kind of event, the verdict, and the status of the answer."""

    event: str
    verdict: str
    status: int | None


class Evidence(Struct):
    """What is known of some deliveries.

    `endings` counts the attempts that were really sent; those that an outage on purpose kept back are none. `reasons`
    has the first reason of each ending that fell short. `open` is the number of deliveries that the integration should
    have accepted and has not yet. `missed` is the number of steps whose expectation was missed, `first_missed` why the
    first one was. `faults` counts the faults on purpose. `switched_off` is whether the vendor sends nothing more.
    """

    endings: Counter[Ending] = field(default_factory=Counter)
    reasons: dict[Ending, str] = field(default_factory=dict)
    open: int = 0
    targets: dict[str, None] = field(default_factory=dict)
    missed: int = 0
    first_missed: str | None = None
    faults: Counter[str] = field(default_factory=Counter)
    switched_off: bool = False

    def note(self, ending: Ending, reason: str | None, target: str) -> None:
        """Adds an attempt that was sent."""
        self.endings[ending] += 1
        if ending.verdict in FALLS_SHORT:
            self.reasons.setdefault(ending, reason or "")
            self.targets.setdefault(target)


class Diagnosis(Struct, frozen=True):
    """What is wrong, and what to try: two short sentences. `event` and `verdict` choose the attempts to look at; None
    where that is no matter. `is_over` says that all was accepted in the end."""

    problem: str
    remedy: str
    event: str | None = None
    verdict: str | None = None
    is_over: bool = False

    def document(self) -> dict[str, Any]:
        """The diagnosis as JSON."""
        return {
            "problem": self.problem,
            "remedy": self.remedy,
            "event": self.event,
            "verdict": self.verdict,
            "is_over": self.is_over,
        }


def evidence_of(rows: Iterable[Mapping[str, Any] | Any]) -> Evidence:
    """Returns what rows of the journal's attempts, the oldest first, tell.

    They need `delivery`, `copy`, `target`, `event`, `verdict`, `status`, `milliseconds`, `reason` and `faults`.
    """
    found = Evidence()
    last: dict[tuple[str, int, str], bool] = {}
    for row in rows:
        sent = row["milliseconds"] is not None
        fell_short = row["verdict"] in FALLS_SHORT and sent
        if sent:
            ending = Ending(row["event"], row["verdict"], row["status"])
            found.note(ending, row["reason"], row["target"])
            last[row["delivery"], row["copy"], row["target"]] = fell_short
        for fault in filter(None, row["faults"].split(", ")):
            found.faults[fault] += 1
    found.open = sum(last.values())
    return found


def evidence_of_run(summary: Summary) -> Evidence:
    """Returns what a run tells, also while it is played."""
    found = Evidence(
        open=summary.not_accepted,
        targets=dict.fromkeys(summary.targets),
        first_missed=summary.first_missed,
        missed=summary.missed,
        switched_off=summary.hooks_switched_off > 0,
    )
    for row in summary.rows.values():
        found.faults.update(row.faults)
        for (verdict, status), count in row.endings.items():
            ending = Ending(row.event, verdict, status)
            found.endings[ending] = count
            if reason := row.reasons.get((verdict, status)):
                found.reasons[ending] = reason
    return found


def diagnose(evidence: Evidence) -> Diagnosis | None:
    """Returns the most important thing that is wrong, or None if nothing is."""
    failed = Counter({ending: n for ending, n in evidence.endings.items() if ending.verdict in FALLS_SHORT})
    if not failed or (not evidence.open and evidence.missed):
        return _missed(evidence)
    total, sent = failed.total(), evidence.endings.total()
    kinds = _by_kind(failed)
    (verdict, status), most = kinds.most_common(1)[0]
    of_kind = [ending for ending in failed if (ending.verdict, ending.status) == (verdict, status)]
    example = next((evidence.reasons[ending] for ending in of_kind if evidence.reasons.get(ending)), "")
    how = _how(verdict, status, example, most)
    if not evidence.open:
        problem = f"{_attempts(most)} {how}; what failed was accepted when it was sent again."
        return Diagnosis(
            problem, "Nothing is left to do, unless it should not have failed at first.", None, verdict, True
        )
    remedy = _remedy(verdict, status, example, evidence.targets)
    if most == sent:
        return _noted(evidence, f"{_all_attempts(sent)} {how}.", remedy, None, verdict)
    events = {ending.event for ending in of_kind}
    if len(kinds) == 1 and len(events) == 1:
        return _of_one_event(evidence, next(iter(events)), most, how, remedy, verdict)
    others = f"; {total - most} failed in other ways" if total > most else ""
    return _noted(evidence, f"{most} of {_attempts(sent)} {how}{others}.", remedy, None, verdict)


def _of_one_event(evidence: Evidence, event: str, failed: int, how: str, remedy: str, verdict: str) -> Diagnosis:
    """Only one kind of event fails: what it has that others have not is the cause."""
    sent = sum(count for ending, count in evidence.endings.items() if ending.event == event)
    if failed == sent:
        problem = f"{_all_attempts(sent)} of {event} {how}; the other events were accepted."
        advice = f"Look at the body of {event}, and at what the integration logs for it."
    else:
        problem = f"{failed} of {_attempts(sent)} of {event} {how}; the others were accepted."
        advice = f"Compare a {event} that failed with one that was accepted: what is different in the body?"
    return _noted(evidence, problem, remedy if verdict in (TIMED_OUT, UNREACHABLE) else advice, event, verdict)


def _missed(evidence: Evidence) -> Diagnosis | None:
    """The answers are fine: is what the integration did with them?"""
    if not evidence.missed:
        if evidence.switched_off:
            return Diagnosis("The vendor has switched the hook off.", "Switch it on again where targets are listed.")
        return None
    first = _cut(evidence.first_missed or "")
    more = f" ({evidence.missed - 1} more)" if evidence.missed > 1 else ""
    problem = f"The answers are fine, but not what the integration did: {first}{more}."
    again = _hit(evidence.faults, _ONCE_MORE)
    mixed = _hit(evidence.faults, _OUT_OF_ORDER)
    if again:
        remedy = (
            f"Some deliveries were sent more than once ({again}): does it store one again that it has already stored?"
        )
    elif mixed:
        remedy = f"Some deliveries came in another order ({mixed}): does it depend on the order?"
    else:
        remedy = "Look at what the integration stored, and which delivery should have changed it."
    return Diagnosis(problem, remedy)


def _noted(evidence: Evidence, problem: str, remedy: str, event: str | None, verdict: str) -> Diagnosis:
    if evidence.switched_off:
        remedy += " The vendor has switched the hook off: switch it on again afterwards."
    return Diagnosis(problem, remedy, event, verdict)


def _by_kind(failed: Counter[Ending]) -> Counter[tuple[str, int | None]]:
    kinds: Counter[tuple[str, int | None]] = Counter()
    for ending, count in failed.items():
        kinds[ending.verdict, ending.status] += count
    return kinds


def _how(verdict: str, status: int | None, reason: str, count: int) -> str:
    """How so many attempts ended, after their number: `were answered 404`."""
    if verdict == REJECTED:
        usual = not reason or reason.startswith(f"answered {status}, the vendor")
        return f"{'was' if count == 1 else 'were'} {f'answered {status}' if usual else _cut(reason)}"
    words = {TIMED_OUT: "timed out", BROKEN: "got no complete answer", UNREACHABLE: "reached nobody"}[verdict]
    return f"{words} ({_cut(reason)})" if reason else words


def _remedy(verdict: str, status: int | None, reason: str, targets: Mapping[str, None]) -> str:
    where = _listed(targets)
    if verdict == UNREACHABLE:
        if "resolved" in reason or "not a host name" in reason:
            return f"Is the host name right? They were sent to {where}."
        if "certificate" in reason or "TLS" in reason:
            return f"Does {where} speak https, and is its certificate one that this machine trusts?"
        return f"Does the integration run, and does it listen at {where}?"
    if verdict == TIMED_OUT:
        return "Does it answer before it does the work? Let it store the delivery, answer, and work afterwards."
    if verdict == BROKEN:
        return "Does the integration crash, or is it restarted, while it answers? Look at its log."
    assert status is not None
    if status < 300:
        return (
            f"The vendor does not take this answer: {_cut(reason)}."
            if reason
            else "The vendor does not take this answer."
        )
    if status < 400:
        return "The vendor does not follow this redirect: give it the last address."
    text = _BY_STATUS.get(status)
    if text is None:
        text = (
            "It fails while it works on the request: look at its log."
            if status >= 500
            else "It refuses the requests: read what it answers."
        )
    return text.format(targets=where)


def _listed(targets: Mapping[str, None]) -> str:
    names = list(targets)
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more" if names else "the target"


def _hit(faults: Counter[str], names: Sequence[str]) -> str:
    """Returns those of the faults that have one of these names, with their arguments."""
    return ", ".join(sorted(fault for fault in faults if fault.startswith(tuple(names))))


def _attempts(count: int) -> str:
    return f"{count} attempt{'s' * (count != 1)}"


def _all_attempts(count: int) -> str:
    return {1: "The only attempt", 2: "Both attempts"}.get(count, f"All {count} attempts")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
