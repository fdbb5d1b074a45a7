"""`concurrent`: requests that reach the integration at the same moment lead to the same state as one after the other.

All but the last byte of each request is sent first; then the last bytes go out together. A race shows only now and
then, so rounds are played until the time is over; then the states are read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct

from vendorsim.checks.causes import APART, of_state
from vendorsim.checks.context import Context, Exchange
from vendorsim.checks.conversation_factory import StoryConversation
from vendorsim.checks.differences import StateDifference, further
from vendorsim.checks.model import ERROR, WARNING, NotJudged
from vendorsim.checks.registry import check
from vendorsim.checks.replays import StoryBaseline, TrialRunner, trial_runner
from vendorsim.core.clock import monotonic
from vendorsim.core.event import Event
from vendorsim.core.provenance import ASSUMED, Stated
from vendorsim.vendorkit.policy import ORDERED

# Copies of one delivery, successive events and conversations that are sent together.
TWINS, BURST, CONVERSATIONS = 3, 3, 4
# Seconds between two attempts of one delivery; each round takes the next one.
PAUSES = (0.0, 0.002, 0.01, 0.03)
FEWEST_ROUNDS, MOST_ROUNDS = 4, 16
# Rounds in all where one differed that was played beside others.
MOST_ALONE = 40
# Rounds that are played once a state differs, to tell how often it does.
COUNTED = 6

_TOGETHER = Stated(
    "Requests that arrive at the same time lead to the same result as one after the other.",
    ASSUMED,
    "usual practice: senders work in parallel and deliver at least once (chatwoot/chatwoot#11901, #10633)",
)
_UNIQUE = "Let the database decide what is new, by a unique key; do not look first and insert then."
_LOCKED = "Change what is stored in one statement, or read and write it within one transaction that locks it."

Step = Sequence[Event]
Plan = Callable[[Sequence[StoryConversation]], list[Step]]
"""(conversations) → the events to send, those of one step together."""


class _Collision(Struct, frozen=True):
    """A way in which requests collide. `description` is for findings."""

    description: str
    conversations: int
    steps: Plan
    pauses: tuple[float, ...] = (0.0,)


@check("concurrent.twins", _TOGETHER, _UNIQUE)
async def twins(context: Context) -> None:
    """Sends every delivery several times at the same moment."""

    def steps(told: Sequence[StoryConversation]) -> list[Step]:
        return [[event] * TWINS for event in told[0].events]

    await _collide(context, _Collision(f"every delivery came {TWINS} times at the same moment", 1, steps))


@check("concurrent.retry", _TOGETHER, _UNIQUE)
async def retries(context: Context) -> None:
    """Sends every delivery again while the first attempt is still at work."""

    def steps(told: Sequence[StoryConversation]) -> list[Step]:
        return [[event] * 2 for event in told[0].events]

    await _collide(
        context, _Collision("every delivery came again while the first attempt was at work", 1, steps, PAUSES)
    )


@check("concurrent.burst", _TOGETHER, _LOCKED)
async def burst(context: Context) -> None:
    """Sends successive events of a conversation at the same moment."""
    policy = context.settings.policy
    if policy.ordering.value == ORDERED or policy.in_flight.value == 1:
        raise NotJudged(
            "the vendor sends one event of a conversation at a time"
            + (", as far as is known; try --policy in_flight=10" if policy.in_flight.provenance == ASSUMED else "")
        )

    def steps(told: Sequence[StoryConversation]) -> list[Step]:
        first, *others = told[0].events
        return [[first], *(others[start : start + BURST] for start in range(0, len(others), BURST))]

    await _collide(context, _Collision(f"{BURST} successive deliveries came at the same moment", 1, steps))


@check("concurrent.conversations", _TOGETHER, _LOCKED)
async def conversations(context: Context) -> None:
    """Sends the events of several conversations at the same moment."""

    def steps(told: Sequence[StoryConversation]) -> list[Step]:
        return [list(events) for events in zip(*(each.events for each in told), strict=True)]

    await _collide(
        context, _Collision(f"{CONVERSATIONS} conversations went on at the same moment", CONVERSATIONS, steps)
    )


class _Round(Struct):
    """A round that was played: its conversations, and the answers."""

    baseline: StoryBaseline
    told: list[StoryConversation]
    exchanges: list[tuple[Event, Exchange]]


async def _collide(context: Context, way: _Collision) -> None:
    """Plays rounds until the time is over, and reports what differs."""
    runner = await trial_runner(context)
    runner.baselines = [each for each in runner.baselines if context.takes(None, each.title)]
    if not runner.baselines:
        return
    ends = monotonic() + context.settings.waiting.rounds
    played: list[_Round] = []
    while len(played) < MOST_ROUNDS and (len(played) < FEWEST_ROUNDS or monotonic() < ends):
        async with context.settings.floor.place():
            played.append(await _play(runner, way, len(played)))
        _judge_answers(context, played[-1], way)
    found = await _differing(runner, played)
    if found:
        async with context.alone():
            await runner.caught_up()
            if await _differing(runner, [each for each, _ in found]) and (
                again := await _again_alone(runner, way, len(played))
            ):
                await _report(context, runner, way, again)
    for baseline in runner.baselines:
        for event in baseline.plain.events:
            context.result.cells.setdefault(event.name, "passed")
    context.result.cases += len(played)


async def _again_alone(runner: TrialRunner, way: _Collision, played: int) -> list[tuple[_Round, list[StateDifference]]]:
    """Plays rounds alone until a state differs, so that what other rounds did at the same time is not blamed on these.
    Returns those that differ."""
    found: list[tuple[_Round, list[StateDifference]]] = []
    while not found and played < MOST_ALONE:
        found = await _differing(runner, [await _play(runner, way, played + number) for number in range(FEWEST_ROUNDS)])
        played += FEWEST_ROUNDS
    return found


async def _play(runner: TrialRunner, way: _Collision, number: int) -> _Round:
    baseline = runner.baselines[number % len(runner.baselines)]
    told = [runner.create(baseline.story) for _ in range(way.conversations)]
    exchanges: list[tuple[Event, Exchange]] = []
    pause = way.pauses[number % len(way.pauses)]
    for events in way.steps(told):
        exchanges += zip(events, await runner.deliver_together(events, pause), strict=True)
    accepted = {event.id for event, exchange in exchanges if runner.context.accepted(exchange)}
    # The vendor would send again what was refused.
    await runner.retry(list({event.id: event for event, _ in exchanges if event.id not in accepted}.values()))
    return _Round(baseline, told, exchanges)


async def _differing(runner: TrialRunner, rounds: Sequence[_Round]) -> list[tuple[_Round, list[StateDifference]]]:
    """Returns the rounds whose state differs from the baseline for `Waiting.state` seconds."""
    suspects = list(rounds)
    for attempt in range(2):
        found = await runner.compare([(each.baseline, each.told) for each in suspects])
        differing = [(each, some) for each, some in zip(suspects, found, strict=True) if some]
        if not differing or attempt:
            return differing
        await asyncio.sleep(runner.context.settings.waiting.state)
        await runner.read_again(each.baseline for each, _ in differing)
        suspects = [each for each, _ in differing]
    return []


async def _report(
    context: Context, runner: TrialRunner, way: _Collision, found: list[tuple[_Round, list[StateDifference]]]
) -> None:
    """Reports the differences of rounds, and in how many rounds they occur. What also differs when the story is played
    plainly is left out."""
    baseline = found[0][0].baseline
    plain = [_Collision("", 1, lambda told: [[event] for event in told[0].events])] * 2
    steady = [await _play(runner, each, runner.baselines.index(baseline)) for each in plain]
    unsteady = {difference.pattern for _, some in await _differing(runner, steady) for difference in some}
    kept = [difference for difference in found[0][1] if difference.pattern not in unsteady]
    if not kept:
        places = ", ".join(sorted(unsteady))
        raise NotJudged(f"the state differs each time the same story is played plainly, at {places}")
    number = runner.baselines.index(baseline)
    again = [await _play(runner, way, number + len(runner.baselines) * (each + 1)) for each in range(COUNTED)]
    patterns = {difference.pattern for difference in kept}
    hits = sum(
        any(difference.pattern in patterns for difference in some) for _, some in await _differing(runner, again)
    )
    difference = kept[0]
    context.fail(
        None,
        f"when {way.description}, {difference.pointer or 'the state'} {difference.what}{further(kept)} "
        f"({hits + 1} of {COUNTED + 1} rounds)",
        expected=difference.expected,
        found=difference.found,
        pointer=difference.pointer,
        case=baseline.title,
        # Where a race shows first is chance.
        cause=("state",),
        differences=kept,
        causes=of_state(kept) | (APART if way.conversations > 1 else frozenset()),
    )


def _judge_answers(context: Context, played: _Round, way: _Collision) -> None:
    """Reports what was refused only because it came together with others. It is lost if the vendor does not retry."""
    retried = bool(context.settings.policy.retries.value)
    accepted = {event.id for event, exchange in played.exchanges if context.accepted(exchange)}
    plain = context.plain_outcomes
    for event, exchange in played.exchanges:
        if context.accepted(exchange) or plain.get(event.name) is not None:
            continue
        lost = event.id not in accepted and not retried
        context.fail(
            event.name,
            f"a {event.name} was answered {exchange.outcome()} when {way.description}"
            + (", and the vendor does not send it again" if lost else ""),
            expected=context.expected_statuses(),
            found=exchange.outcome(),
            exchange=exchange,
            severity=ERROR if lost else WARNING,
            case=played.baseline.title,
            cause=("refused", exchange.outcome()),
            causes=frozenset({"refused when concurrent"}),
        )
