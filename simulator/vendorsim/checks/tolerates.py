"""`tolerates`: what a vendor may change at any time without asking."""

from __future__ import annotations

from vendorsim.checks.assertions import accepted, edited
from vendorsim.checks.context import Context, Exchange, gather_bounded
from vendorsim.checks.forms import BodyEdit, absent, applied, reordered, texts, unknown_fields, unknown_values
from vendorsim.checks.model import ERROR, WARNING, NotJudged
from vendorsim.checks.registry import check
from vendorsim.core.provenance import ASSUMED, DOCUMENTED, Stated

_COMPATIBLE = Stated(
    "Vendors add fields, values and events without notice; receivers ignore what they don't know.",
    ASSUMED,
    "usual practice; documented for Google CCAI Platform (docs.cloud.google.com, Apps API)",
)
_JSON = Stated(
    "The keys of a JSON object have no order, and its texts may hold any Unicode character.", DOCUMENTED, "RFC 8259"
)
_HTTP = Stated(
    "Header names are case-insensitive, and a body may come in chunks.", DOCUMENTED, "RFC 9110, 5.1 and RFC 9112, 7.1"
)
LARGE = "Long story short. " * 3_641
UNUSUAL = (
    "👩‍👩‍👧‍👦 emoji in a family",
    "مرحبا، أحتاج إلى مساعدة",
    "שלום, אני צריך עזרה",
    "e\u0301 and \u00e9, \u202eright to left\u202c, zero\u200bwidth",
    '\' OR 1=1; -- "quoted" <script>alert(1)</script> ${7*7} {{7*7}} %s %d \\ \\u0000',
    "line\nbreaks\r\nand\ttabs",
    "",
)


@check("tolerates.unknown_field", _COMPATIBLE, "Ignore fields you don't know.")
async def unknown_field(context: Context) -> None:
    """A field that nobody knows, in every object of the body."""

    async def one(event: str) -> None:
        sample = context.sample(event)
        await edited(context, sample, unknown_fields(sample.document), f"a {event} with unknown fields", accepted)

    await gather_bounded([one(event) for event in context.events()])


@check("tolerates.unknown_value", _COMPATIBLE, "Give values you don't know a default instead of failing.", WARNING)
async def unknown_value(context: Context) -> None:
    """A value that is none of the known ones, where a field has a few."""
    work = []
    for event in context.events():
        sample = context.sample(event)
        edits = unknown_values(sample.document, context.schema(event))
        if edits:
            work.append(edited(context, sample, edits, f"a {event} with an unknown value", _tolerated))
    if not work:
        raise NotJudged("the contract knows no field with a few values")
    await gather_bounded(work)


@check("tolerates.unknown_event", _COMPATIBLE, "Acknowledge events you don't know, and ignore them.", WARNING)
async def unknown_event(context: Context) -> None:
    """An event that the vendor does not send today."""
    event = context.events()[0]
    sample = context.sample(event)
    named = [key for key in context.settings.profile.event_keys if key in sample.document]
    if not named:
        raise NotJudged("the vendor's bodies name no event")
    document = applied(sample.document, [BodyEdit((named[-1],), "vendorsim_unknown_event")])
    exchange = await context.send(sample.event, context.encode(document))
    context.case(event)
    if not context.accepted(exchange):
        _tolerated(context, event, exchange, "an unknown event", f"/{named[-1]}")


def _tolerated(context: Context, event: str, exchange: Exchange, what: str, pointer: str) -> None:
    """Not to know a value is no crime, to fall over it is."""
    status = exchange.status
    broke = status is None or status >= 500
    context.fail(
        event,
        f"{what} was answered {exchange.outcome()}",
        expected=context.expected_statuses(),
        found=exchange.outcome(),
        pointer=pointer,
        exchange=exchange,
        severity=ERROR if broke else None,
    )


@check("tolerates.absent_optional", _COMPATIBLE, "Read optional fields with a default.")
async def absent_optional(context: Context) -> None:
    """Optional fields are not there."""
    work = []
    for event in context.events():
        sample = context.sample(event)
        edits = absent(sample.document, context.schema(event))
        if edits:
            work.append(edited(context, sample, edits, f"a {event} without optional fields", accepted))
    if not work:
        raise NotJudged("the contract has no optional field")
    await gather_bounded(work)


@check("tolerates.key_order", _JSON, "Parse the body as JSON, not as text.")
async def key_order(context: Context) -> None:
    """The keys of every object in the opposite order."""

    async def one(event: str) -> None:
        sample = context.sample(event)
        await context.lead(sample)
        exchange = await context.send(sample.event, context.encode(reordered(sample.document)))
        context.case(event)
        accepted(context, event, exchange, f"a {event} with its keys in another order")

    await gather_bounded([one(event) for event in context.events()])


@check("tolerates.text", _JSON, "Store texts as they come: Unicode of any plane, of any length, in any script.")
async def text(context: Context) -> None:
    """Emoji, right-to-left scripts, control characters, quotes, and a text of 64 KB, where people's words stand."""

    async def one(event: str, words: str) -> None:
        sample = context.sample(event)
        paths = texts(sample.document, context.schema(event), context.text_fields)
        document = applied(sample.document, [BodyEdit(path, words) for path in paths])
        if not paths or not context.is_valid(event, document):
            return
        await context.lead(sample)
        exchange = await context.send(sample.event, context.encode(document))
        context.case(event)
        shown = "64 KB of text" if words is LARGE else repr(words[:24])
        accepted(context, event, exchange, f"a {event} with {shown}", "".join(f"/{part}" for part in paths[0]))

    await gather_bounded([one(event, words) for event in context.events() for words in (*UNUSUAL, LARGE)])
    if not context.result.cases:
        raise NotJudged("no event carries free text")


@check("tolerates.header_case", _HTTP, "Compare header names without regard to case.")
async def header_case(context: Context) -> None:
    """Header names in another case."""
    for event in context.events():
        sample = context.sample(event)
        await context.lead(sample)
        exchange = await context.send(sample.event, odd_case=True)
        context.case(event)
        accepted(context, event, exchange, f"a {event} with header names in another case")


@check("tolerates.chunked", _HTTP, "Read chunked bodies; most servers do when asked to.")
async def chunked(context: Context) -> None:
    """The body in two chunks, without a Content-Length."""
    for event in context.events():
        sample = context.sample(event)
        await context.lead(sample)
        exchange = await context.send(sample.event, framing="chunked")
        context.case(event)
        accepted(context, event, exchange, f"a {event} in chunks")
