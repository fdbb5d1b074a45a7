"""When the deliveries of a story arrive if its vendor reaches nobody for a while, and retries. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from vendorsim.checks.orders import Order, tells_order

# The length of a long outage, in milliseconds; shorter ones end where the next event of the story happens.
LONGEST = 3_600_000


class LateArrivals(NamedTuple):
    """The order in which the deliveries arrive. `late` is how much after its event the last one comes, `length` how
    long the outage lasts (milliseconds)."""

    order: Order
    late: int
    length: int


def arrivals(times: Sequence[int], pauses: Sequence[int], begins: int, ends: int) -> LateArrivals | None:
    """Returns how deliveries of these times (milliseconds) arrive around an outage from `begins` up to `ends`.

    `pauses` are those between the attempts. None if the vendor gives one up.
    """
    arrived: list[tuple[int, int]] = []
    for number, at in enumerate(times):
        attempts = accumulate(pauses, initial=at)
        reached = next((attempt for attempt in attempts if not begins <= attempt < ends), None)
        if reached is None:
            return None
        arrived.append((reached, number))
    arrived.sort()
    late = max(at - times[number] for at, number in arrived)
    return LateArrivals(tuple(number for _, number in arrived), late, ends - begins)


def outages(
    times: Sequence[int], keys: Sequence[Any], pauses: Sequence[int], *, ordered: bool
) -> Iterator[LateArrivals]:
    """Yields how a story may arrive: first after a long outage of all of it, then after short ones of a part of it.

    Each order comes once. Deliveries change their order only if their bodies show the true one (`keys`), and with
    `ordered` never. Without retries there is nothing.
    """
    if not times or not pauses:
        return
    long = min(LONGEST, sum(pauses))
    seen: set[Order] = set()
    for begins, ends in ((times[0], times[0] + long), *_short(times)):
        found = arrivals(times, pauses, begins, ends)
        if found is None or not found.late:
            continue
        if ordered:
            found = found._replace(order=tuple(range(len(times))))
        if found.order not in seen and _is_told(found.order, keys):
            seen.add(found.order)
            yield found


def _short(times: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yields outages that end before the story does: of its first half, and of each of its moments."""
    moments = sorted(set(times))
    if len(moments) > 1:
        yield moments[0], moments[len(moments) // 2]
    yield from pairwise(moments)


def _is_told(order: Order, keys: Sequence[Any]) -> bool:
    """Whether the bodies show that deliveries which come the other way round are in the wrong order."""
    return all(
        tells_order(keys[later], keys[earlier])
        for place, earlier in enumerate(order)
        for later in order[place + 1 :]
        if later < earlier
    )
