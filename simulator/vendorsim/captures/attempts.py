"""Retries and timeouts in a capture, held to the vendor's delivery policy.

Attempts of one delivery are recognised by its id, if a header has it, else by their bytes. Without an id, an attempt
counts as a retry only if the one before was not accepted: two equal bodies that were both accepted are two events.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import blake2b

from msgspec import Struct

from vendorsim.captures.exchange import CapturedExchange
from vendorsim.core.times import duration_text
from vendorsim.vendorkit.policy import Policy, statuses_text

# So many deliveries are remembered; the oldest is forgotten first.
_MOST_DELIVERIES = 20_000
# A retry may be so much earlier or later than the schedule says: a tenth, and some seconds of a queue.
_SHARE, _QUEUE = 0.1, timedelta(seconds=10)


class Deviating(Struct):
    """One way in which attempts deviate from the policy. `setting` is the name of the policy's value."""

    setting: str
    message: str
    first: str
    count: int = 0


class _Delivery(Struct):
    """A delivery whose last attempt may be followed by another. `slow` is whether the last one was accepted, but later
    than the vendor waits."""

    place: str
    at: datetime
    status: int
    attempts: int
    accepted: bool
    slow: bool

    @property
    def over(self) -> bool:
        """Whether no other attempt should follow."""
        return self.accepted and not self.slow


class SeenAttempts:
    """The attempts of the deliveries of a capture."""

    def __init__(self, policy: Policy, delivery_headers: Collection[str]) -> None:
        """`delivery_headers` are the headers, in lower case, that have the id of a delivery."""
        self._policy = policy
        self._headers = delivery_headers
        self._open: OrderedDict[bytes, _Delivery] = OrderedDict()
        self._found: dict[str, Deviating] = {}
        self._answered = 0
        self._timed = 0
        self._last: datetime | None = None

    def add(self, exchange: CapturedExchange) -> bool:
        """Adds an attempt; returns whether it repeats one that was not accepted."""
        answer, at = exchange.answer, exchange.at
        self._answered += answer is not None
        if answer is None or at is None:
            return False
        self._timed += 1
        self._last = at if self._last is None else max(self._last, at)
        policy = self._policy
        named = next((value for name, value in exchange.headers if name.lower() in self._headers), None)
        key = blake2b(exchange.body if named is None else named.encode(), digest_size=16).digest()
        before = self._open.pop(key, None)
        limit = policy.read_timeout.value * (1 + _SHARE) + 1_000
        slow = answer.milliseconds is not None and answer.milliseconds > limit
        delivery = _Delivery(exchange.place, at, answer.status, 1, answer.status in policy.accepted.value, slow)
        if before is not None:
            delivery.attempts += before.attempts
            self._judge(before, exchange, at)
        if named is not None or not delivery.over:
            self._open[key] = delivery
            if len(self._open) > _MOST_DELIVERIES:
                _, oldest = self._open.popitem(last=False)
                self._judge_end(oldest)
        return before is not None

    def _judge(self, before: _Delivery, exchange: CapturedExchange, at: datetime) -> None:
        retries = self._policy.retries.value
        retried = self._policy.retried.value
        if before.over:
            self._report("accepted", f"sent again, though it was answered with {before.status}", exchange.place)
        elif not retries:
            self._report("retries", "sent again, though the policy has no retries", exchange.place)
        elif before.attempts > len(retries):
            self._report(
                "retries", f"attempt {before.attempts + 1}, the policy makes {len(retries) + 1}", exchange.place
            )
        elif retried is not None and not before.accepted and before.status not in retried:
            listed = statuses_text(retried)
            self._report("retried", f"sent again after {before.status}; the policy retries {listed}", exchange.place)
        else:
            planned = timedelta(milliseconds=retries[before.attempts - 1])
            if abs((at - before.at) - planned) > planned * _SHARE + _QUEUE:
                expected = duration_text(retries[before.attempts - 1])
                message = f"retry {before.attempts} at another time than {expected} after the attempt before"
                self._report("retries", message, exchange.place)

    def _judge_end(self, last: _Delivery) -> None:
        """Judges a delivery that was not sent again, if the capture is long enough."""
        retries, retried = self._policy.retries.value, self._policy.retried.value
        if last.over or last.attempts > len(retries) or self._last is None:
            return
        planned = timedelta(milliseconds=retries[last.attempts - 1])
        if self._last - last.at <= planned * (1 + _SHARE) + _QUEUE * 6:
            return
        if last.slow and last.accepted:
            expected = duration_text(self._policy.read_timeout.value)
            self._report("read_timeout", f"an answer after more than {expected} was accepted", last.place)
        elif retried is None or last.status in retried:
            expected = duration_text(retries[last.attempts - 1])
            self._report("retries", f"no retry {last.attempts}, {expected} after an attempt that failed", last.place)

    def _report(self, setting: str, message: str, place: str) -> None:
        found = self._found.setdefault(f"{setting}: {message}", Deviating(setting, message, place))
        found.count += 1

    def end(self) -> list[Deviating]:
        """The deviations, after the last attempt."""
        while self._open:
            _, oldest = self._open.popitem(last=False)
            self._judge_end(oldest)
        return list(self._found.values())

    @property
    def deviates(self) -> bool:
        """Whether there is a deviation."""
        return bool(self._found)

    @property
    def judged(self) -> int:
        """The number of attempts that could be judged."""
        return self._timed

    def not_judged(self) -> str | None:
        """Why retries and timeouts could not be judged."""
        if self._timed:
            return None
        return "the capture has no times" if self._answered else "the capture has no answers"
