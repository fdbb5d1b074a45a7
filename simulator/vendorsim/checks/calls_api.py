"""`calls_api`: the integration calls the identification API when a visitor identifies, and handles all responses of it
and of every other operation that it calls.

What an integration makes of errors and outages is judged by bad days, of whichever operation. What only the
identification API documents (when it is called, with what, and its refusals) is judged by scenes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise

import orjson

from vendorsim.checks import bad_days
from vendorsim.checks.api_calls import (
    ACCEPTED,
    DUPLICATE,
    ENDED,
    HOLD,
    REPEATED,
    SLACK,
    UNSUPPORTED,
    Observed,
    Scene,
    TimedCall,
    observed,
)
from vendorsim.checks.bad_days import BadDay
from vendorsim.checks.context import Context, Exchange
from vendorsim.checks.model import ERROR, WARNING, Check, NotJudged
from vendorsim.checks.registry import all_checks, check
from vendorsim.core.provenance import ASSUMED, DOCUMENTED, Stated
from vendorsim.http.transport import BROKEN, Answer, Failure
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.contract import Violation

# Maximum calls of one session in one second.
MOST_PER_SECOND = 3
# Minimum pause before a retry, in seconds.
SHORTEST_PAUSE = 0.1
# With fewer pauses nothing is said about their growth.
ENOUGH_PAUSES = 3

NEEDED = {
    "calls_api.called": (ACCEPTED,),
    "calls_api.once": (ACCEPTED,),
    "calls_api.valid_body": (ACCEPTED,),
    "calls_api.credentials": (ACCEPTED,),
    "calls_api.identifier": (ACCEPTED,),
    "calls_api.no_retry_of_400": (ENDED, UNSUPPORTED),
    "calls_api.duplicate": (DUPLICATE,),
    "calls_api.hammering": (ACCEPTED, ENDED, UNSUPPORTED, DUPLICATE),
}
"""Check → the kinds of scenes that it judges."""

IDENTIFICATION = registry.identification()
OPERATION = IDENTIFICATION.operation
_STATEMENTS = IDENTIFICATION.statements
_FINAL = Stated(
    "A request that is refused with 400 is refused again, however often it is sent.", DOCUMENTED, "RFC 9110, 15.5.1"
)
_RETRY = Stated(
    "A call that the platform failed to answer is made again, after pauses that grow.", ASSUMED, "usual practice"
)

_WAIT = Stated(
    "After 429 no call is made until the time in Retry-After is over; then the work is done.",
    DOCUMENTED,
    "RFC 6585, 4 (429 Too Many Requests); RFC 9110, 10.2.3 (Retry-After)",
)
_BACK = Stated(
    "Work that an API could not take while it was away is done when it is back.",
    ASSUMED,
    "usual practice: a call without an answer is made again, after pauses that grow",
)
_GOES_ON = Stated(
    "One call that fails for good does not keep an integration from the next work.", ASSUMED, "usual practice"
)
# Causes of findings in several checks.
_TWICE, _NOT_FINAL = frozenset({"calls twice"}), frozenset({"calls again after a refusal"})


async def _observed(context: Context) -> Observed:
    """Returns the recorded calls, from the conversations of all selected checks."""
    selected = [check.id for check in all_checks() if _runs(context, check)]
    kinds = dict.fromkeys((ACCEPTED, *(kind for name in selected for kind in NEEDED.get(name, ()))))
    return await observed(context, tuple(kinds))


def _runs(context: Context, check: Check) -> bool:
    selection = context.settings.selection
    return selection.takes_check(check) and not selection.skips_check(check)


async def _scenes(context: Context) -> list[Scene]:
    """Returns the conversations of this check in which the integration called. Raises NotJudged if there are none."""
    scenes = (await _observed(context)).scenes
    if not any(scene.calls for scene in scenes):
        raise NotJudged("it never called")
    called = [scene for scene in scenes if scene.kind in NEEDED[context.check.id] and scene.calls]
    if not called:
        raise NotJudged("it did not call in the conversations that this is about")
    for _ in called:
        context.case()
    return called


async def _authorized_scenes(context: Context) -> list[Scene]:
    """Returns the conversations of this check with authorized calls. Raises NotJudged if there are none."""
    scenes = [scene for scene in await _scenes(context) if scene.authorized]
    if not scenes:
        raise NotJudged("its calls were refused for their credentials")
    return scenes


async def _scenes_with_one_call(context: Context) -> list[Scene]:
    """Returns the same as `_authorized_scenes`. Raises NotJudged if the integration repeats accepted calls, since
    repeated calls then say nothing about the responses."""
    if any(scene.repeated for scene in (await _observed(context)).scenes if scene.kind == ACCEPTED):
        raise NotJudged(REPEATED)
    return await _authorized_scenes(context)


@check("calls_api.called", _STATEMENTS["called"], f"Call {OPERATION} as soon as a message holds the customer's number.")
async def called(context: Context) -> None:
    """The integration calls the API for the session in time, and not before the visitor has said who he is."""
    seen = await _observed(context)
    called = any(scene.calls for scene in seen.scenes)
    sinks = [sink.name for sink in context.settings.state.sinks.all()] if context.settings.state is not None else []
    if (seen.others or sinks) and not seen.strays and not called:
        does = f"it calls {', '.join(seen.others)}" if seen.others else f"it may call {', '.join(sinks)}"
        raise NotJudged(
            f"{does}, but never {OPERATION}; if it identifies nobody, leave this out with --skip calls_api.called"
        )
    for scene in seen.scenes:
        if scene.kind != ACCEPTED:
            continue
        context.case()
        if not scene.calls:
            strays = ", ".join(dict.fromkeys(f"{stray.comm_type}/{stray.session_id}" for stray in seen.strays))
            context.fail(
                None,
                f"{OPERATION} was not called in '{scene.title}'",
                expected=f"{IDENTIFICATION.method} {scene.path} within {scene.within:g} s",
                found=f"calls for {strays}, which is no session of this check" if strays else "no call",
                # Calls for other sessions, or none at all, have one cause in all conversations.
                cause=("stray",) if strays else ("none", *([scene.session[0]] if called else [])),
            )
        elif scene.calls[0].early:
            did = "was called before the visitor had said who he is"
            _fail(context, scene.calls[0], did, "a call when the visitor has named his identifier", scene)


@check("calls_api.once", _STATEMENTS["once"], "Remember whom you have identified, by session and identifier.")
async def once(context: Context) -> None:
    """The integration calls once for each identification, and does no work twice when a call fails."""
    await _judge_both(context, _identifies_once, _works_once)


async def _identifies_once(context: Context) -> None:
    for scene in await _scenes(context):
        if scene.repeated:
            did = "was called more than once for one need"
            _fail(context, scene.repeated[0], did, "one call", scene, causes=_TWICE)


@check("calls_api.valid_body", _STATEMENTS["valid_body"], "Send application/json with a string identifier.")
async def valid_body(context: Context) -> None:
    """The body is valid for the API's contract."""
    for scene in await _authorized_scenes(context):
        for seen in scene.authorized:
            for violation in _violations(seen.call):
                context.fail(
                    None,
                    f"the body of {OPERATION} breaks its contract: {violation.message}",
                    expected=f"a body valid for {OPERATION}",
                    found=violation.message,
                    pointer=violation.pointer,
                    exchange=_exchange(seen.call),
                    cause=("invalid", violation.pointer),
                )


def _violations(call: ApiCall) -> Iterator[Violation]:
    """Yields the violations of a body. For an error outside the schema (Content-Type), yields the API's message."""
    try:
        document = orjson.loads(call.body or b"")
    except orjson.JSONDecodeError:
        yield Violation("", call.message)
        return
    violations = contracts.contract(IDENTIFICATION.vendor, IDENTIFICATION.profile).violations(OPERATION, document)
    yield from violations
    if call.fields is None and not violations:
        yield Violation("", call.message)


@check(
    "calls_api.credentials",
    _STATEMENTS["credentials"],
    "Send Authorization: Bearer <token>, or Basic with subdomain and token.",
)
async def credentials(context: Context) -> None:
    """The integration sends correct credentials in a documented form."""
    for scene in await _scenes(context):
        for seen in scene.calls:
            if seen.call.status == IDENTIFICATION.unauthorized:
                form = seen.call.credentials
                context.fail(
                    None,
                    f"{OPERATION} was called without good credentials",
                    expected="Authorization: Bearer <token>, or Basic with subdomain and token",
                    found=f"wrong {form} credentials" if form else "no well-formed Authorization header",
                    exchange=_exchange(seen.call),
                )


@check("calls_api.identifier", _STATEMENTS["called"], "Send the customer's number as he gave it.")
async def identifier(context: Context) -> None:
    """The integration sends the identifier that the visitor gave."""
    good = [
        (scene, seen)
        for scene in await _authorized_scenes(context)
        for seen in scene.authorized
        if seen.call.fields is not None
    ]
    if not good:
        raise NotJudged("no call had a valid body")
    for scene, seen in good:
        found = (seen.call.fields or {}).get("identifier")
        if scene.identifier is not None and found != scene.identifier:
            context.fail(
                None,
                f"{OPERATION} was called with identifier {found!r}",
                expected=repr(scene.identifier),
                found=repr(found),
                pointer="/identifier",
                exchange=_exchange(seen.call),
                cause=("identifier",),
            )


@check("calls_api.no_retry_of_400", _FINAL, "Note a 400 as final; only something new is a reason to call again.")
async def no_retry_of_400(context: Context) -> None:
    """The integration does not retry a 400 (the session has ended, or its CRM is not supported), a 404 or a 422."""
    await _judge_both(context, _takes_400_as_final, _takes_refusals_as_final)


async def _takes_400_as_final(context: Context) -> None:
    for scene in await _scenes_with_one_call(context):
        if scene.repeated:
            answer = f"400 '{scene.authorized[0].call.message}'"
            did = f"was called again after {answer}"
            _fail(context, scene.repeated[0], did, "no further call", scene, causes=_NOT_FINAL)


@check("calls_api.duplicate", _STATEMENTS["duplicate"], "Let a duplicate rest until the interval is over.")
async def duplicate(context: Context) -> None:
    """After a duplicate, the integration does not call again within the interval, and at most once after it."""
    scenes = await _scenes_with_one_call(context)
    assert context.settings.state is not None
    interval = context.settings.state.duplicate_interval / 1000
    for scene in scenes:
        early = [seen for seen in scene.repeated if seen.at - scene.authorized[0].at < interval - SLACK]
        if early:
            did = "was called before the interval was over"
            _fail(context, early[0], did, f"no call for {interval:g} s", scene, causes=_NOT_FINAL)
        elif len(scene.repeated) > 1:
            _fail(context, scene.repeated[1], "was called again and again after a duplicate", "one call at most", scene)


@check("calls_api.retries_5xx", _RETRY, "Retry 5xx after pauses that double, up to a minute or so, until it is done.")
async def retries_5xx(context: Context) -> None:
    """The integration calls again after one 500, and after several errors with growing pauses."""
    for day in await _days(context):
        pauses = day.pauses()
        if day.name == bad_days.OUTAGE:
            # What comes by a further delivery of the same message comes when the vendor sends that.
            if len(pauses) >= ENOUGH_PAUSES and not day.redelivered and not _grow(pauses):
                _fail_day(context, day, "was called after pauses that do not grow", "pauses that grow")
        elif day.lost:
            _fail_lost(context, day)
        elif pauses and pauses[0] < SHORTEST_PAUSE:
            _fail_day(context, day, "was called again at once after 500", "a pause", WARNING)


def _grow(pauses: Sequence[float]) -> bool:
    """Whether a later pause is clearly longer than the first. Any later one counts, since jitter may shorten some."""
    return max(pauses[1:], default=0.0) > pauses[0] * 1.2 + 0.05


@check(
    "calls_api.hammering", _STATEMENTS["hammering"], "Make one call at a time for a session, and pause between them."
)
async def hammering(context: Context) -> None:
    """After any response, the integration limits its rate of calls, and never makes two at once for one session."""
    await _judge_both(context, _hammers_in_scenes, _hammers_on_bad_days)


async def _hammers_in_scenes(context: Context) -> None:
    for scene in await _scenes(context):
        times = [seen.at for seen in scene.calls]
        if any(then - now < HOLD - SLACK for now, then in pairwise(times)):
            did = "was called twice at the same time"
            _fail(context, scene.calls[1], did, "one call at a time", scene, causes=_TWICE)
        elif any(then - now < 1 for now, then in zip(times, times[MOST_PER_SECOND:], strict=False)):
            expected = f"{MOST_PER_SECOND} calls per second and session at most"
            _fail(context, scene.calls[1], "was called in a rush", expected, scene)


@check("calls_api.retry_after", _WAIT, "After 429 wait as long as Retry-After says, then go on.")
async def retry_after(context: Context) -> None:
    """An operation is answered 429 for a while: it is not called before that is over, and the work is done then."""
    for day in await _days(context):
        calls = [call.served for call in day.of_operation]
        early = [call for call in calls[1:] if call.at - calls[0].at < bad_days.RETRY_AFTER - 0.1]
        if early:
            expected = f"no call for {bad_days.RETRY_AFTER} s"
            _fail_day(context, day, "was called before Retry-After was over", expected, causes=_RUSH)
        elif day.lost:
            _fail_lost(context, day)


@check(
    "calls_api.outages",
    _BACK,
    "Store what is to be done before you call, set a time limit for each call, and try again until it is done.",
)
async def outages(context: Context) -> None:
    """An operation gives no answer, or breaks one off, or the whole API is away: the work is done in the end."""
    for day in await _days(context):
        if day.lost:
            _fail_lost(context, day)


@check("calls_api.goes_on", _GOES_ON, "Note the failure, and go on with what comes next.")
async def goes_on(context: Context) -> None:
    """After a refusal and after an outage there is new work: it is done as on a good day."""
    for day in await _days(context):
        if day.next_lost and not (day.name == bad_days.OUTAGE and day.lost):
            did = f"when {day.about}, the next message of a visitor was not worked on, though the API was back"
            _fail_day(context, day, did, _work(day.expected), found="not all of it", cause="next")


Part = Callable[[Context], Awaitable[None]]


async def _judge_both(context: Context, scenes: Part, days: Part) -> None:
    """Judges scenes and bad days. Raises NotJudged where neither can be judged."""
    try:
        await scenes(context)
    except NotJudged as reason:
        try:
            await days(context)
        except NotJudged as other:
            raise (other if _calls_others(context) else reason) from None
    else:
        with suppress(NotJudged):
            await days(context)


async def _days(context: Context) -> list[BadDay]:
    """Returns the bad days that the check judges, of the identification API and of every other operation. Raises
    NotJudged if there are none."""
    found: list[BadDay] = []
    reasons: list[NotJudged] = []
    for source in (_days_of_identification, _days_of_others):
        try:
            found += await source(context)
        except NotJudged as reason:
            reasons.append(reason)
    if not found and reasons:
        raise reasons[-1] if _calls_others(context) else reasons[0]
    return found


async def _days_of_identification(context: Context) -> list[BadDay]:
    if not any(context.takes(None, f"{OPERATION}/{name}") for name in bad_days.NEEDED[context.check.id]):
        return []
    seen = await _observed(context)
    reason = seen.why_no_days()
    if reason is not None:
        raise NotJudged(reason)
    return bad_days.judged(context, seen.occasion, [OPERATION])


async def _days_of_others(context: Context) -> list[BadDay]:
    seen = context.settings.shared.get("calls_api")
    if isinstance(seen, Observed) and not seen.others:
        raise NotJudged(f"it calls no operation but {OPERATION}")
    return await bad_days.of_plain_story(context)


def _calls_others(context: Context) -> bool:
    """Whether the integration is known to call other operations than the identification API."""
    seen = context.settings.shared.get("calls_api")
    return isinstance(seen, Observed) and bool(seen.others)


async def _works_once(context: Context) -> None:
    for day in await _days(context):
        for name in day.too_often():
            did = f"when {day.about}, {name} did its work more than once"
            _fail_day(context, day, did, _work(day.expected), found=_work(day.found), cause="twice", causes=_TWICE)


async def _takes_refusals_as_final(context: Context) -> None:
    for day in await _days(context):
        if day.repeated > 0:
            severity = WARNING if day.repeated == 1 else ERROR
            _fail_day(context, day, f"was called again after {day.name}", "no further call", severity, cause="final")


async def _hammers_on_bad_days(context: Context) -> None:
    for day in await _days(context):
        times = [call.served.at for call in day.of_operation]
        most = MOST_PER_SECOND + day.usual.get(day.of_operation[0].operation or "", 1) - 1
        if any(then - now < 1 for now, then in zip(times, times[most:], strict=False)):
            did = f"was called in a rush when {day.about}"
            _fail_day(context, day, did, f"{most} calls per second and conversation at most", causes=_RUSH)


_RUSH = frozenset({"calls in a rush"})


def _fail_lost(context: Context, day: BadDay) -> None:
    """Reports work that was not done in the end."""
    again = "it was called again, but" if day.repeated > 0 else "it was not called again, and"
    did = f"when {day.about}, {again} its work is lost"
    _fail_day(context, day, did, _work(day.expected), found=f"{_work(day.found)}; {day.times()}", cause="lost")


def _work(work: Mapping[str, int]) -> str:
    return ", ".join(f"{number} × {name}" for name, number in work.items()) or "nothing"


def _fail_day(
    context: Context,
    day: BadDay,
    did: str,
    expected: str,
    severity: str | None = None,
    *,
    found: str | None = None,
    cause: str | None = None,
    causes: frozenset[str] = frozenset(),
) -> None:
    """Reports what an integration made of a bad day. What it does, whatever the operation and the day, is one cause."""
    call = day.of_operation[0]
    message = did if did.startswith("when ") else f"{call.shown} {did}"
    head = f"{call.served.method} {call.served.path} HTTP/1.1\r\n\r\n".encode()
    outcome = day.name if call.served.status is None else f"answer {call.served.status}"
    context.fail(
        day.event,
        message,
        expected=expected,
        found=found or day.times(),
        exchange=Exchange(head, call.served.body, Failure(BROKEN, f"({outcome})"), 0.0),
        severity=severity,
        case=day.case,
        cause=(cause or did,),
        causes=causes,
    )


def _fail(
    context: Context,
    seen: TimedCall,
    did: str,
    expected: str,
    scene: Scene,
    severity: str | None = None,
    causes: frozenset[str] = frozenset(),
) -> None:
    """Reports a finding about the times of calls. Findings with the same `did` are one cause."""
    context.fail(
        None,
        f"{OPERATION} {did}",
        expected=expected,
        found=_times(scene),
        exchange=_exchange(seen.call),
        severity=severity,
        cause=(did,),
        causes=causes,
    )


def _times(scene: Scene) -> str:
    """Returns the times of a conversation's calls as text: `3 calls, at 0.0 s, 0.5 s, 1.0 s`."""
    times = [f"{seen.at - scene.calls[0].at:.1f} s" for seen in scene.calls]
    return "1 call" if len(times) == 1 else f"{len(times)} calls, at {', '.join(times)}"


def _exchange(call: ApiCall) -> Exchange:
    """Converts a call and its response for a report, with `***` in place of the secret."""
    shown = f"Authorization: {call.credentials} ***\r\n" if call.credentials else ""
    path = IDENTIFICATION.path_of(call.comm_type, call.session_id)
    head = f"{IDENTIFICATION.method} {path} HTTP/1.1\r\n{shown}\r\n"
    answer = Answer(call.status, (("Content-Type", "application/json"),), orjson.dumps({"message": call.message}))
    return Exchange(head.encode(), call.body or b"", answer, 0.0)
