"""`calls_api`: the integration calls the identification API when a visitor says who he is, and handles all answers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import orjson

from vendorsim.checks.api_calls import (
    ACCEPTED,
    DUPLICATE,
    ENDED,
    ERROR_ONCE,
    ERRORS,
    HOLD,
    PATIENCE,
    SLACK,
    UNSUPPORTED,
    Observed,
    Scene,
    Seen,
    grow,
    observed,
)
from vendorsim.checks.context import Context, Exchange
from vendorsim.checks.model import WARNING, NotJudged
from vendorsim.checks.registry import all_checks, check
from vendorsim.core.provenance import ASSUMED, DOCUMENTED, Stated
from vendorsim.http.transport import Answer
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.contract import Violation

# Calls of one session in one second that are still no hammering.
MOST_PER_SECOND = 3
# Seconds; a shorter pause is none.
SHORTEST_PAUSE = 0.1

NEEDED = {
    "calls_api.called": (ACCEPTED,),
    "calls_api.once": (ACCEPTED,),
    "calls_api.valid_body": (ACCEPTED,),
    "calls_api.credentials": (ACCEPTED,),
    "calls_api.identifier": (ACCEPTED,),
    "calls_api.no_retry_of_400": (ENDED, UNSUPPORTED),
    "calls_api.duplicate": (DUPLICATE,),
    "calls_api.retries_5xx": (ERROR_ONCE, ERRORS),
    "calls_api.hammering": (ACCEPTED, ENDED, UNSUPPORTED, DUPLICATE, ERROR_ONCE, ERRORS),
}
"""The kinds of conversations that each check judges."""

IDENTIFICATION = registry.identification()
OPERATION = IDENTIFICATION.operation
_ASKED = IDENTIFICATION.statements
_FINAL = Stated(
    "A request that is refused with 400 is refused again, however often it is sent.", DOCUMENTED, "RFC 9110, 15.5.1"
)
_RETRY = Stated(
    "A call that the platform failed to answer is made again, after pauses that grow.", ASSUMED, "usual practice"
)


async def _observed(context: Context) -> Observed:
    """What was seen of the integration's calls, in the conversations of every check that is selected."""
    selected = [check.id for check in all_checks() if context.settings.selection.takes_check(check)]
    kinds = dict.fromkeys((ACCEPTED, *(kind for name in selected for kind in NEEDED.get(name, ()))))
    return await observed(context, tuple(kinds))


async def _scenes(context: Context) -> list[Scene]:
    """The conversations of this check in which the integration called. Raises NotJudged when there are none."""
    scenes = (await _observed(context)).scenes
    if not any(scene.calls for scene in scenes):
        raise NotJudged("it never called")
    called = [scene for scene in scenes if scene.kind in NEEDED[context.check.id] and scene.calls]
    if not called:
        raise NotJudged("it did not call in the conversations that this is about")
    for _ in called:
        context.case()
    return called


async def _told(context: Context) -> list[Scene]:
    """The conversations of this check in which the integration got the answers that it was to get."""
    scenes = [scene for scene in await _scenes(context) if scene.told]
    if not scenes:
        raise NotJudged("its calls were refused for their credentials")
    return scenes


async def _answered(context: Context) -> list[Scene]:
    """The same, where further calls can only come from the answers. Raises NotJudged when they come anyway."""
    if any(scene.later for scene in (await _observed(context)).scenes if scene.kind == ACCEPTED):
        raise NotJudged("it calls more than once anyway: see calls_api.once")
    return await _told(context)


@check("calls_api.called", _ASKED["called"], f"Call {OPERATION} as soon as a message holds the customer's number.")
async def called(context: Context) -> None:
    """The API is called for the session, in time."""
    seen = await _observed(context)
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
                cause=("stray" if strays else "none", scene.session[0]),
            )


@check("calls_api.once", _ASKED["once"], "Remember whom you have identified, by session and identifier.")
async def once(context: Context) -> None:
    """One need, one call."""
    for scene in await _scenes(context):
        if scene.later:
            _fail(context, scene.later[0], "was called more than once for one need", "one call", scene)


@check("calls_api.valid_body", _ASKED["valid_body"], "Send application/json with a string identifier.")
async def valid_body(context: Context) -> None:
    """The body keeps the API's contract."""
    for scene in await _told(context):
        for seen in scene.told:
            for violation in _violations(seen.call):
                context.fail(
                    None,
                    f"the body of {OPERATION} breaks its contract: {violation.message}",
                    expected=f"a body valid for {OPERATION}",
                    found=violation.message,
                    pointer=violation.pointer,
                    exchange=_exchange(seen.call),
                )


def _violations(call: ApiCall) -> Iterator[Violation]:
    """What is wrong with a body; what the schema does not say (that it is declared as JSON) the answer says."""
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
    _ASKED["credentials"],
    "Send Authorization: Bearer <token>, or Basic with subdomain and token.",
)
async def credentials(context: Context) -> None:
    """Credentials in a form that is documented, and the right ones."""
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


@check("calls_api.identifier", _ASKED["called"], "Send the customer's number as he gave it.")
async def identifier(context: Context) -> None:
    """The identifier is the one that the visitor gave."""
    good = [(scene, seen) for scene in await _told(context) for seen in scene.told if seen.call.fields is not None]
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
            )


@check("calls_api.no_retry_of_400", _FINAL, "Note a 400 as final; only something new is a reason to call again.")
async def no_retry_of_400(context: Context) -> None:
    """The session has ended, or its CRM is not supported: no further call."""
    for scene in await _answered(context):
        if scene.later:
            answer = f"400 '{scene.told[0].call.message}'"
            _fail(context, scene.later[0], f"was called again after {answer}", "no further call", scene)


@check("calls_api.duplicate", _ASKED["duplicate"], "Let a duplicate rest until the interval is over.")
async def duplicate(context: Context) -> None:
    """A duplicate request: no further call before the interval is over, and one at most after it."""
    scenes = await _answered(context)
    assert context.settings.state is not None
    interval = context.settings.state.duplicate_interval / 1000
    for scene in scenes:
        early = [seen for seen in scene.later if seen.at - scene.told[0].at < interval - SLACK]
        if early:
            _fail(context, early[0], "was called before the interval was over", f"no call for {interval:g} s", scene)
        elif len(scene.later) > 1:
            _fail(context, scene.later[1], "was called again and again after a duplicate", "one call at most", scene)


@check("calls_api.retries_5xx", _RETRY, "Retry 5xx after pauses that double, a few times, then give up.")
async def retries_5xx(context: Context) -> None:
    """One 500, and then many: further calls, after pauses that grow."""
    for scene in await _answered(context):
        pauses = scene.pauses()
        first = scene.told[0]
        if not pauses:
            _fail(context, first, "was not called again after 500", f"another call within {PATIENCE:g} s", scene)
        elif scene.kind == ERRORS and len(pauses) > 1 and not grow(pauses):
            _fail(context, first, "was called after pauses that do not grow", "pauses that grow", scene)
        elif scene.kind == ERROR_ONCE and pauses[0] < SHORTEST_PAUSE:
            _fail(context, first, "was called again at once after 500", "a pause", scene, WARNING)


@check("calls_api.hammering", _ASKED["hammering"], "Make one call at a time for a session, and pause between them.")
async def hammering(context: Context) -> None:
    """Whatever it is told, it never calls in a rush, nor twice at the same time for one session."""
    for scene in await _scenes(context):
        times = [seen.at for seen in scene.calls]
        if any(then - now < HOLD - SLACK for now, then in pairwise(times)):
            _fail(context, scene.calls[1], "was called twice at the same time", "one call at a time", scene)
        elif any(then - now < 1 for now, then in zip(times, times[MOST_PER_SECOND:], strict=False)):
            expected = f"{MOST_PER_SECOND} calls per second and session at most"
            _fail(context, scene.calls[1], "was called in a rush", expected, scene)


def _fail(context: Context, seen: Seen, did: str, expected: str, scene: Scene, severity: str | None = None) -> None:
    """A finding about when calls came; those with the same wording have one cause."""
    context.fail(
        None,
        f"{OPERATION} {did}",
        expected=expected,
        found=_times(scene),
        exchange=_exchange(seen.call),
        severity=severity,
        cause=(did,),
    )


def _times(scene: Scene) -> str:
    """When the calls of a conversation came: `3 calls, after 0.0 s, 0.5 s and 1.0 s`."""
    times = [f"{seen.at - scene.calls[0].at:.1f} s" for seen in scene.calls]
    return "1 call" if len(times) == 1 else f"{len(times)} calls, at {', '.join(times)}"


def _exchange(call: ApiCall) -> Exchange:
    """The integration's call and its answer, to be shown; the secret is not known here."""
    shown = f"Authorization: {call.credentials} ***\r\n" if call.credentials else ""
    path = IDENTIFICATION.path_of(call.comm_type, call.session_id)
    head = f"{IDENTIFICATION.method} {path} HTTP/1.1\r\n{shown}\r\n"
    answer = Answer(call.status, (("Content-Type", "application/json"),), orjson.dumps({"message": call.message}))
    return Exchange(head.encode(), call.body or b"", answer, 0.0)
