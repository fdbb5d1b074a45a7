"""`idempotent`, `order_tolerant`, `retry_safe`, `isolated`: a story leads to the same state in whatever order its
deliveries arrive, once or repeated."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vendorsim.checks.causes import APART
from vendorsim.checks.context import Context
from vendorsim.checks.differences import StateDifference
from vendorsim.checks.model import ERROR, WARNING, NotJudged
from vendorsim.checks.orders import Repetition, all_twice, at_once, backwards, later, shuffled, swapped, swaps
from vendorsim.checks.registry import check
from vendorsim.checks.replays import PlayedTrial, StoryBaseline, Trial, TrialRunner, alone, trial_runner
from vendorsim.checks.trial_reports import STORE_ONCE, chosen, count_cases, judge_trials, report, selected
from vendorsim.core.provenance import ASSUMED, Stated
from vendorsim.core.seeding import generator
from vendorsim.vendorkit.policy import ORDERED

MOST_SWAPS = 12
INTERLEAVED = 2

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
    """Repeats the deliveries after the story, newest first, if their bodies show that they are old."""
    await _repeated(context, later, "was repeated after the story", dated=True)


@check("idempotent.all_twice", _ONCE, STORE_ONCE)
async def all_repeated(context: Context) -> None:
    """Repeats the whole story in its order."""
    await _repeated(context, all_twice, "was repeated after the story, in the same order")


@check("retry_safe", _LOST, "Answer a delivery you know already like the first time, and change nothing.")
async def retried(context: Context) -> None:
    """Sends every delivery twice in a row, as if the first answer was lost."""
    await _repeated(context, at_once, "was repeated at once")


async def _repeated(context: Context, repetition: Repetition, description: str, *, dated: bool = False) -> None:
    """Repeats all deliveries of a story. If the state differs, repeats each one alone to find the cause.

    With `dated`, repeats only deliveries whose bodies contain a time: without it, a repetition looks new.
    """
    runner = await trial_runner(context)
    repeated = [
        (baseline, _dated(context, baseline) if dated else selected(context, baseline)) for baseline in runner.baselines
    ]
    trials = [_repeating(baseline, repetition, again, description) for baseline, again in repeated if again]
    if not trials:
        raise NotJudged("no body tells an old delivery from a new one")
    if context.names_cases:
        trials += [
            _repeating(baseline, repetition, [number], description)
            for baseline, again in repeated
            for number in again
            if len(again) > 1
        ]
    trials = chosen(context, trials)
    played = await runner.play_all(trials)
    for one in played:
        _judge_repeated_answers(context, one)
    reported: set[str] = set()
    for one, found in await runner.deviations(played):
        fresh = [difference for difference in found if difference.pattern not in reported]
        again = next(again for baseline, again in repeated if baseline is one.trial.baseline)
        if not fresh:
            continue
        reported.update(difference.pattern for difference in fresh)
        if one.trial.event is None:
            for single, some in await _each_alone(runner, one.trial.baseline, repetition, description, again):
                if fresh[0].pattern in {difference.pattern for difference in some}:
                    one, fresh = single, some
                    break
        report(context, one, fresh)
    count_cases(context, trials)


def _repeating(baseline: StoryBaseline, repetition: Repetition, again: Collection[int], description: str) -> Trial:
    events = baseline.plain.events
    event = next(iter(again)) if len(again) == 1 else None
    what = "every delivery" if event is None else f"a {events[event].name}"
    return Trial(baseline, alone(repetition(len(events), again)), f"{what} {description}", event)


def _dated(context: Context, baseline: StoryBaseline) -> list[int]:
    """Returns the selected deliveries whose bodies contain a time; all of them if the vendor's bodies contain none."""
    numbers = selected(context, baseline)
    if context.settings.profile.order_key is None:
        return numbers
    return [number for number in numbers if baseline.plain.keys[number] is not None]


async def _each_alone(
    runner: TrialRunner, baseline: StoryBaseline, repetition: Repetition, description: str, numbers: Sequence[int]
) -> list[tuple[PlayedTrial, list[StateDifference]]]:
    """Plays one trial for each repeated delivery. Returns the trials that differ, with the differences."""
    singles = [await runner.play_alone(_repeating(baseline, repetition, [number], description)) for number in numbers]
    return await runner.differing(singles)


def _judge_repeated_answers(context: Context, played: PlayedTrial) -> None:
    """Reports a delivery that was accepted first and refused when repeated: the vendor would go on retrying it."""
    first_time: dict[tuple[int, int], bool] = {}
    for place, exchange in played.pairs():
        accepted_first = first_time.setdefault(place, context.accepted(exchange))
        if accepted_first and not context.accepted(exchange):
            index, number = place
            name = played.conversations[index].events[number].name
            refused = exchange.status is not None and exchange.status < 500
            context.fail(
                name,
                f"a {name} was accepted, and then answered {exchange.outcome()} when {played.trial.description}",
                expected=context.expected_statuses(),
                found=exchange.outcome(),
                exchange=exchange,
                severity=WARNING if refused else ERROR,
                case=played.trial.case,
            )


@check("order_tolerant.swapped", _ANY_ORDER, "Compare the times in the bodies before you overwrite, and sort by them.")
async def overtaken(context: Context) -> None:
    """Swaps two successive deliveries whose bodies show which one is newer."""
    runner = await trial_runner(context)
    _require_no_order(context)
    trials = _swaps(runner)
    if not trials:
        raise NotJudged("the bodies of no two deliveries that follow each other tell which came first")
    await judge_trials(runner, trials)


@check("order_tolerant.shuffled", _ANY_ORDER, "Compare the times in the bodies before you overwrite, and sort by them.")
async def out_of_order(context: Context) -> None:
    """Plays whole stories in reverse and in random order, as far as the bodies show the true order."""
    runner = await trial_runner(context)
    _require_no_order(context)
    trials: list[Trial] = []
    for baseline in runner.baselines:
        keys, count = baseline.plain.keys, len(baseline.plain.events)
        random = generator(context.settings.seed, "shuffled", baseline.title)
        for order in dict.fromkeys((backwards(keys), shuffled(keys, random))):
            if order != tuple(range(count)):
                description = f"the deliveries came in the order {', '.join(str(number + 1) for number in order)}"
                trials.append(Trial(baseline, alone(order), description, retries=_retries(context)))
    if not trials:
        raise NotJudged("the bodies of no two deliveries tell which came first")
    await judge_trials(runner, trials)


def _swaps(runner: TrialRunner) -> list[Trial]:
    """Returns one trial for each pair of successive events, `MOST_SWAPS` at most."""
    pairs: dict[tuple[str, str], Trial] = {}
    for baseline in runner.baselines:
        events = baseline.plain.events
        for number in swaps(baseline.plain.keys):
            pair = events[number].name, events[number + 1].name
            description = f"a {pair[0]} came after the {pair[1]} that followed it"
            order = swapped(len(events), number)
            pairs.setdefault(pair, Trial(baseline, alone(order), description, number, _retries(runner.context)))
    names = set(runner.context.events())
    return [trial for pair, trial in pairs.items() if not names.isdisjoint(pair)][:MOST_SWAPS]


def _retries(context: Context) -> bool:
    """Whether the vendor retries refused deliveries: then the integration may refuse one that comes too early."""
    return bool(context.settings.policy.retries.value)


def _require_no_order(context: Context) -> None:
    if context.settings.policy.ordering.value == ORDERED:
        raise NotJudged("the vendor delivers the events of a conversation in their order")
    if context.settings.profile.order_key is None:
        raise NotJudged("the vendor's bodies don't tell their order")


@check("isolated", _APART, "Keep everything by the conversation's id, and nothing in between for 'the current one'.")
async def interleaved(context: Context) -> None:
    """Plays conversations of the same story concurrently, event by event."""
    runner = await trial_runner(context)
    trials: list[Trial] = []
    for baseline in runner.baselines:
        script = tuple((index, number) for number in range(len(baseline.plain.events)) for index in range(INTERLEAVED))
        trials.append(Trial(baseline, script, "another conversation went on at the same time"))
    await judge_trials(runner, trials, lambda trial: APART)
