"""`rejects`: the integration refuses invalid requests, and goes on working."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from vendorsim.checks.assertions import REFUSE, expect_accepted, expect_client_error
from vendorsim.checks.context import Context
from vendorsim.checks.forms import BodyEdit, applied, missing, wrong_types
from vendorsim.checks.registry import check
from vendorsim.checks.stories import Sample
from vendorsim.core.provenance import ASSUMED, Stated
from vendorsim.core.seeding import generator
from vendorsim.delivery.corruptions import DEPTH, OVERSIZE
from vendorsim.http.transport import Answer
from vendorsim.vendorkit.schema_walk import SchemaNode

Edits = Callable[[Any, SchemaNode], list[BodyEdit]]
# Events in which one field is tried, unless it stands at the top of a body and is missing.
MOST_EVENTS = 2

_ROBUST = Stated(
    "No request, however wrong, makes an integration answer 5xx, hang or drop the connection.",
    ASSUMED,
    "usual practice: vendors retry or switch off webhooks that fail",
)
# The cause of an error of the parser that nobody catches.
_UNREADABLE = "unreadable"


@check("rejects.broken_json", REFUSE, "Answer 400 when the body is not JSON.")
async def broken_json(context: Context) -> None:
    """Sends bodies that are not JSON: cut off, empty, XML, not UTF-8."""
    event = (await context.taken())[0]
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
        if context.takes(event, what):
            exchange = await context.send(sample.event, broken)
            context.case(event)
            expect_client_error(context, event, exchange, what, case=what, cause=_UNREADABLE)


@check("rejects.no_object", REFUSE, "Answer 400 when the body is JSON, but no object.")
async def no_object(context: Context) -> None:
    """Sends JSON that is not an object."""
    event = (await context.taken())[0]
    sample = context.sample(event)
    bodies = {"null": b"null", "empty list": b"[]", "text": b'"text"', "number": b"4711", "list": b"[{}]"}
    for case, body in bodies.items():
        if context.takes(event, case):
            exchange = await context.send(sample.event, body)
            context.case(event)
            expect_client_error(context, event, exchange, f"the body {body.decode()}", case=case)


@check("rejects.truncated", _ROBUST, "Give up on bodies that never arrive whole, and go on answering others.")
async def truncated(context: Context) -> None:
    """Closes the connection after half a body. The integration still answers the next request."""
    event = (await context.taken())[0]
    sample = context.sample(event)
    exchange = await context.send(sample.event, what=f"a {event} whose body broke off", cut=0.5)
    context.case(event)
    if isinstance(exchange.answer, Answer) and exchange.answer.status >= 500:
        expect_client_error(context, event, exchange, "half a body, and the end of the connection")
    await _expect_alive(context, event)


@check("rejects.content_type", REFUSE, "Answer 415 or 400 to a body that is not declared as JSON.")
async def content_type(context: Context) -> None:
    """Sends JSON with another Content-Type, and without one."""
    event = (await context.taken())[0]
    for declared in ("text/plain", "application/x-www-form-urlencoded", "application/xml", None):
        case = declared or "missing"
        if not context.takes(event, case):
            continue
        sample = context.sample(event)
        await context.send_lead(sample)
        exchange = await context.send(sample.event, headers={"Content-Type": declared})
        context.case(event)
        expect_client_error(context, event, exchange, f"Content-Type {case}", case=case)


@check("rejects.missing_field", _ROBUST, "Check that what you need is there before you use it.", most_alike=1)
async def missing_field(context: Context) -> None:
    """Sends bodies that each lack one required field."""
    await _send_each(context, missing, "without {pointer}", always_at_top=True)


@check("rejects.wrong_type", _ROBUST, "Check the type of what you use.", most_alike=1)
async def wrong_type(context: Context) -> None:
    """Sends bodies that each have one field of another type."""
    await _send_each(context, wrong_types, "with {pointer} of another type")


async def _send_each(context: Context, make: Edits, what: str, *, always_at_top: bool = False) -> None:
    """Sends one request for each edit, a field in `MOST_EVENTS` events; with `always_at_top`, one at the top of a body
    in all events. A field of list items counts once."""

    async def one(event: str, edit: BodyEdit) -> None:
        sample = context.sample(event)
        try:
            document = applied(sample.document, [edit])
        except (KeyError, IndexError, TypeError):
            return
        changed = f"a {event} {what.format(pointer=edit.pointer)}"
        exchange = await context.send(sample.event, context.encode(document), what=changed)
        context.case(event)
        if not (context.accepted(exchange) and not _is_essential(context, sample, edit)):
            expect_client_error(context, event, exchange, changed, edit.pointer)

    work = []
    tried: Counter[tuple[object, ...]] = Counter()
    events = list(await context.taken())
    generator(0, what).shuffle(events)
    for event in events:
        sample = context.sample(event)
        seen: set[tuple[object, ...]] = set()
        for edit in make(sample.document, context.schema(event)):
            field = tuple("*" if isinstance(part, int) else part for part in edit.path)
            if context.names_cases:
                if context.takes(event, edit.pointer):
                    work.append(one(event, edit))
            elif (
                field not in seen
                and ((always_at_top and len(field) == 1) or tried[field] < MOST_EVENTS)
                and context.takes(event, edit.pointer)
            ):
                seen.add(field)
                tried[field] += 1
                work.append(one(event, edit))
    await context.side_by_side(work)


def _is_essential(context: Context, sample: Sample, edit: BodyEdit) -> bool:
    """Whether every integration needs the field: it holds the event's name or the conversation's id.

    An integration may accept errors in fields that it doesn't use.
    """
    value: Any = sample.document
    for part in edit.path:
        value = value[part]
    names_event = len(edit.path) == 1 and edit.path[0] in context.settings.profile.event_keys
    return names_event or (value == sample.event.conversation and len(edit.path) <= 2)


@check("rejects.deep_nesting", _ROBUST, "Bound the depth of what you parse, or catch the parser's error.")
async def deep_nesting(context: Context) -> None:
    """Sends a value that is nested `DEPTH` levels deep."""
    event = (await context.taken())[0]
    sample = context.sample(event)
    nested = b"[" * DEPTH + b"]" * DEPTH
    body = sample.event.body[:-1] + b',"vendorsim_deep":' + nested + b"}"
    exchange = await context.send(sample.event, body)
    context.case(event)
    if not context.accepted(exchange):  # It is valid JSON, which a parser without a limit accepts.
        expect_client_error(context, event, exchange, f"a body nested {DEPTH} levels deep", cause=_UNREADABLE)
    await _expect_alive(context, event)


@check("rejects.oversize", _ROBUST, "Bound the size of bodies, and answer 413 above it.")
async def oversize(context: Context) -> None:
    """Sends a body of several MiB."""
    event = (await context.taken())[0]
    sample = context.sample(event)
    body = sample.event.body[:-1] + b',"vendorsim_large":"' + b"x" * OVERSIZE * 4 + b'"}'
    exchange = await context.send(sample.event, body)
    context.case(event)
    expect_client_error(context, event, exchange, f"a body of {len(body) // 1024 // 1024} MiB")
    await _expect_alive(context, event)


async def _expect_alive(context: Context, event: str) -> None:
    """Expects that the integration still accepts a usual event."""
    sample = context.sample(event)
    await context.send_lead(sample)
    exchange = await context.send(sample.event)
    context.case(event)
    expect_accepted(context, event, exchange, f"an ordinary {event} afterwards")
