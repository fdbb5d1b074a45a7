"""`tolerates`: the integration accepts changes that a vendor may make at any time without notice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vendorsim.checks.assertions import TEXT, expect_accepted, send_edited
from vendorsim.checks.context import Context, Exchange
from vendorsim.checks.forms import BodyEdit, absent, applied, reordered, texts, unknown_fields, unknown_values
from vendorsim.checks.model import ERROR, WARNING, NotJudged
from vendorsim.checks.registry import check
from vendorsim.checks.stories import Sample
from vendorsim.core.pointer import Path
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
# No server lets a longer text into a name: a column of 255 characters is the usual one.
NAMES, LONGEST_NAME = frozenset({"name", "title"}), 255
LARGE = "Long story short. " * 3_641
UNUSUAL = (
    "👩‍👩‍👧‍👦 emoji in a family",
    "مرحبا، أحتاج إلى مساعدة",
    "שלום, אני צריך עזרה",
    "e\u0301 and \u00e9, \u202eright to left\u202c, zero\u200bwidth",
    '\' OR 1=1; -- "quoted" <script>alert(1)</script> ${7*7} {{7*7}} %s %d \\ \\u0000',
    "line\nbreaks\r\nand\ttabs",
)


@check("tolerates.unknown_field", _COMPATIBLE, "Ignore fields you don't know.")
async def unknown_field(context: Context) -> None:
    """Sends bodies with an unknown field in every object."""

    async def one(event: str) -> None:
        sample = context.sample(event)
        await send_edited(
            context, sample, unknown_fields(sample.document), f"a {event} with unknown fields", expect_accepted
        )

    await context.side_by_side([one(event) for event in await context.taken()])


@check("tolerates.unknown_value", _COMPATIBLE, "Give values you don't know a default instead of failing.", WARNING)
async def unknown_value(context: Context) -> None:
    """Sends an unknown value in every field with an enum."""
    work = []
    for event in await context.taken():
        sample = context.sample(event)
        edits = unknown_values(sample.document, context.schema(event))
        if edits:
            work.append(send_edited(context, sample, edits, f"a {event} with an unknown value", _report))
    if not work:
        raise NotJudged("the contract knows no field with a few values")
    await context.side_by_side(work)


@check("tolerates.unknown_event", _COMPATIBLE, "Acknowledge events you don't know, and ignore them.", WARNING)
async def unknown_event(context: Context) -> None:
    """Sends an event with an unknown name."""
    event = (await context.taken())[0]
    sample = context.sample(event)
    named = [key for key in context.settings.profile.event_keys if key in sample.document]
    if not named:
        raise NotJudged("the vendor's bodies name no event")
    document = applied(sample.document, [BodyEdit((named[-1],), "vendorsim_unknown_event")])
    exchange = await context.send(sample.event, context.encode(document))
    context.case(event)
    if not context.accepted(exchange):
        _report(context, event, exchange, "an unknown event", f"/{named[-1]}")


def _report(context: Context, event: str, exchange: Exchange, what: str, pointer: str) -> None:
    """Reports a finding: an error for a 5xx or no answer, otherwise of the check's own severity."""
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
        case=pointer,
    )


@check("tolerates.absent_optional", _COMPATIBLE, "Read optional fields with a default.")
async def absent_optional(context: Context) -> None:
    """Sends bodies without optional fields."""
    work = []
    for event in await context.taken():
        sample = context.sample(event)
        edits = absent(sample.document, context.schema(event))
        if edits:
            work.append(send_edited(context, sample, edits, f"a {event} without optional fields", expect_accepted))
    if not work:
        raise NotJudged("the contract has no optional field")
    await context.side_by_side(work)


@check("tolerates.key_order", _JSON, "Parse the body as JSON, not as text.")
async def key_order(context: Context) -> None:
    """Sends bodies with the keys of every object in reverse order."""

    async def one(event: str) -> None:
        sample = context.sample(event)
        await context.send_lead(sample)
        exchange = await context.send(sample.event, context.encode(reordered(sample.document)))
        context.case(event)
        expect_accepted(context, event, exchange, f"a {event} with its keys in another order")

    await context.side_by_side([one(event) for event in await context.taken()])


@check("tolerates.text", _JSON, "Store texts as they come: Unicode of any plane, of any length, in any script.")
async def text(context: Context) -> None:
    """Sends emoji, right-to-left scripts, control characters, quotes and 64 KB of text in the fields with free text."""

    async def one(event: str) -> None:
        if not context.names_cases and await send(event, "\n".join(UNUSUAL), judge=False):
            for _ in UNUSUAL[1:]:
                context.case(event)
        else:  # Find the text that fails.
            for number, words in enumerate(UNUSUAL, 1):
                await send(event, words, f"text {number}")
        await send(event, "", "no text")
        await send(event, LARGE, "64 KB")

    def written(sample: Sample, words: str, paths: Sequence[Path]) -> Any:
        edits = [BodyEdit(path, words[:LONGEST_NAME] if path[-1] in NAMES else words) for path in paths]
        return applied(sample.document, edits)

    async def refused(event: str, words: str, paths: Sequence[Path]) -> Path:
        """The first text that is refused alone, or else the first one."""
        for path in paths:
            sample = context.sample(event)
            document = written(sample, words, [path])
            if context.is_valid(event, document):
                await context.send_lead(sample)
                if not context.accepted(await context.send(sample.event, context.encode(document))):
                    return path
        return paths[0]

    async def send(event: str, words: str, case: str = "", *, judge: bool = True) -> bool:
        """Sends the words as every text of the event. Returns whether they are accepted."""
        if judge and not context.takes(event, case):
            return True
        sample = context.sample(event)
        paths = texts(sample.document, context.schema(event), context.text_fields)
        document = written(sample, words, paths)
        if not paths or not context.is_valid(event, document):
            return False
        await context.send_lead(sample)
        exchange = await context.send(sample.event, context.encode(document))
        accepted = context.accepted(exchange)
        if judge:
            shown = "64 KB of text" if words is LARGE else repr(words[:24])
            size = f"; the body had {len(exchange.body) // 1000} kB" if exchange.status == 413 else ""
            remedy = "Raise the limit of a body's size, such as to 1 MB." if exchange.status == 413 else None
            path = paths[0] if accepted or exchange.status == 413 else await refused(event, words, paths)
            pointer = "".join(f"/{part}" for part in path)
            causes = TEXT if words in UNUSUAL else None
            what = f"a {event} with {shown}"
            expect_accepted(context, event, exchange, what, pointer, case, why=size, remedy=remedy, causes=causes)
        if judge or accepted:
            context.case(event)
        return accepted

    await context.side_by_side([one(event) for event in await context.taken()])
    if not context.result.cases:
        raise NotJudged("no event carries free text")


@check("tolerates.header_case", _HTTP, "Compare header names without regard to case.")
async def header_case(context: Context) -> None:
    """Sends header names in another case."""

    async def one(event: str) -> None:
        sample = context.sample(event)
        await context.send_lead(sample)
        exchange = await context.send(sample.event, odd_case=True)
        context.case(event)
        expect_accepted(context, event, exchange, f"a {event} with header names in another case")

    await context.side_by_side([one(event) for event in await context.taken()])


@check("tolerates.chunked", _HTTP, "Read chunked bodies; most servers do when asked to.")
async def chunked(context: Context) -> None:
    """Sends the body in two chunks, without a Content-Length."""

    async def one(event: str) -> None:
        sample = context.sample(event)
        await context.send_lead(sample)
        exchange = await context.send(sample.event, framing="chunked")
        context.case(event)
        expect_accepted(context, event, exchange, f"a {event} in chunks")

    await context.side_by_side([one(event) for event in await context.taken()])
