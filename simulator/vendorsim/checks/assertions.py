"""The three questions that single requests are judged by: accepted, unharmed, refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vendorsim.checks.context import Context, Exchange
from vendorsim.checks.forms import BodyEdit, applied
from vendorsim.checks.model import ERROR, WARNING
from vendorsim.checks.stories import Sample
from vendorsim.http.transport import Failure

UNAUTHORIZED = frozenset({401, 403})


def accepted(context: Context, event: str, exchange: Exchange, what: str, pointer: str = "") -> bool:
    """The vendor's own status is expected, within the vendor's time."""
    if context.accepted(exchange):
        return True
    context.fail(
        event,
        f"{what}: {_did(exchange)}",
        expected=f"{context.expected_statuses()} within {context.settings.policy.read_timeout.value / 1000:g} s",
        found=exchange.outcome(),
        pointer=pointer,
        exchange=exchange,
    )
    return False


def unharmed(context: Context, event: str, exchange: Exchange, what: str, pointer: str = "") -> None:
    """A 4xx is expected; anything but a hang, a dropped connection or a 5xx will do, a 2xx only just."""
    status = exchange.status
    if status is not None and 400 <= status < 500:
        return
    harmless = status is not None and status < 300
    context.fail(
        event,
        f"{what}: {_did(exchange)}",
        expected="a 4xx answer",
        found=exchange.outcome(),
        pointer=pointer,
        exchange=exchange,
        severity=WARNING if harmless else ERROR,
        # That broken bodies are accepted has one cause, whatever was broken about them.
        cause=("accepted",) if harmless else (),
    )


def refused(context: Context, event: str, exchange: Exchange, what: str) -> None:
    """401 or 403 is expected; another 4xx will do only just."""
    status = exchange.status
    if status in UNAUTHORIZED:
        return
    close = status is not None and 400 <= status < 500
    context.fail(
        event,
        f"{what}: {_did(exchange)}",
        expected="401 or 403",
        found=exchange.outcome(),
        exchange=exchange,
        severity=WARNING if close else ERROR,
    )


async def edited(
    context: Context,
    sample: Sample,
    edits: list[BodyEdit],
    what: str,
    judge: Callable[[Context, str, Exchange, str, str], object],
) -> None:
    """Sends the sample with all edits at once; where it is not accepted, with each one alone, to name the culprits."""
    event = sample.event
    await context.lead(sample)
    exchange = await context.send(event, context.encode(applied(sample.document, edits)))
    context.case(event.name)
    if context.accepted(exchange):
        return
    culprits = 0
    for edit in _one_per_field(edits):
        fresh = context.sample(event.name)
        try:
            document = applied(fresh.document, [edit])
        except (KeyError, IndexError, TypeError):
            continue
        await context.lead(fresh)
        alone = await context.send(fresh.event, context.encode(document))
        if not context.accepted(alone):
            culprits += 1
            judge(context, event.name, alone, what, edit.pointer)
    if not culprits:
        judge(context, event.name, exchange, what, "")


def _one_per_field(edits: Iterable[BodyEdit]) -> list[BodyEdit]:
    """One edit for each field, whatever its place in a list: the tenth message tells nothing new."""
    seen: dict[tuple[object, ...], BodyEdit] = {}
    for edit in edits:
        seen.setdefault(tuple("*" if isinstance(part, int) else part for part in edit.path), edit)
    return list(seen.values())


def _did(exchange: Exchange) -> str:
    answer = exchange.answer
    return answer.reason if isinstance(answer, Failure) else f"it was answered {answer.status}"
