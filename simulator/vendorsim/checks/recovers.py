"""`recovers`: after an outage the integration's state is that which no outage leaves.

In `by_retry` the vendor's retries bring everything, late and in another order. In `by_api` deliveries are lost for
good, and the integration reads by the vendor's API what it has missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct, field

from vendorsim.checks.context import Context
from vendorsim.checks.differences import StateDifference, differences, further
from vendorsim.checks.masks import bare, steady_texts
from vendorsim.checks.model import NotJudged
from vendorsim.checks.outages import outages
from vendorsim.checks.registry import check
from vendorsim.checks.replays import StoryBaseline, Trial, TrialRunner, alone, trial_runner
from vendorsim.checks.trial_reports import causes_of, judge_trials
from vendorsim.checks.waiting import DEFAULT_RECOVERY
from vendorsim.core.clock import InstantClock, monotonic, wall_clock
from vendorsim.core.event import Event
from vendorsim.core.provenance import ASSUMED, Stated
from vendorsim.core.times import duration_text
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import LiveConversation
from vendorsim.runs.variation import Scheduled
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.policy import ORDERED
from vendorsim.vendorkit.vendor import Polling

# Ways in which one story arrives after an outage, and stories whose end is lost.
MOST_OUTAGES, MOST_STORIES = 3, 2
ORDER_CHECKS = ("order_tolerant.swapped", "order_tolerant.shuffled")
API_AWAY = "api-away"
# Seconds between two looks at the states while the integration catches up, and calls after which it has caught up.
LOOK, CALLS_AFTER = 0.1, 3

_RETRIED = Stated(
    "What the vendor could not deliver for a while is delivered later, and counts as if it had come in time.",
    ASSUMED,
    "usual practice: a delivery that gets no answer is retried for hours or days (Standard Webhooks specification, "
    "standardwebhooks.com)",
)
_READ = Stated(
    "What no delivery has told is read from the vendor's API.",
    ASSUMED,
    "usual practice: deliveries can be lost for good, and the vendor's API tells what they would have told",
)


@check(
    "recovers.by_retry",
    _RETRIED,
    "Take each delivery by what its body says, however late it comes: add what is missing, keep what is newer, and "
    "sort by the times in the bodies.",
)
async def by_retry(context: Context) -> None:
    """Plays stories of which a part comes late, as the vendor's retries bring it after an outage."""
    policy = context.settings.policy
    if not policy.retries.value:
        raise NotJudged("the vendor does not retry: what an outage hits is lost, see recovers.by_api")
    if policy.retried.value is not None:
        raise NotJudged("the vendor does not retry what got no answer: it is lost, see recovers.by_api")
    runner = await trial_runner(context)
    ordered = policy.ordering.value == ORDERED
    trials = []
    for baseline in runner.baselines:
        plain = baseline.plain
        times = [event.at for event in plain.events]
        ways = list(outages(times, plain.keys, policy.retries.value, ordered=ordered))
        for way in ways[:MOST_OUTAGES]:
            numbers = ", ".join(str(number + 1) for number in way.order)
            description = (
                f"an outage of {_about(way.length)}, when the deliveries came in the order {numbers}, up to "
                f"{_about(way.late)} late"
            )
            # The last delivery comes now.
            age = way.late + times[-1] - times[0]
            trials.append(Trial(baseline, alone(way.order), description, retries=True, age=age))
    if not trials:
        raise NotJudged("the vendor gives up before an outage of this length is over")
    # What came in order comes first. A delivery that comes too late in a story is one that comes in another order, too.
    trials.sort(key=lambda trial: trial.is_reordered)
    order = causes_of(ORDER_CHECKS)
    await judge_trials(runner, trials, lambda trial: order if trial.is_reordered else frozenset())


def _about(milliseconds: int) -> str:
    """Returns a length of time in full minutes, or in full seconds if it is shorter."""
    unit = 60_000 if milliseconds >= 60_000 else 1_000
    return duration_text(max(milliseconds // unit, 1) * unit)


# Catching up by the API


class _Told(Struct):
    """A conversation of which the integration is told step by step. `events` are those that have happened."""

    live: LiveConversation
    events: list[Event] = field(default_factory=list)

    def advance(self, scheduled: Scheduled) -> list[Event]:
        with self.live.lock:
            events = self.live.advance(scheduled)
        self.events += events
        return events


class _Pair(Struct):
    """Two conversations of one story: one is told completely, the end of the other one is lost."""

    baseline: StoryBaseline
    case: str
    told: _Told
    lost: _Told
    steps: Sequence[Scheduled] = ()
    # The number of the first step that is lost, and the names of the lost events.
    first_lost: int = 0
    names: list[str] = field(default_factory=list)


class _Calls(Struct):
    """The calls by which the integration reads what it has missed: those about conversations of which something is
    `lost`, or about none in particular. An integration may read a conversation before it acts on what a delivery told.
    """

    polling: Stated[Polling]
    vendor: str
    lost: frozenset[str] = frozenset()
    count: int = 0

    def add(self, call: ApiCall) -> None:
        """Runs in the thread of the request."""
        reads = call.vendor == self.vendor and call.operation in self.polling.value.operations
        if reads and (not call.session_id or call.session_id in self.lost):
            self.count += 1


@check(
    "recovers.by_api",
    _READ,
    "Read the vendor's API from time to time, from the last moment that you know, and add what you lack, once.",
)
async def by_api(context: Context) -> None:
    """Loses the last deliveries of stories for good, and waits until the integration has caught up by the API."""
    settings = context.settings
    polling = settings.vendor.polling
    if polling is None:
        raise NotJudged(f"no operation of {settings.vendor.name}'s API that vendorsim answers tells what was missed")
    if settings.state is None:
        raise NotJudged("give --serve PORT, and let the integration read the vendor's API there")
    if context.settings.stories.captured:
        raise NotJudged("a capture does not hold what the vendor's API tells of a conversation")
    runner = await trial_runner(context)
    calls = _Calls(polling, settings.vendor.name)
    unsubscribe = settings.state.subscribe(calls.add)
    try:
        baselines = runner.baselines[:MOST_STORIES]
        plain = [_pair(runner, each, each.title, polling.value) for each in baselines]
        await _judge(context, runner, plain, calls)
        if not context.result.findings:
            away = [_pair(runner, each, f"{each.title}/{API_AWAY}", polling.value) for each in baselines[:1]]
            await _judge(context, runner, away, calls, api_away=True)
    finally:
        unsubscribe()


def _pair(runner: TrialRunner, baseline: StoryBaseline, case: str, polling: Polling) -> _Pair:
    """Returns a new pair of conversations, and which steps of them are lost.

    Where the API tells the newest message only, the story ends with its last message, and nothing but that is lost;
    otherwise the second half of the steps that cause events.
    """
    pair = _Pair(baseline, case, _Told(runner.open(baseline.story)), _Told(runner.open(baseline.story)))
    live = runner.open(baseline.story)
    steps = live.run.schedule(live.state.index)
    telling: list[int] = []
    for number, scheduled in enumerate(steps):
        before = len(live.state.messages)
        events = live.advance(scheduled)
        if events and (not polling.newest_only or len(live.state.messages) > before):
            telling.append(number)
    if telling:
        pair.first_lost = telling[-1] if polling.newest_only else telling[len(telling) // 2]
        pair.steps = steps[: telling[-1] + 1] if polling.newest_only else steps
    return pair


async def _judge(
    context: Context, runner: TrialRunner, pairs: Sequence[_Pair], calls: _Calls, *, api_away: bool = False
) -> None:
    """Plays pairs of conversations and reports those that stay different."""
    pairs = [pair for pair in pairs if pair.steps and context.takes(None, pair.case)]
    if not pairs:
        return
    calls.lost = frozenset(str(pair.lost.live.id) for pair in pairs)
    with _registered(context, pairs):
        for pair in pairs:
            await _play(context, runner, pair, calls, api_away=api_away)
        found = await _catch_up(context, runner, pairs, calls)
    for pair in pairs:
        context.case()
        for event in pair.told.events:
            if context.gets(event.name):
                context.result.cells.setdefault(event.name, "passed")
    for pair, some in zip(pairs, found, strict=True):
        if some:
            _report(context, pair, some, calls, api_away=api_away)


@contextmanager
def _registered(context: Context, pairs: Sequence[_Pair]) -> Iterator[None]:
    """A context in which the vendor's API knows the conversations."""
    state = context.settings.state
    assert state is not None
    handles = [
        LiveHandle(told.live, InstantClock(), lambda live, events: None)
        for pair in pairs
        for told in (pair.told, pair.lost)
    ]
    for handle in handles:
        state.conversations.add(handle)
    try:
        yield
    finally:
        state.away = False
        for handle in handles:
            state.conversations.remove(handle.vendor, handle.id)


async def _play(context: Context, runner: TrialRunner, pair: _Pair, calls: _Calls, *, api_away: bool) -> None:
    """Plays a story in both conversations by the wall clock, so that what is read since a moment is complete."""
    state = context.settings.state
    assert state is not None
    before = at = 0
    for number, scheduled in enumerate(pair.steps):
        lost = number >= pair.first_lost
        if api_away and lost and not state.away:
            state.away, before = True, calls.count
        at = max(wall_clock(), at + 1)
        # Without a pause between the two, so that the API tells the same of both.
        events, missed = (told.advance(scheduled._replace(at=at)) for told in (pair.told, pair.lost))
        pair.names += [event.name for event in missed if lost and context.gets(event.name)]
        for event in (*events, *(() if lost else missed)):
            if context.gets(event.name):
                await runner.deliver(event)
    if api_away:
        ends = monotonic() + context.settings.waiting.retry
        # The first call may have begun before.
        while calls.count < before + 2 and monotonic() < ends:
            await asyncio.sleep(LOOK)
        state.away = False


async def _catch_up(
    context: Context, runner: TrialRunner, pairs: Sequence[_Pair], calls: _Calls
) -> list[list[StateDifference]]:
    """Waits until the states of all pairs are equal and stay so while the integration reads on, or the time is over.

    Returns the differences of each pair. Raises NotJudged if the integration does not read the API, unless the user has
    said by when it must have caught up.
    """
    waiting = context.settings.waiting
    before, began = calls.count, monotonic()
    ends = began + (DEFAULT_RECOVERY if waiting.recover is None else waiting.recover)
    # The calls when all is done that the last deliveries have caused.
    calm_at: int | None = None
    while True:
        found = [await _differences(runner, pair) for pair in pairs]
        if not any(found):
            equal, calm = calls.count, monotonic() + waiting.quiet
            while calls.count < equal + CALLS_AFTER and monotonic() < min(calm, ends):
                await asyncio.sleep(LOOK)
            found = [await _differences(runner, pair) for pair in pairs]
            if not any(found) and calls.count > before:
                return found
        if calm_at is None and monotonic() > began + waiting.quiet:
            calm_at = calls.count
        if waiting.recover is None and calls.count == calm_at and monotonic() > began + 2 * waiting.quiet:
            names = ", ".join(calls.polling.value.operations)
            raise NotJudged(
                f"it called none of {names} in {waiting.quiet:g} s; if it is to catch up by the API, say by when: "
                "--recover-within 2m"
            )
        if monotonic() > ends:
            return found
        await asyncio.sleep(LOOK)


async def _differences(runner: TrialRunner, pair: _Pair) -> list[StateDifference]:
    """Returns how the state of the conversation whose end was lost differs from that of the other one."""
    told, lost = (runner.describe(each.live, each.events) for each in (pair.told, pair.lost))
    expected, found = await asyncio.gather(runner.state_now(told, lost), runner.state_now(lost, told))
    steady = steady_texts(told.bodies, lost.bodies)
    return list(differences(bare(expected, steady), bare(found, steady)))


def _report(context: Context, pair: _Pair, found: Sequence[StateDifference], calls: _Calls, *, api_away: bool) -> None:
    waiting = context.settings.waiting
    seconds = DEFAULT_RECOVERY if waiting.recover is None else waiting.recover
    difference = found[0]
    names = ", ".join(dict.fromkeys(pair.names)) or "nothing"
    read = f"it called the API {calls.count} times" if calls.count else "it never called the API"
    away = ", while the API was away," if api_away else ","
    context.fail(
        None,
        f"{seconds:g} s after the loss of {names}{away} {difference.pointer or 'the state'} {difference.what}"
        f"{further(found)}; {read}",
        expected=difference.expected,
        found=difference.found,
        pointer=difference.pointer,
        case=pair.case,
        cause=(API_AWAY if api_away else "", difference.pattern),
        causes=frozenset({"catches up by API"}),
        differences=found,
        statement=Stated(_READ.value, calls.polling.provenance, calls.polling.source),
    )
