"""Stories that can be told again and again, alike in everything but the generated ids. A pure function of the seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from vendorsim.checks.stories import Stories
from vendorsim.conversation.casting import Opening
from vendorsim.core.event import Event
from vendorsim.runs.timeline import Run, iter_events
from vendorsim.scenario.model import Cast, Scenario
from vendorsim.scenario.verbs import Authenticate, Probe

FEWEST, MOST = 3, 4
MOST_EVENTS, MOST_STEPS = 13, 15
# One title for all stories, so that their conversations share one range of ids and never meet.
_TITLE = "A story that is told again"
# Indexes of these conversations: far from those of the other checks, and a range of its own for each second, so that an
# integration that remembers earlier runs has not met them. With them, the vendors' ids stay below 2^31.
_FIRST, _RANGES, _RANGE = 2**23, 2**13, 2**9


@dataclass(frozen=True, slots=True)
class Telling:
    """One conversation of a story, up to its end. `keys` says how new each body is (`Profile.order_key`)."""

    events: tuple[Event, ...]
    conversation_id: str
    identifier: str | None
    bodies: tuple[Any, ...] = field(repr=False)
    keys: tuple[Any, ...] = field(repr=False)


class Teller:
    """Tells the stories of one run of checks; `gets` says whether the target subscribes to an event."""

    def __init__(self, stories: Stories, gets: Callable[[str], bool]) -> None:
        self._stories = stories
        self._gets = gets
        self._next = _FIRST + stories.slot % _RANGES * _RANGE

    def chosen(self) -> list[Scenario]:
        """A few stories of moderate length, that together hold as many of the vendor's events as they can."""
        candidates: list[tuple[Scenario, list[str]]] = []
        for scenario in self._stories.scenarios():
            calls = any(isinstance(step.verb, Authenticate | Probe) for step in scenario.steps)
            if not calls and len(scenario.steps) <= MOST_STEPS:
                story = _anybody(scenario)
                names = [event.name for event in self.tell(story, 0).events]
                if 0 < len(names) <= MOST_EVENTS:
                    candidates.append((story, names))
        return _covering(candidates)

    def tell(self, story: Scenario, index: int | None = None) -> Telling:
        """A new conversation of the story. Its people, words and times are those of all others."""
        if index is None:
            index = self._next
            self._next += 1
        stories = self._stories
        run = Run(story, stories.vendor, stories.profile, stories.seed, stories.starts, 0)
        run.casting.first_person -= index
        # Many integrations know people by their address.
        has_none = story.cast.visitor.get("email", "") is None
        opening = Opening({} if has_none else {"email": f"visitor-{index}@example.com"}, seed=run.seed)
        live = run.opened(index, run.starts, opening)
        events = [event for event in iter_events(live) if self._gets(event.name)]
        bodies = tuple(orjson.loads(event.body) for event in events)
        key = run.profile.order_key
        keys = tuple(key(event.name, body) if key else None for event, body in zip(events, bodies, strict=True))
        return Telling(tuple(events), str(live.id), live.state.visitor.identifier, bodies, keys)


def _anybody(scenario: Scenario) -> Scenario:
    """The story of a visitor who is new: not even his customer number is that of another conversation."""
    given = scenario.cast.visitor
    visitor = {key: value for key, value in given.items() if key != "identifier" or value is None}
    return replace(scenario, title=_TITLE, cast=Cast(visitor, scenario.cast.agents))


def _covering(candidates: Sequence[tuple[Scenario, list[str]]]) -> list[Scenario]:
    """Each time the story with the most events that none before it has; of equals the richest, then the longest."""
    chosen: list[Scenario] = []
    left = list(candidates)
    covered: set[str] = set()
    while left and len(chosen) < MOST:
        best = max(left, key=lambda entry: (len(set(entry[1]) - covered), len(set(entry[1])), len(entry[1])))
        if len(chosen) >= FEWEST and covered.issuperset(best[1]):
            break
        left.remove(best)
        chosen.append(best[0])
        covered.update(best[1])
    return chosen
