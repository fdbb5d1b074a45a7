"""Measurements of a load run, in bounded memory. Merging is lossless: merged parts equal a measurement of the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from msgspec import Struct, field

_MODULUS = 2**256
# The width of a bucket is less than 1/128 of its values, so a percentile is at most 0.8 % too high.
_BITS = 7
_LINEAR = 1 << (_BITS + 1)
# The histograms of time slots are coarser: a quarter of the memory, percentiles at most 3.2 % too high.
_COARSE = 2


def bucket(value: int) -> int:
    """Returns the number of the bucket of a value (not negative)."""
    if value < _LINEAR:
        return value
    shift = value.bit_length() - _BITS - 1
    return (shift << _BITS) + (value >> shift)


def highest(number: int) -> int:
    """Returns the highest value of a bucket."""
    if number < _LINEAR:
        return number
    shift = (number >> _BITS) - 1
    return (((number & (1 << _BITS) - 1) + (1 << _BITS) + 1) << shift) - 1


class Histogram(Struct):
    """Durations in whole microseconds, in buckets whose width grows with the value.

    `coarse` is how often pairs of adjacent buckets are joined. Each time halves their number and the precision.
    """

    count: int = 0
    total: int = 0
    longest: int = 0
    buckets: Counter[int] = field(default_factory=Counter)
    coarse: int = 0

    def add(self, microseconds: int) -> None:
        value = microseconds if microseconds > 0 else 0
        self.count += 1
        self.total += value
        if value > self.longest:
            self.longest = value
        self.buckets[bucket(value) >> self.coarse] += 1

    def merge(self, other: Histogram) -> None:
        """Adds the values of `other`, which must have the same `coarse`."""
        self.count += other.count
        self.total += other.total
        self.longest = max(self.longest, other.longest)
        self.buckets.update(other.buckets)

    def percentile(self, share: float) -> int | None:
        """Returns the value in microseconds that a share (0 to 1) of all values doesn't exceed. None without values."""
        if not self.count:
            return None
        wanted, seen = max(1, -(-self.count * share // 1)), 0
        for number in sorted(self.buckets):
            seen += self.buckets[number]
            if seen >= wanted:
                break
        return min(highest((number + 1 << self.coarse) - 1), self.longest)

    def figures(self) -> dict[str, float | None]:
        """Returns mean, percentiles and maximum, in milliseconds."""
        found: dict[str, float | None] = {"mean": self.total / self.count / 1000 if self.count else None}
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
            value = self.percentile(share)
            found[name] = None if value is None else value / 1000
        found["max"] = self.longest / 1000 if self.count else None
        return {name: None if value is None else round(value, 3) for name, value in found.items()}

    def packed(self) -> list[Any]:
        return [self.total, self.longest, [[number, count] for number, count in sorted(self.buckets.items())]]

    @classmethod
    def unpacked(cls, packed: list[Any], coarse: int = 0) -> Histogram:
        total, longest, buckets = packed
        found: Counter[int] = Counter(dict(buckets))
        return cls(found.total(), total, longest, found, coarse)


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """Merges histograms into a new one."""
    whole = Histogram()
    for histogram in histograms:
        whole.merge(histogram)
    return whole


class Digest(Struct):
    """A digest of a multiset of bodies, in any order: their number, and the sum of their SHA-256 modulo 2^256."""

    count: int = 0
    total: int = 0

    def add(self, body: bytes) -> None:
        self.count += 1
        self.total = (self.total + int.from_bytes(sha256(body).digest(), "big")) % _MODULUS

    def merge(self, other: Digest) -> None:
        self.count += other.count
        self.total = (self.total + other.total) % _MODULUS

    def document(self) -> dict[str, Any]:
        return {"count": self.count, "sha256_sum": f"{self.total:064x}"}

    @classmethod
    def read(cls, document: dict[str, Any]) -> Digest:
        return cls(document["count"], int(document["sha256_sum"], 16))


class Slot(Struct):
    """The measurements of one time slot."""

    arrived: int = 0
    shed: int = 0
    answered: int = 0
    failed: int = 0
    latency: Histogram = field(default_factory=lambda: Histogram(coarse=_COARSE))

    def merge(self, other: Slot) -> None:
        self.arrived += other.arrived
        self.shed += other.shed
        self.answered += other.answered
        self.failed += other.failed
        self.latency.merge(other.latency)

    def packed(self) -> list[Any]:
        return [self.arrived, self.shed, self.answered, self.failed, self.latency.packed()]

    @classmethod
    def unpacked(cls, packed: list[Any]) -> Slot:
        arrived, shed, answered, failed, latency = packed
        return cls(arrived, shed, answered, failed, Histogram.unpacked(latency, _COARSE))


MOST_SLOTS = 600


class Series(Struct):
    """Time slots of `width` seconds, from the start on. The width doubles when there are more than MOST_SLOTS."""

    width: int = 1
    slots: list[Slot] = field(default_factory=list)

    def at(self, seconds: float) -> Slot:
        """Returns the slot of a time, in seconds from the start."""
        while (number := int(max(0.0, seconds)) // self.width) >= MOST_SLOTS:
            self._widen()
        while len(self.slots) <= number:
            self.slots.append(Slot())
        return self.slots[number]

    def _widen(self) -> None:
        self.width *= 2
        pairs = [self.slots[number : number + 2] for number in range(0, len(self.slots), 2)]
        for first, *second in pairs:
            for slot in second:
                first.merge(slot)
        self.slots = [pair[0] for pair in pairs]

    def merge(self, other: Series) -> None:
        """Adds the slots of `other`, which must not be used afterwards."""
        while self.width < other.width:
            self._widen()
        while other.width < self.width:
            other._widen()
        for number, slot in enumerate(other.slots):
            self.at(number * self.width).merge(slot)

    def packed(self) -> list[Any]:
        return [self.width, [slot.packed() for slot in self.slots]]

    @classmethod
    def unpacked(cls, packed: list[Any]) -> Series:
        return cls(packed[0], [Slot.unpacked(slot) for slot in packed[1]])
