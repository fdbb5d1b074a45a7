"""Assertions about the response to a single request. Each reports a finding if it does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from vendorsim.checks.context import Context, Exchange
from vendorsim.checks.forms import BodyEdit, applied
from vendorsim.checks.model import ERROR, WARNING
from vendorsim.checks.stories import Sample
from vendorsim.checks.tours import ChangedEvent, Sending
from vendorsim.core.provenance import DOCUMENTED, Stated
from vendorsim.http.transport import Answer, Failure

REFUSE = Stated(
    "A request that can't be understood is answered with a 4xx.", DOCUMENTED, "RFC 9110, 15.5 (400 Bad Request)"
)
UNAUTHORIZED = frozenset({401, 403})
# Under this name the checks share whether an invalid request was refused with a 4xx.
REFUSES = "refuses"
# The cause of a body that is refused for its script or unusual characters.
TEXT = frozenset({"unusual text"})


def as_it_is(exchange: Exchange) -> frozenset[str]:
    """The cause of an event that is refused without a change, for whatever reason."""
    failed = exchange.answer.kind if isinstance(exchange.answer, Failure) else exchange.outcome()
    return frozenset({f"as it is: {failed}"})


def expect_accepted(
    context: Context,
    event: str,
    exchange: Exchange,
    what: str,
    pointer: str = "",
    case: str | None = None,
    *,
    why: str = "",
    causes: frozenset[str] | None = None,
    remedy: str | None = None,
) -> bool:
    """Expects a status that the vendor accepts, within the vendor's timeout. Returns whether it holds.

    `case` names the case that was sent, for the command that sends it again; default: the pointer. `why` is what is
    known of the reason, as the end of the finding's message; `causes` and `remedy` are as for `Context.fail`.
    An accepted answer whose body tells of an error is a warning: the vendor takes the delivery for done.
    """
    if context.accepted(exchange):
        told = told_error(exchange)
        if told is not None:
            context.fail(
                event,
                f"{what}: it was answered {exchange.outcome()}, but the answer says {told}; the vendor looks at the "
                "status only",
                expected="another status if the delivery was not processed",
                found=told,
                exchange=exchange,
                severity=WARNING,
                case=pointer if case is None else case,
                cause=("says error",),
                causes=frozenset({"says error"}),
                remedy="Answer another status if the delivery was not processed, and no error if it was.",
            )
        return True
    context.fail(
        event,
        f"{what}: {_outcome(exchange)}{why}",
        expected=f"{context.expected_statuses()} within {context.settings.policy.read_timeout.value / 1000:g} s",
        found=exchange.outcome(),
        pointer=pointer,
        exchange=exchange,
        case=pointer if case is None else case,
        causes=causes,
        remedy=remedy,
    )
    return False


def told_error(exchange: Exchange) -> str | None:
    """Returns what in the body of an answer tells of an error, such as `"ok": false`; None if nothing does."""
    try:
        body: Any = orjson.loads(exchange.answer.body) if isinstance(exchange.answer, Answer) else None
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict):
        return None
    for key, wrong in _TELLING.items():
        value = body.get(key)
        if wrong(value.lower() if isinstance(value, str) else value):
            return f"{orjson.dumps(key).decode()}: {orjson.dumps(value).decode()[:60]}"
    return None


# Keys of an answer, and which of their values tell of an error.
_TELLING: dict[str, Callable[[Any], bool]] = {
    "status": lambda value: value in ("error", "failed", "failure", "fail"),
    "ok": lambda value: value is False,
    "success": lambda value: value is False,
    "error": lambda value: value not in (None, False, "", 0, [], {}),
    "errors": lambda value: value not in (None, False, "", 0, [], {}),
}


def expect_client_error(
    context: Context,
    event: str,
    exchange: Exchange,
    what: str,
    pointer: str = "",
    case: str | None = None,
    *,
    cause: str | None = None,
) -> None:
    """Expects a 4xx. A 2xx is a warning; a 3xx, a 5xx, a timeout or a dropped connection is an error.

    Findings of several checks with one `cause` and one outcome are one finding; by default, those about one field.
    """
    status = exchange.status
    if status is not None and 400 <= status < 500:
        context.settings.shared[REFUSES] = True
        return
    harmless = status is not None and status < 300
    context.fail(
        event,
        f"{what}: {_outcome(exchange)}",
        expected="a 4xx answer",
        found=exchange.outcome(),
        pointer=pointer,
        exchange=exchange,
        severity=WARNING if harmless else ERROR,
        case=pointer if case is None else case,
        # All accepted invalid bodies count as one cause.
        cause=("accepted",) if harmless else (),
        statement=REFUSE if harmless else None,
        causes=None if cause is None else frozenset({f"{cause} {exchange.outcome()}"}),
    )


def expect_unauthorized(
    context: Context, event: str, exchange: Exchange, what: str, case: str = "", causes: frozenset[str] | None = None
) -> None:
    """Expects 401 or 403. Another 4xx is a warning. `causes` are those of a request that is accepted."""
    status = exchange.status
    if status in UNAUTHORIZED:
        return
    close = status is not None and 400 <= status < 500
    context.fail(
        event,
        f"{what}: {_outcome(exchange)}",
        expected="401 or 403",
        found=exchange.outcome(),
        exchange=exchange,
        severity=WARNING if close else ERROR,
        case=case,
        causes=frozenset({f"refused with {status}"}) if close else causes if context.accepted(exchange) else None,
    )


def edited(
    context: Context,
    event: str,
    edits_of: Callable[[Any], list[BodyEdit]],
    what: str,
    judge: Callable[[Context, str, Exchange, str, str], object],
    *,
    decides: bool = False,
) -> ChangedEvent:
    """Returns the attempt to send an event with all edits of its document at once. If it isn't accepted, each edit is
    sent alone to find the failing fields, and `judge` is called for each of those."""

    def edits_for(document: Any) -> list[BodyEdit]:
        return [edit for edit in edits_of(document) if not context.names_cases or context.takes(event, edit.pointer)]

    def send(sample: Sample) -> Sending | None:
        edits = edits_for(sample.document)
        if context.names_cases and not edits:
            return None
        changed = context.pinned.keep(sample.document, applied(sample.document, edits))
        return context.send(sample.event, context.encode(changed), what=what)

    async def conclude(sample: Sample, exchange: Exchange) -> None:
        context.case(event)
        if not context.accepted(exchange):
            await _find_failing(context, event, edits_for(sample.document), exchange, what, judge)

    return ChangedEvent(event, send, conclude, decides)


async def _find_failing(
    context: Context,
    event: str,
    edits: Sequence[BodyEdit],
    exchange: Exchange,
    what: str,
    judge: Callable[[Context, str, Exchange, str, str], object],
) -> None:
    """Sends each edit of a refused body alone, and calls `judge` for each that is refused; for all of them at once if
    none is."""
    if len(edits) == 1:
        judge(context, event, exchange, f"a {event} {edits[0].what}", edits[0].pointer)
        return
    failing = 0
    for edit in _one_per_field(edits):
        fresh = context.sample(event)
        try:
            document = context.pinned.keep(fresh.document, applied(fresh.document, [edit]))
        except (KeyError, IndexError, TypeError):
            continue
        if document == fresh.document:  # A pinned id is not changed.
            continue
        await context.send_lead(fresh)
        what_of_one = f"a {event} {edit.what}"
        exchange_of_one = await context.send(fresh.event, context.encode(document), what=what_of_one)
        if not context.accepted(exchange_of_one):
            failing += 1
            judge(context, event, exchange_of_one, what_of_one, edit.pointer)
    if not failing:
        judge(context, event, exchange, what, "")


def _one_per_field(edits: Iterable[BodyEdit]) -> list[BodyEdit]:
    """Returns one edit for each field. A field of list items counts once, not once per item."""
    seen: dict[tuple[object, ...], BodyEdit] = {}
    for edit in edits:
        seen.setdefault(tuple("*" if isinstance(part, int) else part for part in edit.path), edit)
    return list(seen.values())


def _outcome(exchange: Exchange) -> str:
    answer = exchange.answer
    return answer.reason if isinstance(answer, Failure) else f"it was answered {answer.status}"
