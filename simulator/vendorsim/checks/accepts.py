"""`accepts`: the integration accepts every documented event, in every form that its contract allows."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import combinations, cycle, islice, permutations

from vendorsim.checks.assertions import TEXT, UNAUTHORIZED, as_it_is, edited, expect_accepted
from vendorsim.checks.context import Context, Exchange
from vendorsim.checks.forms import maximal, minimal
from vendorsim.checks.model import NotJudged
from vendorsim.checks.registry import check
from vendorsim.checks.signature_causes import SIGNATURE, VERIFY, diagnosis
from vendorsim.checks.stories import Sample
from vendorsim.checks.tours import ChangedEvent, Sending, try_all, try_alone
from vendorsim.checks.value_forms import Form, choose, pairs
from vendorsim.core.provenance import ASSUMED, DOCUMENTED, Stated
from vendorsim.core.seeding import generator

_SUBSCRIBED = Stated(
    "An integration answers every event it subscribes to with a status that the vendor accepts, in the vendor's time.",
    DOCUMENTED,
    "the vendor's webhook documentation; the statuses and times are those of its policy (vendorsim vendors NAME)",
)
# Refused events that a message names.
NAMED = 3
_HINTS = dict.fromkeys(("404", "405"), "; is the path of the URL right?")
_ALLOWED = Stated(
    "Whatever the contract allows may come: fields that are optional may be absent, fields that are nullable null.",
    ASSUMED,
    "the contract of the profile",
)


@check("accepts.typical", _SUBSCRIBED, "Answer every event with an accepted status as soon as it is stored.")
async def typical(context: Context) -> None:
    """Sends every event in its usual form, with names and texts of two locales by turns, or of the chosen one."""
    sent: dict[tuple[str, str], Exchange] = {}

    async def one(event: str, locale: str) -> None:
        sample = context.sample(event, locale)
        await context.send_lead(sample)
        sent[event, locale] = await context.send(sample.event)
        context.case(event)

    events = context.events()
    locales = context.settings.stories.locales
    per_event = min(len(locales), max(2, math.ceil(len(locales) / len(events))))
    turns = cycle(locales)
    chosen = [(event, locale) for event in events for locale in islice(turns, per_event)]
    chosen = [(event, locale) for event, locale in chosen if context.takes(event, locale)]
    await context.side_by_side([one(event, locale) for event, locale in chosen])
    whys = await _whys(context, {event: sent[event, locale] for event, locale in chosen})
    accepted = {event for event, locale in chosen if context.accepted(sent[event, locale])}
    for event, locale in sorted(chosen, key=lambda each: not context.accepted(sent[each])):
        exchange = sent[event, locale]
        context.note_plain(event, exchange)
        why, causes = whys.get(exchange.outcome(), ("", as_it_is(exchange)))
        if event in accepted:  # Another locale is accepted, so it is the text.
            causes = TEXT
        remedy = VERIFY if causes == SIGNATURE else None
        what = f"a typical {event}"
        expect_accepted(context, event, exchange, what, case=locale, why=why, causes=causes, remedy=remedy)
    context.result.reason = context.unreached()


async def _whys(context: Context, sent: Mapping[str, Exchange]) -> dict[str, tuple[str, frozenset[str]]]:
    """Returns for each outcome that is a refusal what else is known of it, as the end of a sentence, and its cause."""
    refused: dict[str, list[str]] = {}
    for event, exchange in sent.items():
        if not context.accepted(exchange):
            refused.setdefault(exchange.outcome(), []).append(event)
    whys: dict[str, tuple[str, frozenset[str]]] = {}
    for outcome, events in refused.items():
        exchange = sent[events[0]]
        if len(events) == len(sent):
            alike = ", as is every event" if len(sent) > 1 else ""
            if exchange.status in UNAUTHORIZED:
                whys[outcome] = alike + await diagnosis(context, events[0]), SIGNATURE
            else:
                whys[outcome] = alike + _HINTS.get(outcome, ""), as_it_is(exchange)
        else:
            more = events[1 : NAMED + 1]
            left = len(events) - 1 - len(more)
            also = "" if not more else f", as are {', '.join(more)}" + (f" and {left} more" if left else "")
            accepted = sum(map(context.accepted, sent.values()))
            others = f"; {accepted} other events are accepted" if accepted > 1 else ""
            if accepted and exchange.status in range(400, 500):
                others += "; acknowledge the events that you have no use for, too"
            whys[outcome] = also + others, as_it_is(exchange)
    return whys


@check("accepts.minimal", _ALLOWED, "Read optional and nullable fields with a default.")
async def smallest(context: Context) -> None:
    """Sends every event with required fields only, and null in nullable fields."""

    def attempt(event: str) -> ChangedEvent:
        edits = partial(minimal, node=context.schema(event))
        return edited(context, event, edits, f"a {event} without its optional values", expect_accepted)

    await try_all(context, [attempt(event) for event in await context.taken()])


@check("accepts.maximal", _ALLOWED, "Accept every field that the contract names.")
async def largest(context: Context) -> None:
    """Sends every event with all fields of its contract."""

    def attempt(event: str) -> ChangedEvent:
        edits = partial(maximal, node=context.schema(event), examples=context.examples())
        return edited(context, event, edits, f"a {event} with every field set", expect_accepted, decides=True)

    await try_all(context, [attempt(event) for event in await context.taken()])


@check("accepts.forms", _ALLOWED, "Handle every value that the contract allows, also the ones you have not seen yet.")
async def every_value(context: Context) -> None:
    """Sends every event once for each value that the contract allows, in a body that is plain otherwise."""

    suspects: list[int] = []

    def attempt(number: int, event: str, form: Form) -> ChangedEvent:
        async def judge(_: Sample, exchange: Exchange) -> None:
            context.case(event)
            if not context.accepted(exchange):
                suspects.append(number)

        return _attempt(context, event, (form,), judge)

    found = {event: await context.forms(event) for event in await context.taken()}
    chosen = choose(found, generator(0, "forms"))
    chosen = [(event, form) for event, form in chosen if context.takes(event, form.what)]
    await try_all(context, [attempt(number, event, form) for number, (event, form) in enumerate(chosen)])
    # Alone, so that what others did at the same time is not blamed on the form.
    for number in sorted(suspects):
        event, form = chosen[number]
        async with context.alone():
            accepted = await _accepts(context, event, (form,))
        if not accepted:
            _refused(context).add((event, form.place, form.what))


@check("accepts.pairs", _ALLOWED, "Handle values in every combination, such as a private message with an attachment.")
async def pairs_of_values(context: Context) -> None:
    """Sends every event with combinations of values, so that each two values occur together in one body."""

    def attempt(event: str, row: tuple[Form, ...]) -> ChangedEvent:
        async def judge(_: Sample, exchange: Exchange) -> None:
            context.case(event)
            if len(row) == 2:
                _expect_accepted(context, event, row, exchange)
            elif not context.accepted(exchange):
                for pair in combinations(sorted(row, key=lambda form: form.place), 2):
                    if not await _accepts(context, event, pair):
                        return

        return _attempt(context, event, row, judge)

    attempts = []
    for event in await context.taken():
        alone = [form for form in await context.forms(event) if (event, form.place, form.what) not in _refused(context)]
        rows: Sequence[tuple[Form, ...]]
        if context.names_cases:
            rows = [pair for pair in permutations(alone, 2) if context.takes(event, _what(pair))]
        else:
            rows = pairs(alone, generator(0, "pairs", event))
        # Rows of two in one order, so that the same pair is one finding.
        attempts += [attempt(event, tuple(sorted(row, key=lambda form: form.place))) for row in rows]
    if not attempts:
        raise NotJudged("no event has two fields with several values each")
    await try_all(context, attempts)


def _refused(context: Context) -> set[tuple[str, tuple[str, ...], str]]:
    """The forms that were refused in this run: event, place and change."""
    refused: set[tuple[str, tuple[str, ...], str]] = context.settings.shared.setdefault("refused forms", set())
    return refused


def _attempt(
    context: Context, event: str, row: tuple[Form, ...], judge: Callable[[Sample, Exchange], Awaitable[None]]
) -> ChangedEvent:
    """Returns the attempt to send the event with these changes."""

    def send(sample: Sample) -> Sending | None:
        document = context.body(event, sample.document).changed(row)
        if document is None:
            return None
        return context.send(sample.event, context.encode(document), what=f"a {event} {_what(row)}")

    return ChangedEvent(event, send, judge, any(form.decides for form in row))


async def _accepts(context: Context, event: str, row: tuple[Form, ...]) -> bool:
    """Sends the event with these changes in a conversation of its own, and reports a refusal. Returns whether it is
    accepted, or cannot be sent."""
    accepted = True

    async def judge(_: Sample, exchange: Exchange) -> None:
        nonlocal accepted
        context.case(event)
        accepted = _expect_accepted(context, event, row, exchange)

    await try_alone(context, _attempt(context, event, row, judge))
    return accepted


def _expect_accepted(context: Context, event: str, row: tuple[Form, ...], exchange: Exchange) -> bool:
    return expect_accepted(context, event, exchange, f"a {event} {_what(row)}", row[0].pointer, _what(row))


def _what(row: tuple[Form, ...]) -> str:
    return " and ".join(form.what for form in row)
