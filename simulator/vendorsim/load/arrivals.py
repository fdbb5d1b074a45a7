"""When conversations arrive. Pure: the moments depend on the process, the seed and the conversation's number alone.

So every worker knows its own arrivals, and nobody has to tell it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from vendorsim.core.seeding import derive


class Curve(Protocol):
    """How many conversations are expected by when."""

    def when(self, expected: float) -> float:
        """The moment, in seconds from the start, by which so many are expected."""
        ...


@dataclass(frozen=True, slots=True)
class Steady:
    """The same rate (per second) all the time."""

    rate: float

    def when(self, expected: float) -> float:
        return expected / self.rate


@dataclass(frozen=True, slots=True)
class Ramp:
    """From one rate (per second) to another over so many seconds; it stays there."""

    first: float
    last: float
    over: float

    def when(self, expected: float) -> float:
        on_the_way = (self.first + self.last) / 2 * self.over
        if expected >= on_the_way:
            return self.over + (expected - on_the_way) / self.last
        # expected = first·t + steepness·t²/2, solved in the form that bears a steepness of zero.
        steepness = (self.last - self.first) / self.over
        root = math.sqrt(max(0.0, self.first**2 + 2 * steepness * expected))
        return 2 * expected / (self.first + root) if expected else 0.0


@dataclass(frozen=True, slots=True)
class Spikes:
    """A rate (per second), and a higher one in the last `lasting` seconds of each `every` seconds."""

    rate: float
    peak: float
    every: float
    lasting: float

    def when(self, expected: float) -> float:
        calm = self.every - self.lasting
        in_calm = self.rate * calm
        whole, rest = divmod(expected, in_calm + self.peak * self.lasting)
        within = rest / self.rate if rest < in_calm else calm + (rest - in_calm) / self.peak
        return whole * self.every + within


@dataclass(frozen=True, slots=True)
class Arrivals:
    """An arrival process: a curve, evenly spaced along it or (`random`) independent of each other, as callers are."""

    process: str
    curve: Curve
    random: bool = False

    def times(self, seed: int) -> Iterator[float]:
        """The seconds from the start at which conversations 0, 1, 2 … arrive. Without end, never falling."""
        expected = 0.0
        for index in count():
            if self.random:
                # What lies between two independent arrivals is exponentially distributed (a Poisson process).
                expected -= math.log((derive(seed, "arrival", index) + 1) / 2**64)
                yield self.curve.when(expected)
            else:
                yield self.curve.when(index)
