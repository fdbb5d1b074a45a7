"""`effects`: what an accepted delivery leaves in the integration's state.

A text that occurs nowhere else is put into a plain message. If the state shows it, it has to show it in every other
form of the same message, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from vendorsim.checks.causes import LOST, of_field
from vendorsim.checks.context import Context, Exchange, gather_bounded
from vendorsim.checks.forms import BodyEdit, applied, texts
from vendorsim.checks.model import WARNING, NotJudged
from vendorsim.checks.probes import NO_PROBE, States
from vendorsim.checks.registry import check
from vendorsim.checks.replays import NothingKnown, trial_runner
from vendorsim.checks.stories import Sample
from vendorsim.checks.value_forms import Form
from vendorsim.core.clock import monotonic
from vendorsim.core.nesting import strings
from vendorsim.core.pointer import Path
from vendorsim.core.provenance import ASSUMED, Stated

MOST_FORMS = 80
# Seconds between two looks at the state.
PAUSE = 0.1
# Texts whose absence is not judged are awaited for this part of the time, once what was told later shows.
PATIENCE = 5

_KEPT = Stated(
    "What an integration has accepted is processed, in whatever form it came.",
    ASSUMED,
    "usual practice: the vendor takes a delivery for done once it is accepted",
)


@check(
    "effects.none", _KEPT, "Process what you accept; if the probe looks in another place, correct the probe.", WARNING
)
async def nothing(context: Context) -> None:
    """Tells whole stories: something of them shows in the state."""
    if context.settings.probe is not None:
        await context.taken()
    try:
        runner = await trial_runner(context)
    except NothingKnown as reason:
        context.fail(
            None,
            f"nothing shows that anything was processed: {reason}",
            expected="a state that shows something of the conversation",
            found="nothing",
        )
        raise
    for baseline in runner.baselines:
        context.case()
        for event in baseline.plain.events:
            context.result.cells.setdefault(event.name, "passed")


class Told(Struct):
    """A message in one form that was accepted. `form` is None for the plain one. A form of another meaning, such as a
    private note, need not show. `depth` is the number of keys that lead to the text."""

    event: str
    sample: Sample
    marker: str
    form: Form | None
    exchange: Exchange
    other_meaning: bool
    depth: int
    shows: bool = False


@check("effects.lost", _KEPT, "Store a message before you look at what else its body holds, and in every form.")
async def lost(context: Context) -> None:
    """Sends a message in every form of the same meaning: each shows in the state, as the plain one does."""
    probe = context.settings.probe
    if probe is None:
        raise NotJudged(NO_PROBE)
    plain = await tell_all(context, [(event, None) for event in await context.taken()])
    waiting = context.settings.waiting
    await _watch(probe, plain, waiting.state, 0.0)
    again: list[Told] = []
    settle, mostly_without = waiting.settle, 2 * len(plain) <= len(context.events())
    if not any(one.shows for one in plain):
        # Alone, in case conversations at the same time mix their texts up.
        again = [told_anew for one in plain if (told_anew := await _tell_alone(context, one.event, None)) is not None]
        # Only where nothing is reported if no text shows: a finding waits for the whole time.
        if mostly_without and await _later_shows(context):
            settle /= PATIENCE
    await _watch(probe, [*plain, *again], settle, waiting.state)
    shown = [one for one in (*plain, *again) if one.shows]
    if not shown and mostly_without:
        raise NotJudged("the state shows the text of no message, and most events of the vendor have none")
    if not shown:
        await trial_runner(context)  # Raises NotJudged where the state shows nothing of any conversation.
        for one in plain:
            context.case(one.event)
        context.fail(
            plain[0].event,
            "the state shows something of each conversation, but the text of no message",
            expected="the text of a plain message in the state",
            found="no text of a message",
            exchange=plain[0].exchange,
            severity=WARNING,
            cause=("no text",),
            remedy="See whether messages are processed; if they are, let the probe show their texts.",
        )
        return
    chosen = [(event, form) for event, form in _forms(context, shown) if context.takes(event, form.what)]
    told = await tell_all(context, chosen)
    await _watch(probe, told, waiting.settle)
    # What was lost is told again alone, and the plain message, too: a race between two conversations is none of a form.
    lost = [number for number, one in enumerate(told) if not one.shows and not one.other_meaning]
    for number in lost:
        told[number] = await _tell_alone(context, told[number].event, told[number].form) or told[number]
    events = dict.fromkeys(told[number].event for number in lost)
    plain_alone = [told_anew for event in events if (told_anew := await _tell_alone(context, event, None)) is not None]
    await _watch(probe, [*told, *plain_alone], waiting.settle)
    steady = {one.event for one in plain_alone if one.shows}
    left_out: list[str] = []
    for one in told:
        event, form = one.event, one.form
        context.case(event)
        if one.shows or form is None:
            continue
        if one.other_meaning:
            left_out.append(f"a {event} {form.what}")
            continue
        if event not in steady:
            context.fail(
                event,
                f"the text of a {event} shows at first, but no more after it came in other forms",
                expected="the text of a plain message in the state, as before",
                found="nothing",
                exchange=one.exchange,
                cause=("stopped", event),
                remedy="See whether a worker or a transaction ended on one of the forms, and takes nothing since.",
            )
            continue
        context.fail(
            event,
            f"a {event} {form.what} was accepted, but its text never shows in the state",
            expected="its text in the state, as that of a plain one",
            found="nothing",
            pointer=form.pointer,
            exchange=one.exchange,
            case=form.what,
            cause=("lost", "/".join(form.place)),
            causes=of_field(context.schema(event), form.pointer, LOST),
        )
    if left_out:
        more = f" and {len(left_out) - 3} more" if len(left_out) > 3 else ""
        context.result.reason = f"accepted, but not shown, perhaps on purpose: {', '.join(left_out[:3])}{more}"


async def _later_shows(context: Context) -> bool:
    """Tells another conversation. Returns whether something of it shows in the state: then what was told before is
    processed, too, unless it takes much longer than the rest."""
    try:
        runner = await trial_runner(context)
    except NotJudged:
        return False
    async with context.alone():
        return await runner.caught_up()


def _forms(context: Context, shown: Sequence[Told]) -> list[tuple[str, Form]]:
    """Returns the forms of the events that are about a message itself, whose text stands next to the top. Each kind
    comes once, in the event with the fewest events before it, and the fields next to the top come first."""
    kinds: dict[tuple[int, str], tuple[str, Form]] = {}
    top = min(one.depth for one in shown)
    for one in sorted((one for one in shown if one.depth == top), key=lambda one: len(one.sample.lead)):
        forms = context.body(one.event, one.sample.document).forms()
        for form in sorted(forms, key=lambda form: len(form.path)):
            kinds.setdefault(form.kind, (one.event, form))
    return sorted(kinds.values(), key=lambda entry: len(entry[1].path))[:MOST_FORMS]


async def tell_all(context: Context, forms: Sequence[tuple[str, Form | None]]) -> list[Told]:
    """Sends messages side by side, each an event in a form (None: the plain one). Returns those that carry a text and
    were accepted, each with a text of its own."""
    told: dict[int, Told] = {}

    async def send(number: int, event: str, form: Form | None) -> None:
        if (one := await _tell(context, event, form)) is not None:
            told[number] = one

    await context.side_by_side([send(number, *each) for number, each in enumerate(forms)])
    return [told[number] for number in sorted(told)]


async def _tell_alone(context: Context, event: str, form: Form | None) -> Told | None:
    async with context.alone():
        return await _tell(context, event, form)


async def _tell(context: Context, event: str, form: Form | None) -> Told | None:
    """Sends a message with a text of its own. None if the event carries no text, or the form is refused."""
    sample = context.sample(event)
    paths = texts(sample.document, context.schema(event), context.settings.profile.message_fields)
    text = _at(sample.document, paths[0]) if paths else ""
    # Another one in every run, since the integration may remember earlier runs.
    marker = f"vendorsim {context.settings.stories.slot}-{sample.event.id} asks"
    # Copies of one message have the same text.
    marks = [BodyEdit(path, marker) for path in paths if _at(sample.document, path) == text]
    document = applied(sample.document, marks)
    if not text or not context.is_valid(event, document):
        return None
    if form is not None:
        document = context.body(event, document).changed([form])
        if document is None or _at(document, paths[0]) != marker:
            return None
    await context.send_lead(sample)
    exchange = await context.send(sample.event, context.encode(document))
    if not context.accepted(exchange):
        return None
    meaning = context.settings.profile.meaning_fields
    other_meaning = form is not None and not meaning.isdisjoint(map(str, form.path))
    return Told(event, sample, marker, form, exchange, other_meaning, len(paths[0]))


def _at(document: Any, path: Path) -> Any:
    """Returns the value at a path, or None."""
    for part in path:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return None
    return document


async def _watch(probe: States, told: Sequence[Told], settle: float, after_first: float | None = None) -> None:
    """Reads the states until all texts show that have to, at most `settle` seconds, or `after_first` seconds after the
    first one shows. Raises UnreadableState."""
    ends = monotonic() + settle

    async def look(one: Told) -> None:
        state = await probe.read(str(one.sample.event.conversation), one.sample.identifier)
        one.shows = count_marks(state, one.marker) > 0

    while missing := [one for one in told if not one.shows]:
        await gather_bounded([look(one) for one in missing], at_once=16)
        if after_first is not None and any(one.shows for one in told):
            ends, after_first = min(ends, monotonic() + after_first), None
        if all(one.shows or one.other_meaning for one in missing) or monotonic() > ends:
            return
        await asyncio.sleep(PAUSE)


def count_marks(value: Any, marker: str) -> int:
    """Returns how many texts hold the marker."""
    return sum(marker in text for text in strings(value))
