"""Plays stories with repeated, reordered or interleaved deliveries, and compares the integration's final states.

Trials are played side by side, and what differs is played again alone, so that each kind of failure shows in its own
check.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from vendorsim.checks.context import Context, Exchange, gather_bounded
from vendorsim.checks.conversation_factory import ConversationFactory, StoryConversation
from vendorsim.checks.differences import StateDifference, differences, without
from vendorsim.checks.differences import pattern as parse_pattern
from vendorsim.checks.masks import masked, steady_texts
from vendorsim.checks.model import NotJudged
from vendorsim.checks.orders import Order
from vendorsim.checks.probes import LONGEST_WAIT, NO_PROBE, QUIET_PAUSE, States, UnreadableState
from vendorsim.checks.symbols import symbolic, symbols
from vendorsim.core.clock import monotonic, wall_clock
from vendorsim.core.event import Event
from vendorsim.runs.timeline import LiveConversation
from vendorsim.scenario.model import Scenario

_SHARED = "states"
READ_AT_ONCE = 16


class NothingKnown(UnreadableState):
    """The probe knows nothing of conversations that were told."""


class StoryBaseline(Struct):
    """A story, a conversation that was played in order, and its final state (symbolic). `title` is the scenario's."""

    title: str
    story: Scenario
    plain: StoryConversation
    expected: Any


class Trial(Struct, frozen=True):
    """One way to play a story. `description` is for findings; `event` is the affected delivery, if it is one.

    `script` lists (conversation, delivery) in the order of sending, both numbered from 0. With `retries`, refused
    deliveries are sent again at the end. The conversations began `age` milliseconds ago: of their states, times and
    numbers are not compared (`vendorsim.checks.masks`).
    """

    baseline: StoryBaseline
    script: tuple[tuple[int, int], ...]
    description: str
    event: int | None = None
    retries: bool = False
    age: int = 0

    @property
    def is_reordered(self) -> bool:
        """Whether the deliveries come in another order than in the story."""
        order = [number for _, number in self.script]
        return order != sorted(order)

    @property
    def case(self) -> str:
        """The name of the case: the story, and the affected delivery or the order of the deliveries."""
        title = self.baseline.title
        if self.event is not None:
            return f"{title}/{self.event + 1}"
        order = "-".join(str(number + 1) for _, number in self.script)
        return f"{title}/{order}" if self.is_reordered else title


class PlayedTrial(Struct, frozen=True):
    """A trial that was played: its conversations, and the exchange of each delivery of the script."""

    trial: Trial
    conversations: tuple[StoryConversation, ...]
    exchanges: tuple[Exchange, ...]

    def pairs(self) -> Iterator[tuple[tuple[int, int], Exchange]]:
        """Yields each entry of the script with its exchange."""
        return zip(self.trial.script, self.exchanges, strict=True)


def alone(order: Order) -> tuple[tuple[int, int], ...]:
    """Returns the script of a single conversation."""
    return tuple((0, number) for number in order)


class TrialRunner:
    """Plays trials and compares their states with the baselines of this run."""

    def __init__(
        self, context: Context, probe: States, factory: ConversationFactory, baselines: list[StoryBaseline]
    ) -> None:
        self.context = context
        self.baselines = baselines
        self._probe = probe
        self._factory = factory
        self._ignored = [parse_pattern(text) for text in context.settings.probe_ignore]

    # Playing

    async def play_alone(self, trial: Trial) -> PlayedTrial:
        """Plays a trial while nothing else is sent."""
        async with self.context.alone():
            return await self.play(trial)

    async def play(self, trial: Trial) -> PlayedTrial:
        """Plays a trial with new conversations."""
        count = 1 + max(number for number, _ in trial.script)
        conversations = tuple(self._factory.create(trial.baseline.story, age=trial.age) for _ in range(count))
        deliveries = [conversations[index].events[number] for index, number in trial.script]
        exchanges = [await self.deliver(event) for event in deliveries]
        if trial.retries:
            await self.retry(
                [
                    event
                    for event, exchange in zip(deliveries, exchanges, strict=True)
                    if not self.context.accepted(exchange)
                ]
            )
        return PlayedTrial(trial, conversations, tuple(exchanges))

    async def play_all(self, trials: Sequence[Trial]) -> list[PlayedTrial]:
        """Plays trials side by side. One in which a delivery is refused is played again alone, and that counts: what
        the others did at the same time is not blamed on it."""
        played: dict[int, PlayedTrial] = {}

        async def play(number: int, trial: Trial) -> None:
            played[number] = await self.play(trial)

        await self.context.side_by_side([play(*each) for each in enumerate(trials)])
        for number, trial in enumerate(trials):
            if not all(map(self.context.accepted, played[number].exchanges)):
                played[number] = await self.play_alone(trial)
        return [played[number] for number in range(len(trials))]

    async def tell(self, conversation: StoryConversation) -> None:
        """Sends all events of a conversation in their order."""
        for event in conversation.events:
            await self.deliver(event)

    async def caught_up(self) -> bool:
        """Waits until the integration has processed what it accepted until now: until something of a new conversation
        shows, `LONGEST_WAIT` seconds at most. Returns whether it shows. To be called alone."""
        baseline = min(self.baselines, key=lambda baseline: len(baseline.plain.events))
        last = self.create(baseline.story)
        before = await self.state_now(last, baseline.plain)
        await self.tell(last)
        ends = monotonic() + LONGEST_WAIT
        while await self.state_now(last, baseline.plain) == before:
            if monotonic() > ends:
                return False
            await asyncio.sleep(QUIET_PAUSE)
        return True

    async def retry(self, refused: list[Event]) -> None:
        """Resends refused deliveries until all are accepted, or a round accepts none."""
        while refused:
            still = [event for event in refused if not self.context.accepted(await self.deliver(event))]
            if len(still) == len(refused):
                return
            refused = still

    async def deliver(self, event: Event, barrier: asyncio.Barrier | None = None, late: float = 0.0) -> Exchange:
        """Sends an event. A repetition is the same delivery, so its signature contains the same id."""
        signer = self.context.settings.destination.signer
        signature = None if signer is None else signer.headers(event.id, wall_clock() // 1000, event.body)
        return await self.context.send(event, signature=signature, barrier=barrier, late=late)

    async def deliver_together(self, events: Sequence[Event], late: float = 0.0) -> list[Exchange]:
        """Sends events so that they reach the integration together: each one `late` seconds after the one before."""
        if len(events) == 1:
            return [await self.deliver(events[0])]
        barrier = asyncio.Barrier(len(events))
        sending = (self.deliver(event, barrier, late * number) for number, event in enumerate(events))
        return list(await asyncio.gather(*sending))

    def create(self, story: Scenario) -> StoryConversation:
        """Creates a new conversation of the story."""
        return self._factory.create(story)

    def open(self, story: Scenario) -> LiveConversation:
        """Creates a new conversation of the story before its first step."""
        return self._factory.open(story)

    def describe(self, live: LiveConversation, events: Sequence[Event]) -> StoryConversation:
        """Returns a conversation with those of its events that the target gets."""
        return self._factory.describe(live, events)

    # Reading

    async def state(self, conversation: StoryConversation, other: StoryConversation) -> Any:
        """Returns the settled state of a conversation, symbolic and without ignored values. Raises UnreadableState.

        `other` is another conversation of the same story.
        """
        state = await self._probe.settled(conversation.conversation_id, conversation.identifier)
        return self._symbolic(state, conversation, other)

    async def state_now(self, conversation: StoryConversation, other: StoryConversation) -> Any:
        """Returns the current state without waiting. None if it is unknown, or if the probe fails."""
        try:
            state = await self._probe.read(conversation.conversation_id, conversation.identifier)
        except UnreadableState:
            return None
        return self._symbolic(state, conversation, other)

    def _symbolic(self, state: Any, conversation: StoryConversation, other: StoryConversation) -> Any:
        return symbolic(without(state, self._ignored), symbols(conversation.bodies, other.bodies))

    async def _deviations(self, played: Sequence[PlayedTrial]) -> list[list[StateDifference]]:
        """Returns the differences from the baseline for each trial."""
        return await self.compare([(one.trial.baseline, one.conversations) for one in played])

    async def compare(
        self, played: Sequence[tuple[StoryBaseline, Sequence[StoryConversation]]]
    ) -> list[list[StateDifference]]:
        """Returns the differences from the baseline for each group of conversations."""
        found: list[list[StateDifference]] = [[] for _ in played]

        async def read(number: int, conversation: StoryConversation) -> None:
            baseline = played[number][0]
            expected, other = baseline.expected, baseline.plain
            steady = None
            if conversation.age:
                steady = steady_texts(conversation.bodies, baseline.plain.bodies)
                expected = masked(expected, steady)
                other = self._factory.create(baseline.story, age=conversation.age)
            state = await self.state(conversation, other)
            found[number] += differences(expected, state if steady is None else masked(state, steady))

        await gather_bounded(
            [read(number, conversation) for number, (_, told) in enumerate(played) for conversation in told],
            at_once=READ_AT_ONCE,
        )
        return found

    async def differing(self, played: Sequence[PlayedTrial]) -> list[tuple[PlayedTrial, list[StateDifference]]]:
        """Returns the trials whose state differs from the baseline, with the differences."""
        found = await self._deviations(played)
        return [(one, some) for one, some in zip(played, found, strict=True) if some]

    async def deviations(self, played: Sequence[PlayedTrial]) -> list[tuple[PlayedTrial, list[StateDifference]]]:
        """Returns the trials that differ from the baseline reproducibly, with the differences.

        A difference counts if it lasts `Waiting.state` seconds and occurs again when the trial is repeated, while the
        baseline stays the same. Raises NotJudged if the baseline changed and no difference is left.
        """
        suspects = await self.differing(played)
        if suspects:
            async with self.context.alone():
                await self.caught_up()
            await asyncio.sleep(self.context.settings.waiting.state)
            await self.read_again(_baselines(suspects))
            suspects = await self.differing([one for one, _ in suspects])
        return await self._confirmed(suspects) if suspects else []

    async def read_again(self, baselines: Iterable[StoryBaseline]) -> None:
        """Reads the states of the baselines again."""

        async def read(baseline: StoryBaseline) -> None:
            baseline.expected = await self.state(baseline.plain, self._factory.create(baseline.story))

        await gather_bounded([read(baseline) for baseline in baselines], at_once=READ_AT_ONCE)

    async def _confirmed(
        self, suspects: list[tuple[PlayedTrial, list[StateDifference]]]
    ) -> list[tuple[PlayedTrial, list[StateDifference]]]:
        plain = [await self.play_alone(in_order(baseline)) for baseline in _baselines(suspects)]
        again = [await self.play_alone(one.trial) for one, _ in suspects]
        found = await self._deviations([*plain, *again])
        if any(found):
            async with self.context.alone():
                await self.caught_up()
        if any(found[: len(plain)]):
            await asyncio.sleep(self.context.settings.waiting.state)
        if any(found):
            found = await self._deviations([*plain, *again])
        unstable = {difference.pattern for some in found[: len(plain)] for difference in some}
        confirmed: list[tuple[PlayedTrial, list[StateDifference]]] = []
        for (_, first), one, second in zip(suspects, again, found[len(plain) :], strict=True):
            seen = {difference.pattern for difference in first} - unstable
            if kept := [difference for difference in second if difference.pattern in seen]:
                confirmed.append((one, kept))
        if unstable and not confirmed:
            reason = unsteady(unstable)
            self.context.settings.shared[_SHARED] = reason
            raise reason
        return confirmed


def _baselines(suspects: Iterable[tuple[PlayedTrial, object]]) -> list[StoryBaseline]:
    """Returns the distinct baselines of these trials."""
    return list({id(one.trial.baseline): one.trial.baseline for one, _ in suspects}.values())


def in_order(baseline: StoryBaseline) -> Trial:
    """Returns the trial that plays the story in order, without changes."""
    return Trial(baseline, alone(tuple(range(len(baseline.plain.events)))), "played plainly")


async def trial_runner(context: Context) -> TrialRunner:
    """Returns the runner with the baselines of this run; the first call creates these. Raises NotJudged."""
    shared = context.settings.shared
    async with context.alone():
        if _SHARED not in shared:
            try:
                shared[_SHARED] = await _create_baselines(context)
            except NotJudged as reason:
                shared[_SHARED] = reason
    found = shared[_SHARED]
    if isinstance(found, NotJudged):
        raise type(found)(str(found))
    selected = set(context.events())
    baselines = [
        baseline for baseline in found.baselines if any(event.name in selected for event in baseline.plain.events)
    ]
    if not baselines:
        raise NotJudged("none of the stories that are told again holds the event")
    return TrialRunner(context, found.probe, found.factory, baselines)


class _Shared(Struct, frozen=True):
    probe: States
    factory: ConversationFactory
    baselines: list[StoryBaseline]


async def _create_baselines(context: Context) -> _Shared:
    """Creates the baselines: plays every story twice in order. Raises NotJudged if the two states differ."""
    settings = context.settings
    if settings.probe is None:
        raise NotJudged(NO_PROBE)
    destination, profile = settings.destination, settings.profile
    factory = ConversationFactory(settings.stories, lambda event: destination.target.gets(event, profile))
    baselines = [
        StoryBaseline(title, story, factory.create(story), None)
        for title, story in factory.choose_stories().items()
        if context.takes_story(title)
    ]
    runner = TrialRunner(context, settings.probe, factory, baselines)
    before = [await runner.state_now(baseline.plain, factory.create(baseline.story)) for baseline in baselines]
    for baseline in baselines:
        await runner.tell(baseline.plain)
    twins = [factory.create(baseline.story) for baseline in baselines]
    await gather_bounded([runner.tell(twin) for twin in twins], settings.sender.at_once)
    unstable = await _read(runner, baselines, twins)
    if unstable or all(baseline.expected == state for baseline, state in zip(baselines, before, strict=True)):
        await asyncio.sleep(settings.waiting.state)
        unstable = await _read(runner, baselines, twins)
    if unstable:
        # Alone, in case that conversations at the same time disturb each other: other checks are about that.
        twins = [factory.create(baseline.story) for baseline in baselines]
        for twin in twins:
            await runner.tell(twin)
        await asyncio.sleep(settings.waiting.state)
        unstable = await _read(runner, baselines, twins)
    if unstable:
        raise unsteady(unstable)
    known = [baseline for baseline, state in zip(baselines, before, strict=True) if baseline.expected != state]
    if not known:
        raise NothingKnown(_nothing_known(baselines))
    return _Shared(settings.probe, factory, known)


def _nothing_known(baselines: Sequence[StoryBaseline]) -> str:
    """Returns the reason for a probe that knows none of the conversations."""
    told = "the probe knows nothing of a conversation that was told"
    if not baselines:
        return told
    asked = baselines[0].plain.conversation_id
    if any(_holds(body, asked) for body in baselines[0].plain.bodies):
        return f"{told}: it was asked for {asked}"
    return (
        f"{told}: it was asked for {asked}, and no body carries this id; in a vendor of your own, let "
        "Profile.conversation_id give the id that the bodies carry"
    )


def _holds(document: Any, text: str) -> bool:
    """Whether a value in the document is this text, or a number written like it."""
    if isinstance(document, dict):
        return any(_holds(value, text) for value in document.values())
    if isinstance(document, list):
        return any(_holds(value, text) for value in document)
    return str(document) == text


async def _read(
    runner: TrialRunner, baselines: Sequence[StoryBaseline], twins: Sequence[StoryConversation]
) -> set[str]:
    """Reads the states of the baselines. Returns where they differ from those of their twins."""
    states: dict[str, Any] = {}

    async def read(told: StoryConversation, other: StoryConversation) -> None:
        states[told.conversation_id] = await runner.state(told, other)

    pairs = [(baseline.plain, twin) for baseline, twin in zip(baselines, twins, strict=True)]
    both = [*pairs, *((twin, plain) for plain, twin in pairs)]
    await gather_bounded([read(told, other) for told, other in both], at_once=READ_AT_ONCE)
    unstable: set[str] = set()
    for baseline, twin in zip(baselines, twins, strict=True):
        baseline.expected = states[baseline.plain.conversation_id]
        unstable.update(found.pattern for found in differences(baseline.expected, states[twin.conversation_id]))
    return unstable


def unsteady(patterns: Iterable[str]) -> NotJudged:
    """Returns the error for a story whose state differs each time that it is played."""
    names = sorted(patterns)
    if "" in names:
        return NotJudged("the state as a whole is another one each time the same story is played plainly")
    shown = ", ".join(names)
    options = " ".join(f"--probe-ignore {name!r}" if "*" in name else f"--probe-ignore {name}" for name in names)
    return NotJudged(
        f"the state differs each time the same story is played plainly, at {shown}: either that has nothing to do with "
        f"the story ({options}), or the integration answers before its work is done and collides with itself"
    )
