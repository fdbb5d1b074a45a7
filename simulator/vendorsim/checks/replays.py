"""Plays stories in other ways than plainly, and compares the states that the integration ends up in.

Conversations are played one after the other, so that each kind of trouble shows in its own check; their states are
read side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vendorsim.checks.context import Context, Exchange, gather_bounded
from vendorsim.checks.conversation_factory import Teller, Telling
from vendorsim.checks.differences import StateDifference, differences, without
from vendorsim.checks.differences import pattern as parsed
from vendorsim.checks.model import NotJudged
from vendorsim.checks.orders import Order
from vendorsim.checks.probes import ProbeError, StateProbe, settled
from vendorsim.checks.symbols import symbolic, symbols
from vendorsim.core.clock import wall_clock
from vendorsim.core.event import Event
from vendorsim.scenario.model import Scenario

# An integration may work on a delivery after it has answered; a difference counts when it is still there so many
# seconds later.
PATIENCE = 1.0
_SHARED = "states"


@dataclass(slots=True)
class Tale:
    """A story, its plain conversation, and the state in which that one ended (symbolic)."""

    story: Scenario
    plain: Telling
    expected: Any


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to play a story. `words` say what was done, for findings; `event` is the delivery that it was done to.

    `script` is who is next, and with which delivery: conversations and deliveries are numbered from 0. With `retries`,
    what the integration refuses comes again at the end.
    """

    tale: Tale
    script: tuple[tuple[int, int], ...]
    words: str
    event: int | None = None
    retries: bool = False


@dataclass(frozen=True, slots=True)
class PlayedTrial:
    """A trial that was carried out: its conversations, and what came of each delivery of the script."""

    trial: Trial
    tellings: tuple[Telling, ...]
    exchanges: tuple[Exchange, ...]

    def pairs(self) -> Iterator[tuple[tuple[int, int], Exchange]]:
        """Each place of the script, and what came of it."""
        return zip(self.trial.script, self.exchanges, strict=True)


def alone(order: Order) -> tuple[tuple[int, int], ...]:
    """The script of a single conversation."""
    return tuple((0, number) for number in order)


class TrialStage:
    """The stories of this run, what they lead to when they are played plainly, and the hands to play them again."""

    def __init__(self, context: Context, probe: StateProbe, teller: Teller, tales: list[Tale]) -> None:
        self.context = context
        self.tales = tales
        self._probe = probe
        self._teller = teller
        self._ignored = [parsed(text) for text in context.settings.probe_ignore]

    # Playing

    async def play(self, trial: Trial) -> PlayedTrial:
        """Carries out a trial with fresh conversations."""
        count = 1 + max(number for number, _ in trial.script)
        tellings = tuple(self._teller.tell(trial.tale.story) for _ in range(count))
        deliveries = [tellings[who].events[number] for who, number in trial.script]
        exchanges = [await self.deliver(event) for event in deliveries]
        if trial.retries:
            await self._retry(
                [
                    event
                    for event, exchange in zip(deliveries, exchanges, strict=True)
                    if not self.context.accepted(exchange)
                ]
            )
        return PlayedTrial(trial, tellings, tuple(exchanges))

    async def _retry(self, refused: list[Event]) -> None:
        """Delivers what was refused again and again, as long as some of it is accepted."""
        while refused:
            still = [event for event in refused if not self.context.accepted(await self.deliver(event))]
            if len(still) == len(refused):
                return
            refused = still

    async def deliver(self, event: Event) -> Exchange:
        """Sends an event. Repeated, it is the same delivery: with the same id, where the signature holds one."""
        signer = self.context.settings.destination.signer
        if signer is None:
            return await self.context.send(event)
        signature = signer.headers(event.id, wall_clock() // 1000, event.body)
        return await self.context.send(event, signature=signature)

    # Reading

    async def state(self, telling: Telling, other: Telling) -> Any:
        """The settled state of a conversation, symbolic and without what is ignored; `other` is of the same story."""
        state = await settled(self._probe, telling.conversation_id, telling.identifier)
        return self._plain(state, telling, other)

    async def state_now(self, telling: Telling, other: Telling) -> Any:
        """The state as it is at this moment; None too where the probe has no answer for what it does not know."""
        try:
            state = await self._probe.read(telling.conversation_id, telling.identifier)
        except ProbeError:
            return None
        return self._plain(state, telling, other)

    def _plain(self, state: Any, telling: Telling, other: Telling) -> Any:
        return symbolic(without(state, self._ignored), symbols(telling.bodies, other.bodies))

    async def _deviations(self, played: Sequence[PlayedTrial]) -> list[list[StateDifference]]:
        """Where the states of each trial are not as expected."""
        found: list[list[StateDifference]] = [[] for _ in played]

        async def read(number: int, telling: Telling) -> None:
            tale = played[number].trial.tale
            found[number] += differences(tale.expected, await self.state(telling, tale.plain))

        await gather_bounded(
            [read(number, telling) for number, one in enumerate(played) for telling in one.tellings], at_once=16
        )
        return found

    async def differing(self, played: Sequence[PlayedTrial]) -> list[tuple[PlayedTrial, list[StateDifference]]]:
        """Those trials that ended in another state than the plain story, with the differences."""
        found = await self._deviations(played)
        return [(one, some) for one, some in zip(played, found, strict=True) if some]

    async def deviations(self, played: Sequence[PlayedTrial]) -> list[tuple[PlayedTrial, list[StateDifference]]]:
        """Those trials that end in another state each time they are carried out, with the differences.

        Only what can be seen again counts: after some patience, in a second try, and while the plain story still
        ends as it did. Raises NotJudged when it does not.
        """
        suspects = await self.differing(played)
        if suspects:
            await asyncio.sleep(PATIENCE)
            await self._read_again(_tales(suspects))
            suspects = await self.differing([one for one, _ in suspects])
        return await self._confirmed(suspects) if suspects else []

    async def _read_again(self, tales: Iterable[Tale]) -> None:
        """The states of the plain conversations, now that there was time for all of them."""

        async def read(tale: Tale) -> None:
            tale.expected = await self.state(tale.plain, self._teller.tell(tale.story))

        await gather_bounded([read(tale) for tale in tales], at_once=16)

    async def _confirmed(
        self, suspects: list[tuple[PlayedTrial, list[StateDifference]]]
    ) -> list[tuple[PlayedTrial, list[StateDifference]]]:
        plain = [await self.play(plainly(tale)) for tale in _tales(suspects)]
        again = [await self.play(one.trial) for one, _ in suspects]
        found = await self._deviations([*plain, *again])
        if any(found[: len(plain)]):
            await asyncio.sleep(PATIENCE)
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


def _tales(suspects: Iterable[tuple[PlayedTrial, object]]) -> list[Tale]:
    """The stories of these trials, each once."""
    return list({id(one.trial.tale): one.trial.tale for one, _ in suspects}.values())


def plainly(tale: Tale) -> Trial:
    """The story as it is."""
    return Trial(tale, alone(tuple(range(len(tale.plain.events)))), "played plainly")


async def stage(context: Context) -> TrialStage:
    """The stage of this run; it is set up by the first check that asks. Raises NotJudged where nothing can be told."""
    shared = context.settings.shared
    if _SHARED not in shared:
        try:
            shared[_SHARED] = await _set_up(context)
        except NotJudged as reason:
            shared[_SHARED] = reason
    found = shared[_SHARED]
    if isinstance(found, NotJudged):
        raise NotJudged(str(found))
    selected = set(context.events())
    tales = [tale for tale in found.tales if any(event.name in selected for event in tale.plain.events)]
    if not tales:
        raise NotJudged("none of the stories that are told again holds the event")
    return TrialStage(context, found.probe, found.teller, tales)


@dataclass(frozen=True, slots=True)
class _Shared:
    probe: StateProbe
    teller: Teller
    tales: list[Tale]


async def _set_up(context: Context) -> _Shared:
    """Plays every story twice, plainly: whatever differs between these two says nothing."""
    settings = context.settings
    if settings.probe is None:
        raise NotJudged(
            "there is no probe: name one with --probe, a URL with {conversation_id} that shows the integration's state"
        )
    destination, profile = settings.destination, settings.profile
    teller = Teller(settings.stories, lambda event: destination.target.gets(event, profile))
    tales = [Tale(story, teller.tell(story), None) for story in teller.chosen()]
    hands = TrialStage(context, settings.probe, teller, tales)
    before = [await hands.state_now(tale.plain, teller.tell(tale.story)) for tale in tales]
    twins: list[Telling] = []
    for tale in tales:
        for telling in (tale.plain, teller.tell(tale.story)):
            for event in telling.events:
                await hands.deliver(event)
        twins.append(telling)
    unstable = await _read(hands, tales, twins)
    if unstable or all(tale.expected == state for tale, state in zip(tales, before, strict=True)):
        await asyncio.sleep(PATIENCE)
        unstable = await _read(hands, tales, twins)
    if unstable:
        raise unsteady(unstable)
    known = [tale for tale, state in zip(tales, before, strict=True) if tale.expected != state]
    if not known:
        first = tales[0].plain.conversation_id if tales else ""
        raise NotJudged(f"the probe knows nothing of a conversation that was told: it was asked for {first}")
    return _Shared(settings.probe, teller, known)


async def _read(hands: TrialStage, tales: Sequence[Tale], twins: Sequence[Telling]) -> set[str]:
    """Notes the states that the plain stories lead to; answers where two of one story differ."""
    unstable: set[str] = set()

    async def read(tale: Tale, twin: Telling) -> None:
        tale.expected = await hands.state(tale.plain, twin)
        unstable.update(found.pattern for found in differences(tale.expected, await hands.state(twin, tale.plain)))

    await gather_bounded([read(tale, twin) for tale, twin in zip(tales, twins, strict=True)], at_once=16)
    return unstable


def unsteady(patterns: Iterable[str]) -> NotJudged:
    """The same story ends in another state each time."""
    names = sorted(patterns)
    if "" in names:
        return NotJudged("the state as a whole is another one each time the same story is played plainly")
    shown = ", ".join(names)
    options = " ".join(f"--probe-ignore {name!r}" if "*" in name else f"--probe-ignore {name}" for name in names)
    return NotJudged(
        f"the state differs each time the same story is played plainly, at {shown}; "
        f"leave out what has nothing to do with the story: {options}"
    )
