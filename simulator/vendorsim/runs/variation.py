"""Varies a story from conversation to conversation: its pauses, and how many made-up questions are asked.

Pure functions of a conversation's seed. What a story fixes stays: its texts, its steps, pauses of zero, pauses longer
than `LONGEST` (they are appointments, such as "next morning"), waits and timeouts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import shake_128
from math import exp
from statistics import NormalDist
from typing import NamedTuple

from msgspec import Struct

from vendorsim.conversation.talk import phrases
from vendorsim.core.seeding import derive
from vendorsim.scenario.model import Step
from vendorsim.scenario.verbs import TIMEOUT, VISITOR, Close, OfflineMessage, Say, Wait

LONGEST = 15 * 60 * 1000
# People's pauses: half of them are shorter than the usual one, few are much longer. These are the 256 quantiles of a
# log-normal distribution with the median 1, in units of 1/1024.
_SPREAD = 0.6
_FACTORS = tuple(round(1024 * exp(_SPREAD * NormalDist().inv_cdf((n + 0.5) / 256))) for n in range(256))
# Made-up text of this length takes the pause that the story gives; 20 stand for reading and thinking.
_USUAL_LENGTH = 60
_THINKING = 20
# The pause before made-up text, where the story gives none. Milliseconds.
_PAUSE = 15_000
# The length of made-up text that is no question and no answer, or of a language that there are no phrases for.
_OTHER_LENGTH = 40

# No made-up text is longer.
_LONGEST_TEXT = 200


class Scheduled(NamedTuple):
    """A step and its time (milliseconds since 1970). `number` counts from 0; -1 is a step outside the scenario."""

    number: int
    step: Step
    at: int


class _Series(Struct, frozen=True):
    """Made-up questions with their answers, one after the other: `pairs` of two steps each."""

    steps: tuple[tuple[int, Step], ...]

    @property
    def pairs(self) -> int:
        return len(self.steps) // 2

    def repeated(self, pairs: int) -> Iterator[tuple[int, Step]]:
        """The steps of so many pairs: the last ones are left out, or the last one is repeated."""
        for pair in range(pairs):
            first = 2 * min(pair, self.pairs - 1)
            yield from self.steps[first : first + 2]


class Variation:
    """The steps of a story for one vendor, each with its number in the scenario, and how they vary."""

    def __init__(self, steps: Iterable[tuple[int, Step]], locale: str) -> None:
        self._steps = tuple(steps)
        self._phrases = phrases(locale)
        self._parts = tuple(_parts(self._steps))
        self._blocks = tuple(part for part in self._parts if isinstance(part, _Series))
        self._talks = any(_made_up(step) for _, step in self._steps)
        # How many exchanges of made-up talk the story has as it stands.
        self.exchanges = sum(asks for *_, asks in _told(self._steps))
        self._pauses = tuple(_pauses(self._steps))

    def planned(self, seed: int) -> int:
        """How many exchanges of made-up talk the conversation of this seed has."""
        if not self._blocks:
            return self.exchanges
        return self.exchanges + sum(self._counts(seed)) - sum(block.pairs for block in self._blocks)

    def as_told(self, starts: int) -> list[Scheduled]:
        """The steps of a conversation that starts then, with the pauses of the story."""
        at = starts
        schedule: list[Scheduled] = []
        for number, step, fixed, varying in self._pauses:
            at += fixed + varying
            schedule.append(Scheduled(number, step, at))
        return schedule

    def varied(self, seed: int, starts: int) -> list[Scheduled]:
        """The steps of the conversation of this seed, which starts then."""
        if self._talks:
            return self._varied_talk(seed, starts)
        at, factors = starts, _FACTORS
        schedule: list[Scheduled] = []
        for (number, step, fixed, varying), byte in zip(self._pauses, _bytes(seed, len(self._pauses)), strict=True):
            at += fixed + (varying * factors[byte] >> 10)
            schedule.append(Scheduled(number, step, at))
        return schedule

    def _varied_talk(self, seed: int, starts: int) -> list[Scheduled]:
        pairs = iter(self._counts(seed))
        steps: list[tuple[int, Step]] = []
        for part in self._parts:
            steps.extend(part.repeated(next(pairs)) if isinstance(part, _Series) else (part,))
        planned = self.planned(seed)
        at = starts
        schedule: list[Scheduled] = []
        for (number, step, fixed, varying), (*_, exchange, _), byte in zip(
            _pauses(steps), _told(steps), _bytes(seed, len(steps)), strict=True
        ):
            if _made_up(step) and schedule and step.after <= LONGEST:
                length = self._length(seed, step, exchange, planned)
                varying = (varying or _PAUSE) * (_THINKING + length) // (_THINKING + _USUAL_LENGTH)
            at += fixed + (varying * _FACTORS[byte] >> 10)
            schedule.append(Scheduled(number, step, at))
        return schedule

    def longest(self) -> int:
        """No conversation that varies takes longer than so many milliseconds."""
        return sum(self._longest(part) for part in self._parts)

    def _longest(self, part: tuple[int, Step] | _Series) -> int:
        if isinstance(part, _Series):
            pairs = (part.pairs * _FACTORS[-1] + 512) >> 10
            return max(pairs, 1) * 2 * max(self._longest(step) for step in part.steps)
        ((_, step, fixed, varying),) = _pauses([part])
        waits = step.verb.time if isinstance(step.verb, Wait) else 0
        if _made_up(step):
            varying = (varying or _PAUSE) * (_THINKING + _LONGEST_TEXT) // (_THINKING + _USUAL_LENGTH)
        return fixed + waits + (varying * _FACTORS[-1] >> 10)

    def _length(self, seed: int, step: Step, exchange: int | None, planned: int) -> int:
        if self._phrases is None or exchange is None:
            return _OTHER_LENGTH
        by_visitor = not isinstance(step.verb, Say) or step.verb.by == VISITOR
        return self._phrases.length(seed, exchange, planned, by_visitor=by_visitor)

    def _counts(self, seed: int) -> list[int]:
        """How many pairs each block has: as many as the story's, with the spread of pauses, at least one."""
        return [
            max(1, (block.pairs * _FACTORS[derive(seed, "turns", position) % 256] + 512) >> 10)
            for position, block in enumerate(self._blocks)
        ]


def _bytes(seed: int, count: int) -> bytes:
    return shake_128(seed.to_bytes(8)).digest(count)


def _pauses(steps: Iterable[tuple[int, Step]]) -> Iterator[tuple[int, Step, int, int]]:
    """The steps, each with the part of the pause before it that the story fixes, and the part that varies."""
    waits = 0
    for number, step in steps:
        if _is_exact(step):
            yield number, step, waits + step.after, 0
        else:
            yield number, step, waits, step.after
        waits = step.verb.time if isinstance(step.verb, Wait) else 0


def _is_exact(step: Step) -> bool:
    """Whether the story fixes the pause before a step."""
    by_timeout = isinstance(step.verb, Close) and step.verb.by == TIMEOUT
    return by_timeout or isinstance(step.verb, Wait) or not 0 < step.after <= LONGEST


def _made_up(step: Step) -> bool:
    """Whether the step makes a message of the visitor or an agent with made-up text."""
    verb = step.verb
    if isinstance(verb, Say):
        return verb.text is None and not verb.attachments
    return isinstance(verb, OfflineMessage) and not verb.text


def _may_repeat(step: Step, by_visitor: bool) -> bool:
    verb = step.verb
    plain = step.name is None and step.expect is None and not step.faults
    return plain and isinstance(verb, Say) and _made_up(step) and (verb.by == VISITOR) is by_visitor


def _parts(steps: Sequence[tuple[int, Step]]) -> Iterator[tuple[int, Step] | _Series]:
    """The steps, with questions and answers that follow each other put together."""
    waiting = False
    position = 0
    while position < len(steps):
        end = position
        while not waiting and end + 1 < len(steps) and _is_pair(steps[end][1], steps[end + 1][1]):
            end += 2
        if end > position:
            yield _Series(tuple(steps[position:end]))
            position = end
            continue
        step = steps[position][1]
        if isinstance(step.verb, Say | OfflineMessage):
            waiting = _made_up(step) and (not isinstance(step.verb, Say) or step.verb.by == VISITOR)
        yield steps[position]
        position += 1


def _is_pair(first: Step, second: Step) -> bool:
    return _may_repeat(first, by_visitor=True) and _may_repeat(second, by_visitor=False)


def _told(steps: Iterable[tuple[int, Step]]) -> Iterator[tuple[int, Step, int | None, bool]]:
    """The steps as the talk goes (`vendorsim.conversation.talk.Talk`): the exchange that a step's made-up text belongs
    to, None for other text, and whether the step begins one."""
    asked, waiting = 0, False
    for number, step in steps:
        exchange, asks = None, False
        if isinstance(step.verb, Say | OfflineMessage):
            made_up = _made_up(step)
            by_visitor = not isinstance(step.verb, Say) or step.verb.by == VISITOR
            if made_up and by_visitor and not waiting:
                exchange, asks, asked, waiting = asked, True, asked + 1, True
            elif made_up and not by_visitor and waiting:
                exchange, waiting = asked - 1, False
            elif not made_up:
                waiting = False
        yield number, step, exchange, asks
