"""Orders in which the deliveries of one story can arrive: repeated, swapped, shuffled. Pure functions.

An order is a sequence of delivery numbers, from 0. A number that occurs twice is a repeated delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Any

Order = tuple[int, ...]
# (number of deliveries, numbers of the repeated ones) → order
Repetition = Callable[[int, Collection[int]], Order]


def later(count: int, again: Collection[int]) -> Order:
    """All deliveries, then the repeated ones, newest first: the oldest comes last."""
    return (*range(count), *sorted(again, reverse=True))


def all_twice(count: int, again: Collection[int]) -> Order:
    """All deliveries, then the repeated ones in their original order."""
    return (*range(count), *sorted(again))


def at_once(count: int, again: Collection[int]) -> Order:
    """Repeats each of the given deliveries immediately."""
    return tuple(number for number in range(count) for _ in range(2 if number in again else 1))


def tells_order(key: Any, later_key: Any) -> bool:
    """Whether the bodies show that the first delivery is older than the second. A key of None shows nothing."""
    return key is not None and later_key is not None and bool(key < later_key)


def swaps(keys: Sequence[Any]) -> list[int]:
    """Returns the deliveries that may be swapped with their successor: their bodies show the order."""
    return [number for number in range(len(keys) - 1) if tells_order(keys[number], keys[number + 1])]


def swapped(count: int, number: int) -> Order:
    """Swaps one delivery with the next one."""
    return (*range(number), number + 1, number, *range(number + 2, count))


def backwards(keys: Sequence[Any]) -> Order:
    """Reverses the order as far as the bodies show the true one."""
    return _extension(keys, lambda ready: ready[-1])


def shuffled(keys: Sequence[Any], random: Random) -> Order:
    """Shuffles the deliveries. Changes the order of two deliveries only if their bodies show the true one."""
    return _extension(keys, random.choice)


def _extension(keys: Sequence[Any], choose: Callable[[list[int]], int]) -> Order:
    """Builds an order: `choose` takes the next delivery from those that no earlier delivery must precede."""
    order: list[int] = []
    remaining = list(range(len(keys)))
    while remaining:
        ready = [
            number
            for number in remaining
            if all(tells_order(keys[earlier], keys[number]) for earlier in remaining if earlier < number)
        ]
        order.append(choose(ready))
        remaining.remove(order[-1])
    return tuple(order)
