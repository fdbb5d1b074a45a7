"""Runs the checks, stage by stage (`vendorsim.checks.schedule`), and yields events about them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
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
from vendorsim.checks.schedule import stages
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
    bounded, the checks run one after the other, and those that matter most come first. Checks finish in the order of
    reports, whatever the order in which they run.
    """
    checks = [check for check in all_checks() if settings.selection.takes_check(check)]
    if settings.budget is not None:
        checks.sort(key=rank)
    results = [Result(check) for check in checks]
    by_id = {result.check.id: result for result in results}
    in_stages = [[check] for check in checks] if settings.budget is not None else stages(checks)
    left = list(results)
    done: set[str] = set()
    causes = Causes()
    gone: TargetGone | None = None
    for stage in in_stages:
        settings.meter.begin(", ".join(dict.fromkeys(check.family for check in stage)))
        judged = [by_id[check.id] for check in stage]
        for result in judged:
            yield CheckStarted(result.check, result)
        seconds = _share(settings.ends)
        judged = [result for result in judged if not _left_out(settings, result, skipped, gone, seconds)]
        gone = await _judge_all(settings, judged, seconds, last=stage is in_stages[-1]) or gone
        done.update(check.id for check in stage)
        while left and left[0].check.id in done:
            result = left.pop(0)
            result.findings = merged(result.findings, result.check.most_alike)
            causes.add(result)
            yield CheckFinished(result)
    if not settings.shared.get(REFUSES):
        causes.join("rejects", "no invalid request is refused with a 4xx")
    yield verdict(settings, results, gone)


def _left_out(
    settings: CheckSettings, result: Result, skipped: Mapping[str, str], gone: TargetGone | None, seconds: float
) -> bool:
    """Whether a check is not run at all. The result gets the reason."""
    check = result.check
    if check.id in skipped or check.family in skipped:
        result.status = SKIPPED
        result.reason = skipped.get(check.id) or skipped.get(check.family)
    elif gone is not None:
        result.status, result.reason = NOT_JUDGED, f"the target is gone: {gone}"
    elif not seconds:
        result.status, result.reason = NOT_JUDGED, f"the budget of {settings.budget:g} s was spent"
    else:
        return False
    return True


async def _judge_all(
    settings: CheckSettings, results: Sequence[Result], seconds: float, *, last: bool
) -> TargetGone | None:
    """Runs checks at the same time. The first one that finds the target gone ends the others; returns its error."""
    contexts = [Context(settings, result.check, result) for result in results]
    running = {asyncio.ensure_future(_judge(context, seconds)): context for context in contexts}
    gone: TargetGone | None = None
    try:
        while running and gone is None:
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in running if task in ended]:
                del running[task]
                gone = gone or task.result()
    finally:
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
    for context in running.values():
        context.result.status, context.result.reason = NOT_JUDGED, f"the target is gone: {gone}"
    if contexts and gone is None:
        await _note_ending(contexts, last=last)
    for context in contexts:
        _conclude(context)
    return gone


def _share(ends: float) -> float:
    """Returns the seconds that the next check may take at most: half of what is left until `ends`, but `LEAST` seconds
    in any case; 0 if the time is over."""
    left = max(0.0, ends - monotonic())
    return min(left, max(left / 2, LEAST))


async def _judge(context: Context, seconds: float) -> TargetGone | None:
    """Runs one check for `seconds` at most. Returns the error if the target is gone."""
    settings, result = context.settings, context.result
    deferred, began = settings.sender.deferred, monotonic()
    try:
        async with asyncio.timeout(None if seconds == inf else seconds):
            await function_of(context.check)(context)
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
    finally:
        result.seconds = monotonic() - began
    if settings.sender.deferred > deferred:
        context.fail(
            None,
            "requests were answered 429 and had to be sent again later; bound the rate with --pace N/s",
            expected="no limit below the vendor's rate",
            found="429",
            severity=WARNING,
            causes=frozenset({"rate limit"}),
        )
    return None


def _conclude(context: Context) -> None:
    """Sets the status of a check that has ended."""
    result = context.result
    if any(finding.severity == ERROR for finding in result.findings):
        result.status = FAILED
    elif result.status == PASSED and result.cases == 0:
        result.status = NOT_JUDGED
        result.reason = "it has no such case" if context.names_cases else "there was nothing to try"


async def _note_ending(contexts: Sequence[Context], *, last: bool) -> None:
    """Reports that the integration's program ended by itself during these checks, unless one of them reports a broken
    request as the reason."""
    settings = contexts[0].settings
    if settings.endings is None:
        return
    noted = settings.shared.get(_ENDINGS, 0)
    broke = any(context.broke for context in contexts)
    if broke or last:
        # A connection breaks a moment before its process has ended; the next check is not to be blamed, and after the
        # last one nobody looks.
        await asyncio.sleep(_LONGEST_ENDING)
    endings = settings.endings()
    settings.shared[_ENDINGS] = len(endings)
    if len(endings) == noted or broke:
        return
    how = endings[noted]
    during = "this check" if len(contexts) == 1 else f"{contexts[0].check.id} to {contexts[-1].check.id}"
    contexts[0].fail(
        None,
        f"the integration's program ended by itself during {during} ({how}) and was started again",
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
            causes=frozenset({"gone"}),
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
