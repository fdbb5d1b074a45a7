"""`accepts`: the integration accepts every documented event, in every form that its contract allows."""

from __future__ import annotations

import math
from itertools import cycle, islice

from vendorsim.checks.assertions import expect_accepted, send_edited
from vendorsim.checks.context import Context, gather_bounded
from vendorsim.checks.forms import maximal, minimal
from vendorsim.checks.registry import check
from vendorsim.checks.stories import LOCALES
from vendorsim.core.provenance import ASSUMED, DOCUMENTED, Stated

_SUBSCRIBED = Stated(
    "An integration answers every event it subscribes to with a status that the vendor accepts, in the vendor's time.",
    DOCUMENTED,
    "the vendor's webhook documentation; the statuses and times are those of its policy (vendorsim vendors NAME)",
)
_ALLOWED = Stated(
    "Whatever the contract allows may come: fields that are optional may be absent, fields that are nullable null.",
    ASSUMED,
    "the contract of the profile",
)


@check("accepts.typical", _SUBSCRIBED, "Answer every event with an accepted status as soon as it is stored.")
async def typical(context: Context) -> None:
    """Sends every event in its usual form, with names and texts of two locales at least; all locales have a turn."""

    async def one(event: str, locale: str) -> None:
        sample = context.sample(event, locale)
        await context.send_lead(sample)
        exchange = await context.send(sample.event)
        context.case(event)
        expect_accepted(context, event, exchange, f"a typical {event}")

    events = context.events()
    per_event = max(2, math.ceil(len(LOCALES) / len(events)))
    turns = cycle(LOCALES)
    await gather_bounded([one(event, locale) for event in events for locale in islice(turns, per_event)])
    context.result.reason = context.unreached()


@check("accepts.minimal", _ALLOWED, "Read optional and nullable fields with a default.")
async def smallest(context: Context) -> None:
    """Sends every event with required fields only, and null in nullable fields."""

    async def one(event: str) -> None:
        sample = context.sample(event)
        edits = minimal(sample.document, context.schema(event))
        await send_edited(context, sample, edits, f"a {event} without its optional values", expect_accepted)

    await gather_bounded([one(event) for event in context.events()])


@check("accepts.maximal", _ALLOWED, "Accept every field that the contract names.")
async def largest(context: Context) -> None:
    """Sends every event with all fields of its contract."""

    async def one(event: str) -> None:
        sample = context.sample(event)
        edits = maximal(sample.document, context.schema(event))
        await send_edited(context, sample, edits, f"a {event} with every field set", expect_accepted)

    await gather_bounded([one(event) for event in context.events()])
