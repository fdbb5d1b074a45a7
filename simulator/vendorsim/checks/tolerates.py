"""`tolerates`: the integration accepts changes that a vendor may make at any time without notice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from vendorsim.checks.assertions import TEXT, edited, expect_accepted
from vendorsim.checks.context import Context, Exchange
from vendorsim.checks.forms import BodyEdit, absent, applied, reordered, texts, unknown_fields, unknown_values
from vendorsim.checks.model import ERROR, WARNING, NotJudged
from vendorsim.checks.registry import check
from vendorsim.checks.stories import Sample
from vendorsim.checks.tours import ChangedEvent, Sending, try_all, try_alone
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

    await try_all(
        context,
        [
            edited(context, event, unknown_fields, f"a {event} with unknown fields", expect_accepted)
            for event in await context.taken()
        ],
    )


@check("tolerates.unknown_value", _COMPATIBLE, "Give values you don't know a default instead of failing.", WARNING)
async def unknown_value(context: Context) -> None:
    """Sends an unknown value in every field with an enum."""
    attempts = []
    for event in await context.taken():
        edits = partial(unknown_values, node=context.schema(event))
        if edits(context.sample(event).document):
            what = f"a {event} with an unknown value"
            attempts.append(edited(context, event, edits, what, _report, decides=True))
    if not attempts:
        raise NotJudged("the contract knows no field with a few values")
    await try_all(context, attempts)


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
    attempts = []
    for event in await context.taken():
        edits = partial(absent, node=context.schema(event))
        if edits(context.sample(event).document):
            attempts.append(edited(context, event, edits, f"a {event} without optional fields", expect_accepted))
    if not attempts:
        raise NotJudged("the contract has no optional field")
    await try_all(context, attempts)


@check("tolerates.key_order", _JSON, "Parse the body as JSON, not as text.")
async def key_order(context: Context) -> None:
    """Sends bodies with the keys of every object in reverse order."""

    def send(sample: Sample) -> Sending:
        return context.send(sample.event, context.encode(reordered(sample.document)))

    await _try_each(context, send, "with its keys in another order")


@check("tolerates.text", _JSON, "Store texts as they come: Unicode of any plane, of any length, in any script.")
async def text(context: Context) -> None:
    """Sends emoji, right-to-left scripts, control characters, quotes and 64 KB of text in the fields with free text."""

    def written(sample: Sample, words: str, paths: Sequence[Path] | None = None) -> bytes | None:
        """The body with the words at these paths (None: as every text); None if there are none, or not valid."""
        if paths is None:
            paths = _texts(context, sample)
        edits = [BodyEdit(path, words[:LONGEST_NAME] if path[-1] in NAMES else words) for path in paths]
        document = applied(sample.document, edits)
        return context.encode(document) if paths and context.is_valid(sample.event.name, document) else None

    async def refused(event: str, words: str, paths: Sequence[Path]) -> Path:
        """The first text that is refused alone, or else the first one."""
        for path in paths:
            sample = context.sample(event)
            body = written(sample, words, [path])
            if body is not None:
                await context.send_lead(sample)
                if not context.accepted(await context.send(sample.event, body)):
                    return path
        return paths[0]

    def attempt(event: str, words: str, case: str) -> ChangedEvent:
        async def judge(sample: Sample, exchange: Exchange) -> None:
            paths = _texts(context, sample)
            shown = "64 KB of text" if words is LARGE else repr(words[:24])
            size = f"; the body had {len(exchange.body) // 1000} kB" if exchange.status == 413 else ""
            remedy = "Raise the limit of a body's size, such as to 1 MB." if exchange.status == 413 else None
            any_of_them = context.accepted(exchange) or exchange.status == 413
            path = paths[0] if any_of_them else await refused(event, words, paths)
            pointer = "".join(f"/{part}" for part in path)
            causes = TEXT if words in UNUSUAL else None
            what = f"a {event} with {shown}"
            expect_accepted(context, event, exchange, what, pointer, case, why=size, remedy=remedy, causes=causes)
            context.case(event)

        return ChangedEvent(event, sending(words), judge)

    def all_unusual(event: str) -> ChangedEvent:
        async def judge(_: Sample, exchange: Exchange) -> None:
            if context.accepted(exchange):
                for _words in UNUSUAL:
                    context.case(event)
            else:  # Find the text that fails.
                for each in one_by_one(event):
                    await try_alone(context, each)

        return ChangedEvent(event, sending("\n".join(UNUSUAL)), judge)

    def sending(words: str) -> Callable[[Sample], Sending | None]:
        def send(sample: Sample) -> Sending | None:
            body = written(sample, words)
            return None if body is None else context.send(sample.event, body)

        return send

    def one_by_one(event: str) -> list[ChangedEvent]:
        cases = [(f"text {number}", words) for number, words in enumerate(UNUSUAL, 1)]
        return [attempt(event, words, case) for case, words in cases if context.takes(event, case)]

    attempts: list[ChangedEvent] = []
    for event in await context.taken():
        together = not context.names_cases and written(context.sample(event), "\n".join(UNUSUAL)) is not None
        attempts += [all_unusual(event)] if together else one_by_one(event)
        attempts += [
            attempt(event, words, case)
            for case, words in (("no text", ""), ("64 KB", LARGE))
            if context.takes(event, case)
        ]
    await try_all(context, attempts)
    if not context.result.cases:
        raise NotJudged("no event carries free text")


def _texts(context: Context, sample: Sample) -> list[Path]:
    """Returns the paths of the free texts of an event."""
    return texts(sample.document, context.schema(sample.event.name), context.text_fields)


@check("tolerates.header_case", _HTTP, "Compare header names without regard to case.")
async def header_case(context: Context) -> None:
    """Sends header names in another case."""
    await _try_each(
        context, lambda sample: context.send(sample.event, odd_case=True), "with header names in another case"
    )


@check("tolerates.chunked", _HTTP, "Read chunked bodies; most servers do when asked to.")
async def chunked(context: Context) -> None:
    """Sends the body in two chunks, without a Content-Length."""
    await _try_each(context, lambda sample: context.send(sample.event, framing="chunked"), "in chunks")


async def _try_each(context: Context, send: Callable[[Sample], Sending], how: str) -> None:
    """Sends every event in a way in which it is accepted."""

    async def judge(sample: Sample, exchange: Exchange) -> None:
        event = sample.event.name
        context.case(event)
        expect_accepted(context, event, exchange, f"a {event} {how}")

    await try_all(context, [ChangedEvent(event, send, judge) for event in await context.taken()])
