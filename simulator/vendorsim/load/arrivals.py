"""When conversations arrive. Pure: the times depend only on the process, the seed and the number of the conversation.

So every worker computes its own arrivals.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count
from typing import Protocol

from msgspec import Struct

from vendorsim.core.seeding import derive


class Curve(Protocol):
    """The expected number of arrived conversations as a function of time."""

    def when(self, expected: float) -> float:
        """Returns the time, in seconds from the start, at which `expected` conversations should have arrived."""
        ...


class Steady(Struct, frozen=True):
    """A constant rate (per second)."""

    rate: float

    def when(self, expected: float) -> float:
        return expected / self.rate


class Ramp(Struct, frozen=True):
    """A rate (per second) that changes linearly from `first` to `last` in `over` seconds, and then stays."""

    first: float
    last: float
    over: float

    def when(self, expected: float) -> float:
        during_ramp = (self.first + self.last) / 2 * self.over
        if expected >= during_ramp:
            return self.over + (expected - during_ramp) / self.last
        # expected = first·t + slope·t²/2, solved in the form that is also valid for a slope of zero.
        slope = (self.last - self.first) / self.over
        root = math.sqrt(max(0.0, self.first**2 + 2 * slope * expected))
        return 2 * expected / (self.first + root) if expected else 0.0


class Spikes(Struct, frozen=True):
    """A rate (per second), and a rate `peak` in the last `lasting` seconds of every `every` seconds."""

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


class Arrivals(Struct, frozen=True):
    """An arrival process: arrivals evenly spaced along a curve or, with `random`, independent of each other."""

    process: str
    curve: Curve
    random: bool = False

    def times(self, seed: int) -> Iterator[float]:
        """Yields the arrival times of conversations 0, 1, 2 … in seconds from the start. Endless, never decreasing."""
        expected = 0.0
        for index in count():
            if self.random:
                # The time between two independent arrivals is exponentially distributed (a Poisson process).
                expected -= math.log((derive(seed, "arrival", index) + 1) / 2**64)
                yield self.curve.when(expected)
            else:
                yield self.curve.when(index)
