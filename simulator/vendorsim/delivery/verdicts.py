"""Judges answers: whether the vendor counts a delivery as accepted, and whether it retries."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from vendorsim.core.clock import wall_clock
from vendorsim.delivery.hooks import GONE
from vendorsim.delivery.records import BROKEN, DELIVERED, REJECTED, SPOILED, TIMED_OUT, UNREACHABLE, Attempt
from vendorsim.http.transport import TIMEOUT, Answer, Failure
from vendorsim.http.transport import UNREACHABLE as NO_CONNECTION
from vendorsim.scenario.model import Expectation
from vendorsim.vendorkit.policy import Policy, statuses_text

LONGEST_RETRY_AFTER = 7 * 24 * 3_600 * 1_000


def judge(
    answer: Answer | Failure, milliseconds: float, policy: Policy, expect: Expectation | None, spoiled: bool = False
) -> tuple[str, str | None]:
    """Returns the verdict on one attempt, and the reason where it is not "delivered".

    With `spoiled` the integration may refuse the request: the verdict is then SPOILED. A "delivered" answer may have a
    reason too: what was unusual about it. So has one that is not accepted.
    """
    if expect is None and isinstance(answer, Answer) and answer.status in policy.accepted.value:
        return DELIVERED, answer.oddity
    verdict, reason = _judge(answer, milliseconds, policy, expect)
    if spoiled and verdict in (REJECTED, BROKEN, TIMED_OUT):
        return SPOILED, reason
    return verdict, reason


def _judge(
    answer: Answer | Failure, milliseconds: float, policy: Policy, expect: Expectation | None
) -> tuple[str, str | None]:
    if isinstance(answer, Failure):
        verdict = {NO_CONNECTION: UNREACHABLE, TIMEOUT: TIMED_OUT}.get(answer.kind, BROKEN)
        return verdict, answer.reason
    if expect is not None and expect.status:
        if answer.status not in expect.status:
            wanted = " or ".join(map(str, expect.status))
            return REJECTED, _with(f"answered {answer.status}, the step expects {wanted}", answer)
    elif answer.status not in policy.accepted.value:
        expected = statuses_text(policy.accepted.value)
        return REJECTED, _with(f"answered {answer.status}, the vendor expects {expected}", answer)
    if expect is not None and expect.within is not None and milliseconds > expect.within:
        late = f"answered after {milliseconds:.0f} ms, the step expects it within {expect.within} ms"
        return REJECTED, _with(late, answer)
    return DELIVERED, answer.oddity


def _with(reason: str, answer: Answer) -> str:
    """The reason, and what was unusual about the answer."""
    return reason if answer.oddity is None else f"{reason} ({answer.oddity})"


def pause(attempt: Attempt, policy: Policy) -> int | None:
    """Returns the milliseconds until the vendor retries; None when it doesn't.

    The policy gives the pauses; a longer `Retry-After` replaces them. The vendor doesn't retry a request that was
    answered and that a fault had spoiled. It retries one that a network fault cut short.
    """
    retries = policy.retries.value
    if attempt.verdict == DELIVERED or attempt.number > len(retries) or attempt.status == GONE:
        return None
    if attempt.status is not None and attempt.status in policy.accepted.value:
        return None
    if attempt.verdict == SPOILED and attempt.status is not None:
        return None
    retried = policy.retried.value
    if retried is not None and attempt.status not in retried:
        return None
    return max(retries[attempt.number - 1], _retry_after(attempt.answer))


def _retry_after(answer: Answer | None) -> int:
    """Returns the pause of `Retry-After` (seconds or an HTTP date) in milliseconds; 0 without one."""
    text = answer.header("retry-after") if answer is not None else None
    if text is None:
        return 0
    if text.strip().isdecimal():
        wanted = int(text.strip()[:9]) * 1_000
    else:
        try:
            wanted = int(parsedate_to_datetime(text).timestamp() * 1_000) - wall_clock()
        except (ValueError, OverflowError):
            return 0
    return min(max(wanted, 0), LONGEST_RETRY_AFTER)
