"""The orders in which the deliveries of one story can come: repeated, swapped, shuffled. Pure functions.

An order is the numbers of the deliveries as they go out; a number that comes twice is a delivery that is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Any

Order = tuple[int, ...]
# (how many deliveries, which ones are repeated) → the order
Repetition = Callable[[int, Collection[int]], Order]


def later(count: int, again: Collection[int]) -> Order:
    """All, and then those once more, the newest first: so that the oldest news comes last."""
    return (*range(count), *sorted(again, reverse=True))


def all_twice(count: int, again: Collection[int]) -> Order:
    """All, and then those once more, as they came first."""
    return (*range(count), *sorted(again))


def at_once(count: int, again: Collection[int]) -> Order:
    """Those twice, one right after the other."""
    return tuple(number for number in range(count) for _ in range(2 if number in again else 1))


def tells_order(key: Any, later_key: Any) -> bool:
    """Whether a receiver can tell by their bodies that the one came before the other. None: it says nothing."""
    return key is not None and later_key is not None and bool(key < later_key)


def swaps(keys: Sequence[Any]) -> list[int]:
    """The deliveries that may be overtaken by the one right after them."""
    return [number for number in range(len(keys) - 1) if tells_order(keys[number], keys[number + 1])]


def swapped(count: int, number: int) -> Order:
    """One delivery is overtaken by the next one."""
    return (*range(number), number + 1, number, *range(number + 2, count))


def backwards(keys: Sequence[Any]) -> Order:
    """As far from the true order as the bodies allow."""
    return _extension(keys, lambda ready: ready[-1])


def shuffled(keys: Sequence[Any], random: Random) -> Order:
    """Any order in which only such deliveries overtake each other as tell which came first."""
    return _extension(keys, random.choice)


def _extension(keys: Sequence[Any], choose: Callable[[list[int]], int]) -> Order:
    """Puts one delivery after the other; each waits for those before it that it may not overtake."""
    order: list[int] = []
    left = list(range(len(keys)))
    while left:
        ready = [
            number
            for number in left
            if all(tells_order(keys[before], keys[number]) for before in left if before < number)
        ]
        order.append(choose(ready))
        left.remove(order[-1])
    return tuple(order)
