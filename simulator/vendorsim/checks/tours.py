"""Tries many changed events in few conversations.

An event that comes late in its story takes all events before it to be tried. So events on the way are tried, too,
instead of being sent as they are: a conversation of five events tries five changes. Each is still the first event of
its name in its conversation, after the same events as if it were tried alone. What is refused after another change is
tried again in a conversation that is plain up to there, and that counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any

from msgspec import Struct

from vendorsim.checks.context import Context, Exchange
from vendorsim.checks.stories import Sample
from vendorsim.core.event import Event

Sending = Coroutine[Any, Any, Exchange]


class ChangedEvent(Struct, frozen=True):
    """A changed event to try.

    `send` returns what sends a sample's event with the change, or None if that event can't be changed so. `judge` is
    told the exchange that counts. `decides` says that an integration may treat the conversation in another way because
    of the change, as after one that closes it: nothing follows in that conversation.
    """

    event: str
    send: Callable[[Sample], Sending | None]
    judge: Callable[[Sample, Exchange], Awaitable[None]]
    decides: bool = False


Tour = dict[int, ChangedEvent]
"""The attempts to make in one conversation, each by the number of its event in the story that leads to the last one."""


async def try_all(context: Context, attempts: Iterable[ChangedEvent]) -> None:
    """Makes all attempts, several conversations side by side."""
    before = {event: context.settings.stories.names_before(event) for event in context.events()}
    await context.side_by_side([_tell(context, tour) for tour in plan(attempts, before)])


async def try_alone(context: Context, attempt: ChangedEvent) -> None:
    """Makes an attempt in a conversation of its own."""
    await _tell(context, {len(context.settings.stories.names_before(attempt.event)): attempt})


def plan(attempts: Iterable[ChangedEvent], before: Mapping[str, tuple[str, ...]]) -> list[Tour]:
    """Returns tours that together make all attempts. `before` are the names of the events before each event."""
    deciding: dict[str, deque[ChangedEvent]] = {event: deque() for event in before}
    others: dict[str, deque[ChangedEvent]] = {event: deque() for event in before}
    for attempt in attempts:
        (deciding if attempt.decides else others)[attempt.event].append(attempt)
    tours: list[Tour] = []
    # The farthest first: on the way to them most others can be made.
    for goal in sorted(before, key=lambda event: -len(before[event])):
        way = before[goal]
        while left := deciding[goal] or others[goal]:
            last = left.popleft()
            fitting = [number for number, name in enumerate(way) if before.get(name) == way[:number] and others[name]]
            tours.append({**{number: others[way[number]].popleft() for number in fitting}, len(way): last})
    return tours


async def _tell(context: Context, tour: Tour) -> None:
    """Makes the attempts of a tour, in further conversations those that are left when one ends before."""
    left = tour
    while left:
        left = await _tell_once(context, left)


async def _tell_once(context: Context, tour: Tour) -> Tour:
    """Tells a new conversation with the attempts of a tour. It ends with the first refusal; one after a change counts
    for nothing. Returns the attempts that are left."""
    goal = max(tour)
    whole = context.sample(tour[goal].event)
    left = dict(tour)
    changed = False
    for number, event in enumerate((*whole.lead, whole.event)):
        attempt = left.pop(number, None)
        if attempt is None:
            if not await _accepts_plain(context, event) and changed:
                break
            continue
        sample = whole if number == goal else whole.earlier(number)
        sending = attempt.send(sample)
        if sending is None:
            if number != goal:  # Its own story may tell it in another way.
                await try_alone(context, attempt)
                await _accepts_plain(context, event)
            continue
        exchange = await sending
        accepted = context.accepted(exchange)
        if changed and not accepted:
            left[number] = attempt
            break
        await attempt.judge(sample, exchange)
        if not accepted:
            break
        changed = True
    return left


async def _accepts_plain(context: Context, event: Event) -> bool:
    """Sends an event as it is, if the target gets it. Returns whether it is accepted, as far as it usually is."""
    if not context.gets(event.name) or context.accepted(await context.send(event)):
        return True
    return context.plain_outcomes.get(event.name) is not None
