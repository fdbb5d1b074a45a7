"""All randomness comes from here: pure functions of the run's seed, never a shared generator."""

from __future__ import annotations

from hashlib import blake2b
from random import Random


def derive(seed: int, *parts: str | int) -> int:
    """A 64-bit number that depends on the seed and on every part, and on nothing else."""
    text = "\x1f".join((str(seed), *map(str, parts)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def generator(seed: int, *parts: str | int) -> Random:
    """A new random generator, seeded with `derive(seed, *parts)`."""
    return Random(derive(seed, *parts))


class Numbers:
    """Gives out ids of one kind of object: `base + index × stride + n`, where `index` is the conversation's number.

    No two conversations of a run share an id. If a conversation needs more than `stride` ids (because API calls
    continue it), the others come from a range far above.
    """

    __slots__ = ("base", "index", "next", "stride")

    _FAR = 2**42
    _FAR_STRIDE = 2**10

    def __init__(self, base: int, stride: int, index: int) -> None:
        self.base = base
        self.stride = stride
        self.index = index
        self.next = 0

    def take(self) -> int:
        """The next id."""
        n = self.next
        self.next = n + 1
        if n < self.stride:
            return self.base + self.index * self.stride + n
        beyond = n - self.stride
        lap, position = divmod(beyond, self._FAR_STRIDE)
        return self._FAR * (1 + lap) + self.index * self._FAR_STRIDE + position
