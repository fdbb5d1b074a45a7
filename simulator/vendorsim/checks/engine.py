"""Runs the checks one after the other, and yields events about them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from math import inf

from msgspec import Struct

from vendorsim.checks.assertions import REFUSES
from vendorsim.checks.causes import Causes
from vendorsim.checks.context import CheckSettings, Context
from vendorsim.checks.deduplicate import merged
from vendorsim.checks.model import (
    ERROR,
    FAILED,
    NOT_JUDGED,
    PASSED,
    SKIPPED,
    WARNING,
    Check,
    NotJudged,
    NotSelected,
    Result,
    Verdict,
    rank,
)
from vendorsim.checks.registry import all_checks, function_of
from vendorsim.checks.sender import TargetGone
from vendorsim.core.clock import monotonic
from vendorsim.core.provenance import ASSUMED, Stated

# Under this name the checks share how many ends of the integration's program are noted.
_ENDINGS = "endings"
# Seconds from the end of a connection to the end of its process.
_LONGEST_ENDING = 0.1
_GOES_ON = Stated("A receiver goes on running, whatever it receives.", ASSUMED, "usual practice")
# Seconds that a check gets, if there are as many left.
LEAST = 1.0


class CheckStarted(Struct, frozen=True):
    """A check has started. `result` changes while the check runs."""

    check: Check
    result: Result


class CheckFinished(Struct, frozen=True):
    """A check has finished."""

    result: Result


CheckEvent = CheckStarted | CheckFinished | Verdict


async def run(settings: CheckSettings, skipped: Mapping[str, str]) -> AsyncIterator[CheckEvent]:
    """Runs every selected check. `skipped` maps checks or families that the user skips to their reasons.

    The last event is the verdict. If the target is gone, the remaining checks are "not judged". Where the time is
    bounded, the checks that matter most come first.
    """
    results: list[Result] = []
    causes = Causes()
    checks = [check for check in all_checks() if settings.selection.takes_check(check)]
    gone: TargetGone | None = None
    for check in checks if settings.budget is None else sorted(checks, key=rank):
        result = Result(check)
        yield CheckStarted(check, result)
        if check.id in skipped or check.family in skipped:
            result.status = SKIPPED
            result.reason = skipped.get(check.id) or skipped.get(check.family)
        elif gone is not None:
            result.status, result.reason = NOT_JUDGED, f"the target is gone: {gone}"
        elif not (seconds := _share(settings.ends)):
            result.status, result.reason = NOT_JUDGED, f"the budget of {settings.budget:g} s was spent"
        else:
            began = monotonic()
            gone = await _judge(settings, check, result, seconds, last=check is checks[-1])
            result.seconds = monotonic() - began
        result.findings = merged(result.findings, check.most_alike)
        causes.add(result)
        results.append(result)
        yield CheckFinished(result)
    if not settings.shared.get(REFUSES):
        causes.join("rejects", "no invalid request is refused with a 4xx")
    yield verdict(settings, results, gone)


def _share(ends: float) -> float:
    """Returns the seconds that the next check may take at most: half of what is left until `ends`, but `LEAST` seconds
    in any case; 0 if the time is over."""
    left = max(0.0, ends - monotonic())
    return min(left, max(left / 2, LEAST))


async def _judge(
    settings: CheckSettings, check: Check, result: Result, seconds: float, *, last: bool
) -> TargetGone | None:
    """Runs one check for `seconds` at most and sets its result. Returns the error if the target is gone."""
    context = Context(settings, check, result)
    deferred = settings.sender.deferred
    try:
        async with asyncio.timeout(None if seconds == inf else seconds):
            await function_of(check)(context)
    except TimeoutError:
        gone = settings.sender.lost()
        if gone is not None:
            return _gone(context, gone)
        result.reason = f"stopped after {seconds:.1f} s, since the time is bounded: not everything was tried"
        if not result.cases:
            result.status = NOT_JUDGED
    except NotJudged as error:
        result.status, result.reason, result.broken_option = NOT_JUDGED, str(error), error.option
    except NotSelected as error:
        result.status, result.reason = SKIPPED, str(error)
    except TargetGone as error:
        return _gone(context, error)
    if settings.sender.deferred > deferred:
        context.fail(
            None,
            "requests were answered 429 and had to be sent again later; bound the rate with --pace N/s",
            expected="no limit below the vendor's rate",
            found="429",
            severity=WARNING,
            causes=frozenset({"rate limit"}),
        )
    await _note_ending(context, last=last)
    if any(finding.severity == ERROR for finding in result.findings):
        result.status = FAILED
    elif result.status == PASSED and result.cases == 0:
        result.status = NOT_JUDGED
        result.reason = "it has no such case" if context.names_cases else "there was nothing to try"
    return None


async def _note_ending(context: Context, *, last: bool) -> None:
    """Reports that the integration's program ended by itself, unless a broken request is reported as the reason."""
    settings = context.settings
    if settings.endings is None:
        return
    noted = settings.shared.get(_ENDINGS, 0)
    if context.broke or last:
        # A connection breaks a moment before its process has ended; the next check is not to be blamed, and after the
        # last one nobody looks.
        await asyncio.sleep(_LONGEST_ENDING)
    endings = settings.endings()
    settings.shared[_ENDINGS] = len(endings)
    if len(endings) == noted or context.broke:
        return
    how = endings[noted]
    context.fail(
        None,
        f"the integration's program ended by itself during this check ({how}) and was started again",
        expected="a program that goes on",
        found=how,
        severity=ERROR,
        cause=("ended",),
        causes=frozenset({"program ended"}),
        remedy="See what it printed last, and catch what ends it.",
        statement=_GOES_ON,
    )


def _gone(context: Context, error: TargetGone) -> TargetGone:
    """Notes in the result of a check that the target is gone, which is a finding if it was there before."""
    result = context.result
    result.status, result.reason = NOT_JUDGED, str(error)
    if not error.unreachable:
        context.fail(
            None,
            f"the integration stopped answering: {error}",
            expected="answers",
            found=str(error),
            cause=("gone",),
        )
    if result.findings:
        result.status = FAILED
    return error


def verdict(
    settings: CheckSettings, results: list[Result], gone: TargetGone | None = None, *, interrupted: bool = False
) -> Verdict:
    """Returns the verdict on the given results."""
    places = {check.id: place for place, check in enumerate(all_checks())}
    return Verdict(
        vendor=settings.vendor.name,
        profile=settings.profile.name,
        target=settings.destination.endpoint.shown,
        seed=settings.seed,
        results=tuple(sorted(results, key=lambda result: places[result.check.id])),
        coverage=settings.coverage.document(settings.stories.unreached()),
        interrupted=interrupted,
        unreachable=str(gone) if gone is not None and gone.unreachable else None,
        account=settings.account,
        inbox=settings.inbox,
    )
