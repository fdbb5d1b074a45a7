"""`rejects`: what is broken is refused, and breaks nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from vendorsim.checks.assertions import accepted, unharmed
from vendorsim.checks.context import Context, gather_bounded
from vendorsim.checks.forms import BodyEdit, applied, missing, wrong_types
from vendorsim.checks.registry import check
from vendorsim.checks.stories import Sample
from vendorsim.core.provenance import ASSUMED, DOCUMENTED, Stated
from vendorsim.core.seeding import generator
from vendorsim.delivery.corruptions import DEPTH, OVERSIZE
from vendorsim.http.transport import Answer
from vendorsim.vendorkit.schema_walk import SchemaNode

Edits = Callable[[Any, SchemaNode], list[BodyEdit]]
MOST_EVENTS = 4

_REFUSE = Stated(
    "A request that can't be understood is answered with a 4xx.", DOCUMENTED, "RFC 9110, 15.5 (400 Bad Request)"
)
_ROBUST = Stated(
    "No request, however wrong, makes an integration answer 5xx, hang or drop the connection.",
    ASSUMED,
    "usual practice: vendors retry or switch off webhooks that fail",
)


@check("rejects.broken_json", _REFUSE, "Answer 400 when the body is not JSON.")
async def broken_json(context: Context) -> None:
    """Bodies that are no JSON: cut off, empty, no JSON at all, no UTF-8."""
    event = context.events()[0]
    sample = context.sample(event)
    body = sample.event.body
    bodies: Mapping[str, bytes] = {
        "half a body": body[: len(body) // 2],
        "an empty body": b"",
        "no JSON": b"<xml>not json</xml>",
        "a body that is not UTF-8": body[:-1] + b', "x": "\xc3\x28"}',
        "a body with text after its end": body + b"}}",
    }
    for what, broken in bodies.items():
        exchange = await context.send(sample.event, broken)
        context.case(event)
        unharmed(context, event, exchange, what)


@check("rejects.no_object", _REFUSE, "Answer 400 when the body is JSON, but no object.")
async def no_object(context: Context) -> None:
    """JSON that is no object."""
    event = context.events()[0]
    sample = context.sample(event)
    for body in (b"null", b"[]", b'"text"', b"4711", b"[{}]"):
        exchange = await context.send(sample.event, body)
        context.case(event)
        unharmed(context, event, exchange, f"the body {body.decode()}")


@check("rejects.truncated", _ROBUST, "Give up on bodies that never arrive whole, and go on answering others.")
async def truncated(context: Context) -> None:
    """The connection ends after half a body; the next request is answered as ever."""
    event = context.events()[0]
    sample = context.sample(event)
    exchange = await context.send(sample.event, cut=0.5)
    context.case(event)
    if isinstance(exchange.answer, Answer) and exchange.answer.status >= 500:
        unharmed(context, event, exchange, "half a body, and the end of the connection")
    await _alive(context, event)


@check("rejects.content_type", _REFUSE, "Answer 415 or 400 to a body that is not declared as JSON.")
async def content_type(context: Context) -> None:
    """A body that is declared as something else, or not at all."""
    event = context.events()[0]
    for declared in ("text/plain", "application/x-www-form-urlencoded", "application/xml", None):
        sample = context.sample(event)
        await context.lead(sample)
        exchange = await context.send(sample.event, headers={"Content-Type": declared})
        context.case(event)
        unharmed(context, event, exchange, f"Content-Type {declared or 'missing'}")


@check("rejects.missing_field", _ROBUST, "Check that what you need is there before you use it.")
async def missing_field(context: Context) -> None:
    """Each required field is gone, one at a time."""
    await _each(context, missing, "without {pointer}")


@check("rejects.wrong_type", _ROBUST, "Check the type of what you use.")
async def wrong_type(context: Context) -> None:
    """Each field has a value of another type, one at a time."""
    await _each(context, wrong_types, "with {pointer} of another type", MOST_EVENTS)


async def _each(context: Context, make: Edits, what: str, most: int | None = None) -> None:
    """One request for each edit of each event; the same field of several list items counts once.

    With `most`, a field that many events share is tried in so many of them; the seed decides in which.
    """

    async def one(event: str, edit: BodyEdit) -> None:
        sample = context.sample(event)
        try:
            document = applied(sample.document, [edit])
        except (KeyError, IndexError, TypeError):
            return
        exchange = await context.send(sample.event, context.encode(document))
        context.case(event)
        if not (context.accepted(exchange) and not _is_essential(context, sample, edit)):
            unharmed(context, event, exchange, f"a {event} {what.format(pointer=edit.pointer)}", edit.pointer)

    work = []
    tried: Counter[tuple[object, ...]] = Counter()
    events = list(context.events())
    generator(context.settings.seed, what).shuffle(events)
    for event in events:
        sample = context.sample(event)
        seen: set[tuple[object, ...]] = set()
        for edit in make(sample.document, context.schema(event)):
            field = tuple("*" if isinstance(part, int) else part for part in edit.path)
            if field not in seen and (most is None or tried[field] < most):
                seen.add(field)
                tried[field] += 1
                work.append(one(event, edit))
    await gather_bounded(work)


def _is_essential(context: Context, sample: Sample, edit: BodyEdit) -> bool:
    """Whether no integration can do without the field: it tells the event, or the conversation.

    What an integration has no use for, it need not check.
    """
    value: Any = sample.document
    for part in edit.path:
        value = value[part]
    names_event = len(edit.path) == 1 and edit.path[0] in context.settings.profile.event_keys
    return names_event or (value == sample.event.conversation and len(edit.path) <= 2)


@check("rejects.deep_nesting", _ROBUST, "Bound the depth of what you parse, or catch the parser's error.")
async def deep_nesting(context: Context) -> None:
    """A value that is nested two thousand levels deep."""
    event = context.events()[0]
    sample = context.sample(event)
    nested = b"[" * DEPTH + b"]" * DEPTH
    body = sample.event.body[:-1] + b',"vendorsim_deep":' + nested + b"}"
    exchange = await context.send(sample.event, body)
    context.case(event)
    if not context.accepted(exchange):  # It is valid JSON: a parser without a limit may well take it.
        unharmed(context, event, exchange, f"a body nested {DEPTH} levels deep")
    await _alive(context, event)


@check("rejects.oversize", _ROBUST, "Bound the size of bodies, and answer 413 above it.")
async def oversize(context: Context) -> None:
    """A body of some mebibytes."""
    event = context.events()[0]
    sample = context.sample(event)
    body = sample.event.body[:-1] + b',"vendorsim_large":"' + b"x" * OVERSIZE * 4 + b'"}'
    exchange = await context.send(sample.event, body)
    context.case(event)
    unharmed(context, event, exchange, f"a body of {len(body) // 1024 // 1024} MiB")
    await _alive(context, event)


async def _alive(context: Context, event: str) -> None:
    """An ordinary event is accepted afterwards."""
    sample = context.sample(event)
    await context.lead(sample)
    exchange = await context.send(sample.event)
    context.case(event)
    accepted(context, event, exchange, f"an ordinary {event} afterwards")
