"""The pace of a conversation: whether its webhooks came as fast as their bodies tell. Pure.

A scenario that was played at full speed sends in a second what its bodies spread over hours. Then the times in the
bodies are those of the story.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec.structs import replace

from vendorsim.captures import times
from vendorsim.captures.sequence import CapturedEvent

# Bodies are ahead that tell of so much later than any before them (milliseconds), measured by when they came. One that
# is ahead may tell a date, such as the end of a snooze.
_AHEAD, _FEWEST = 1_500, 2


def paced(events: Sequence[CapturedEvent]) -> list[CapturedEvent]:
    """The events at the newest times in their bodies, if these mostly pass faster than the webhooks came; else as they
    are. No event is before the one above it."""
    told: list[int] = []
    for event in events:
        newest = times.newest(event.document)
        last = told[-1] if told else event.at
        told.append(last if newest is None else max(newest, last) if told else newest)
    ahead = advances = 0
    most = told[0] - events[0].at
    for (before, newest), event in zip(pairwise(told), events[1:], strict=True):
        advances += newest > before
        ahead += newest - event.at > most + _AHEAD
        most = max(most, newest - event.at)
    if ahead < _FEWEST or ahead * 2 <= advances:
        return list(events)
    return [replace(event, at=at) for event, at in zip(events, told, strict=True)]
