"""`idempotent`, `order_tolerant`, `retry_safe`, `isolated`: however a story arrives, it ends in the same state."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vendorsim.checks.context import Context
from vendorsim.checks.differences import StateDifference
from vendorsim.checks.model import ERROR, WARNING, NotJudged
from vendorsim.checks.orders import Repetition, all_twice, at_once, backwards, later, shuffled, swapped, swaps
from vendorsim.checks.registry import check
from vendorsim.checks.replays import PlayedTrial, Tale, Trial, TrialStage, alone, stage
from vendorsim.core.provenance import ASSUMED, Stated
from vendorsim.core.seeding import generator
from vendorsim.vendorkit.policy import ORDERED

MOST_SWAPS = 12
TOLD_AT_ONCE = 2

_ONCE = Stated(
    "A delivery that comes twice changes nothing the second time.",
    ASSUMED,
    "usual practice: webhooks are delivered at least once (Standard Webhooks specification, standardwebhooks.com)",
)
_LOST = Stated(
    "An answer can be lost on its way to the vendor, who then delivers the same again.",
    ASSUMED,
    "usual practice: what is not acknowledged is retried (Standard Webhooks specification, standardwebhooks.com)",
)
_ANY_ORDER = Stated(
    "Where the vendor guarantees no order, an older body never replaces what a newer one said.",
    ASSUMED,
    "the vendor's policy: no order is promised, or none is published (vendorsim vendors NAME)",
)
_APART = Stated(
    "What belongs to one conversation shows in no other.",
    ASSUMED,
    "the vendor's bodies name their conversation; several go on at the same time",
)


@check("idempotent.later", _ONCE, "Keep what is newer: compare times or ids before you overwrite or add anything.")
async def repeated_later(context: Context) -> None:
    """Every delivery once more after the story, the newest first, where its body tells that it is an old one."""
    await _repeated(context, later, "was repeated after the story", dated=True)


@check("idempotent.all_twice", _ONCE, "Recognise what you have already, by its id or content, and don't add it again.")
async def told_twice(context: Context) -> None:
    """The whole story once more, in its order."""
    await _repeated(context, all_twice, "was repeated after the story, in the same order")


@check("retry_safe", _LOST, "Answer a delivery you know already like the first time, and change nothing.")
async def retried(context: Context) -> None:
    """Every delivery twice, as if the answer to the first one had been lost."""
    await _repeated(context, at_once, "was repeated at once")


async def _repeated(context: Context, repetition: Repetition, words: str, *, dated: bool = False) -> None:
    """Deliveries are repeated: first all of a story, then, where the state is another one, each alone.

    With `dated` only those whose bodies hold a time: nobody could tell the others from new ones.
    """
    scene = await stage(context)
    taken = [(tale, _dated(context, tale) if dated else _selected(context, tale)) for tale in scene.tales]
    trials = [_repeating(tale, repetition, again, f"every delivery {words}") for tale, again in taken if again]
    if not trials:
        raise NotJudged("no body tells an old delivery from a new one")
    played = [await scene.play(trial) for trial in trials]
    for one in played:
        _judge_repeated_answers(context, one)
    told: set[str] = set()
    for one, found in await scene.deviations(played):
        fresh = [difference for difference in found if difference.pattern not in told]
        again = next(again for tale, again in taken if tale is one.trial.tale)
        singles = await _each_alone(scene, one.trial.tale, repetition, words, again) if fresh else []
        for difference in fresh:
            told.add(difference.pattern)
            culprit = next((single for single, patterns in singles if difference.pattern in patterns), None)
            _report(context, culprit or one, difference, one.trial.words)
    _judged(context, trials)


def _repeating(tale: Tale, repetition: Repetition, again: Collection[int], words: str) -> Trial:
    event = next(iter(again)) if len(again) == 1 else None
    return Trial(tale, alone(repetition(len(tale.plain.events), again)), words, event)


def _selected(context: Context, tale: Tale) -> list[int]:
    """The deliveries of a story that are of a selected event."""
    events = set(context.events())
    return [number for number, event in enumerate(tale.plain.events) if event.name in events]


def _dated(context: Context, tale: Tale) -> list[int]:
    """The selected deliveries whose bodies tell when they were made; all of them where no body of the vendor does."""
    selected = _selected(context, tale)
    if context.settings.profile.order_key is None:
        return selected
    return [number for number in selected if tale.plain.keys[number] is not None]


async def _each_alone(
    scene: TrialStage, tale: Tale, repetition: Repetition, words: str, numbers: Sequence[int]
) -> list[tuple[PlayedTrial, frozenset[str]]]:
    """Trials in which a single delivery is repeated, and the places of the state that are then not as expected."""
    singles = [await scene.play(_repeating(tale, repetition, [number], f"it {words}")) for number in numbers]
    found = await scene.differing(singles)
    return [(one, frozenset(difference.pattern for difference in some)) for one, some in found]


def _judge_repeated_answers(context: Context, played: PlayedTrial) -> None:
    """Who accepted a delivery accepts it again: a vendor repeats what is refused, and gives up one day."""
    first_time: dict[tuple[int, int], bool] = {}
    for place, exchange in played.pairs():
        was_accepted = first_time.setdefault(place, context.accepted(exchange))
        if was_accepted and not context.accepted(exchange):
            who, number = place
            name = played.tellings[who].events[number].name
            refused = exchange.status is not None and exchange.status < 500
            context.fail(
                name,
                f"a {name} was accepted, and then answered {exchange.outcome()} when {played.trial.words}",
                expected=context.expected_statuses(),
                found=exchange.outcome(),
                exchange=exchange,
                severity=WARNING if refused else ERROR,
            )


@check("order_tolerant.swapped", _ANY_ORDER, "Compare the times in the bodies before you overwrite, and sort by them.")
async def overtaken(context: Context) -> None:
    """Two deliveries in the opposite order, where their bodies tell which is newer."""
    scene = await stage(context)
    _require_no_order(context)
    trials = _swaps(scene)
    if not trials:
        raise NotJudged("the bodies of no two deliveries that follow each other tell which came first")
    await _reordered(scene, trials)


@check("order_tolerant.shuffled", _ANY_ORDER, "Compare the times in the bodies before you overwrite, and sort by them.")
async def out_of_order(context: Context) -> None:
    """Whole stories out of order: backwards, and in an order of chance, as far as the bodies tell the true one."""
    scene = await stage(context)
    _require_no_order(context)
    trials: list[Trial] = []
    for number, tale in enumerate(scene.tales):
        keys, count = tale.plain.keys, len(tale.plain.events)
        random = generator(context.settings.seed, "shuffled", number)
        for order in dict.fromkeys((backwards(keys), shuffled(keys, random))):
            if order != tuple(range(count)):
                words = f"the deliveries came in the order {', '.join(str(number + 1) for number in order)}"
                trials.append(Trial(tale, alone(order), words, retries=_retries(context)))
    if not trials:
        raise NotJudged("the bodies of no two deliveries tell which came first")
    await _reordered(scene, trials)


def _swaps(scene: TrialStage) -> list[Trial]:
    """One trial for each two events that follow each other somewhere."""
    pairs: dict[tuple[str, str], Trial] = {}
    for tale in scene.tales:
        events = tale.plain.events
        for number in swaps(tale.plain.keys):
            pair = events[number].name, events[number + 1].name
            words = f"a {pair[0]} came after the {pair[1]} that followed it"
            order = swapped(len(events), number)
            pairs.setdefault(pair, Trial(tale, alone(order), words, number, _retries(scene.context)))
    selected = set(scene.context.events())
    return [trial for pair, trial in pairs.items() if not selected.isdisjoint(pair)][:MOST_SWAPS]


def _retries(context: Context) -> bool:
    """Whether the vendor tries again what is refused: then an integration may refuse what it can't use yet."""
    return bool(context.settings.policy.retries.value)


def _require_no_order(context: Context) -> None:
    if context.settings.policy.ordering.value == ORDERED:
        raise NotJudged("the vendor delivers the events of a conversation in their order")
    if context.settings.profile.order_key is None:
        raise NotJudged("the vendor's bodies don't tell their order")


async def _reordered(scene: TrialStage, trials: Sequence[Trial]) -> None:
    played = [await scene.play(trial) for trial in trials]
    for one, found in await scene.deviations(played):
        for difference in found:
            _report(scene.context, one, difference, one.trial.words)
    _judged(scene.context, trials)


@check("isolated", _APART, "Keep everything by the conversation's id, and nothing in between for 'the current one'.")
async def interleaved(context: Context) -> None:
    """Conversations of the same story, event by event at the same time."""
    scene = await stage(context)
    trials: list[Trial] = []
    for tale in scene.tales:
        script = tuple((who, number) for number in range(len(tale.plain.events)) for who in range(TOLD_AT_ONCE))
        trials.append(Trial(tale, script, "another conversation went on at the same time"))
    await _reordered(scene, trials)


def _judged(context: Context, trials: Sequence[Trial]) -> None:
    """Counts the trials, and the events that were part of them."""
    for trial in trials:
        context.case()
        for number in _selected(context, trial.tale):
            context.result.cells.setdefault(trial.tale.plain.events[number].name, "passed")


def _report(context: Context, played: PlayedTrial, difference: StateDifference, words: str) -> None:
    """One finding; the delivery that it comes from is named where a single one is enough."""
    trial = played.trial
    name = None if trial.event is None else trial.tale.plain.events[trial.event].name
    last = None
    if trial.event is not None:
        # The delivery of that number that went out last: the repetition, or the one that came late.
        last = [exchange for place, exchange in played.pairs() if place[1] == trial.event][-1]
    enough = f" ({name} alone is enough)" if name is not None and words != trial.words else ""
    context.fail(
        name,
        f"after {words}, {difference.pointer or 'the state'} {difference.what}{enough}",
        expected=difference.expected,
        found=difference.found,
        pointer=difference.pointer,
        exchange=last,
        cause=(difference.pattern,),
    )
