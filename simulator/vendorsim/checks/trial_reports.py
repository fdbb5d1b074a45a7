"""Plays trials, and reports how their states differ from those of the stories that are played plainly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vendorsim.checks.causes import of_state
from vendorsim.checks.context import Context
from vendorsim.checks.differences import StateDifference, further
from vendorsim.checks.replays import PlayedTrial, StoryBaseline, Trial, TrialRunner

STORE_ONCE = "Recognise what you have already, by its id or content, and don't add it again."
# Kinds of differences: of the items of lists, and of values.
_ITEMS, _VALUES = "items", "values"


def selected(context: Context, baseline: StoryBaseline) -> list[int]:
    """Returns the numbers of the deliveries with selected events."""
    events = set(context.events())
    return [number for number, event in enumerate(baseline.plain.events) if event.name in events]


def chosen(context: Context, trials: Sequence[Trial]) -> list[Trial]:
    """Returns the trials that are selected cases."""
    return [trial for trial in trials if context.takes(None, trial.case)]


async def judge_trials(
    runner: TrialRunner, trials: Sequence[Trial], causes: Callable[[Trial], frozenset[str]] = lambda trial: frozenset()
) -> None:
    """Plays the trials that are selected cases, and reports those that differ from the baseline reproducibly. `causes`
    returns those that a difference of a trial has besides."""
    trials = chosen(runner.context, trials)
    played = await runner.play_all(trials)
    for one, found in await runner.deviations(played):
        report(runner.context, one, found, causes(one.trial))
    count_cases(runner.context, trials)


def count_cases(context: Context, trials: Sequence[Trial]) -> None:
    """Counts the trials as cases, and marks their events as judged."""
    for trial in trials:
        context.case()
        for number in selected(context, trial.baseline):
            context.result.cells.setdefault(trial.baseline.plain.events[number].name, "passed")


def report(
    context: Context,
    played: PlayedTrial,
    found: Sequence[StateDifference],
    causes: frozenset[str] = frozenset(),
) -> None:
    """Reports the differences of one trial as one finding. Names the delivery if a single one causes it."""
    trial = played.trial
    difference = found[0]
    name = None if trial.event is None else trial.baseline.plain.events[trial.event].name
    last = None
    if trial.event is not None:
        # The last exchange of that delivery: the repetition, or the late one.
        last = [exchange for place, exchange in played.pairs() if place[1] == trial.event][-1]
    context.fail(
        name,
        f"after {trial.description}, {difference.pointer or 'the state'} {difference.what}{further(found)}",
        expected=difference.expected,
        found=difference.found,
        pointer=difference.pointer,
        exchange=last,
        case=trial.case,
        cause=(difference.pattern,),
        causes=causes | of_state(found) | {_kind(context, difference)},
        differences=found,
        remedy=STORE_ONCE if difference.more and len(set(trial.script)) < len(trial.script) else None,
    )


def _kind(context: Context, difference: StateDifference) -> str:
    """Returns the cause of differences in several stories: items of lists, or values that something else replaced."""
    return f"{context.check.id}: {_ITEMS if difference.what.startswith('has ') else _VALUES}"


def causes_of(checks: Sequence[str]) -> frozenset[str]:
    """Returns the causes of all differences that these checks report."""
    return frozenset(f"{check}: {kind}" for check in checks for kind in (_ITEMS, _VALUES))
