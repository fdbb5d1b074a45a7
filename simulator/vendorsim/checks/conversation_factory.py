"""Creates conversations of the same story that differ in their generated ids only. A pure function of the seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from vendorsim.checks.stories import Stories
from vendorsim.conversation.casting import Opening
from vendorsim.core.event import Event
from vendorsim.runs.captured import CapturedStory
from vendorsim.runs.timeline import LiveConversation, iter_events
from vendorsim.scenario.model import Cast, Scenario
from vendorsim.scenario.verbs import Authenticate, ExpectCall, Probe

FEWEST, MOST = 3, 5
MOST_EVENTS, MOST_STEPS = 13, 15
# A user who gives a capture asks for longer stories.
MOST_CAPTURED = 40
# All stories get this title: it seeds the ids, so their conversations share one range and no two have the same id.
_TITLE = "A story that is told again"
# The indexes of these conversations are far from those of the other checks. Each run takes its own range, since the
# integration may remember earlier runs. The vendors' ids stay below 2^31.
_FIRST, _RANGES, _RANGE = 2**23, 2**13, 2**9


class StoryConversation(Struct, frozen=True):
    """One complete conversation of a story. `keys` holds the order key of each body (`Profile.order_key`), or None.
    It began `age` milliseconds before those of other checks.
    """

    events: tuple[Event, ...]
    conversation_id: str
    identifier: str | None
    bodies: tuple[Any, ...]
    keys: tuple[Any, ...]
    age: int = 0


class ConversationFactory:
    """Creates conversations for one run of checks. `subscribes` says whether the target receives an event."""

    def __init__(self, stories: Stories, subscribes: Callable[[str], bool]) -> None:
        self._stories = stories
        self._subscribes = subscribes
        self._next = _FIRST + stories.slot % _RANGES * _RANGE

    def choose_stories(self) -> dict[str, Scenario]:
        """Returns a few short stories, by title, that together contain as many of the vendor's events as possible."""
        candidates: dict[str, tuple[Scenario, list[str]]] = {}
        if self._stories.captured:
            return self._choose_captured()
        for scenario in self._stories.scenarios():
            calls = any(isinstance(step.verb, Authenticate | ExpectCall | Probe) for step in scenario.steps)
            if not calls and len(scenario.steps) <= MOST_STEPS:
                story = _with_new_visitor(scenario)
                names = [event.name for event in self.create(story, 0).events]
                if 0 < len(names) <= MOST_EVENTS:
                    candidates.setdefault(scenario.title, (story, names))
        return _covering(candidates)

    def _choose_captured(self) -> dict[str, Scenario]:
        """Returns those captured conversations that are short enough to be told again and again."""
        candidates: dict[str, tuple[Scenario, list[str]]] = {}
        for story in self._stories.captured:
            names = [event.event for event in story.events if self._subscribes(event.event)]
            if 0 < len(names) <= MOST_CAPTURED:
                candidates[story.title] = story, names
        return _covering(candidates)

    def create(self, story: Scenario, index: int | None = None, age: int = 0) -> StoryConversation:
        """Creates a conversation of the story. All of them have the same people and texts, and those of the same `age`
        (milliseconds) the same times.

        `index` defaults to the next unused one.
        """
        live = self.open(story, index, age)
        return self.describe(live, list(iter_events(live)), age)

    def describe(self, live: LiveConversation, events: Sequence[Event], age: int = 0) -> StoryConversation:
        """Returns a conversation with those of its events that the target gets."""
        events = [event for event in events if self._subscribes(event.name)]
        bodies = tuple(orjson.loads(event.body) for event in events)
        key = live.run.profile.order_key
        keys = tuple(_order(key, event, body) if key else None for event, body in zip(events, bodies, strict=True))
        return StoryConversation(tuple(events), str(live.id), live.state.visitor.identifier, bodies, keys, age)

    def open(self, story: Scenario, index: int | None = None, age: int = 0) -> LiveConversation:
        """Creates a conversation of the story before its first step."""
        if index is None:
            index = self._next
            self._next += 1
        stories = self._stories
        if isinstance(story, CapturedStory):
            return stories.retold(story, index, age)
        run = stories.run(story, age)
        run.casting.first_person -= index
        # Many integrations identify people by their email address or identifier, so each conversation has its own.
        own = {"email": f"visitor-{index}@example.com", "identifier": f"customer-{index}"}
        given = {name: value for name, value in own.items() if story.cast.visitor.get(name, "") is not None}
        opening = Opening({**given, "known": False}, seed=run.seed)
        return run.opened(index, run.starts, opening)


def _order(key: Callable[[str, Any], Any], event: Event, body: Any) -> Any:
    """The order key of a body. A captured body may lack what the vendor's contract promises."""
    try:
        return key(event.name, body)
    except (LookupError, TypeError, ValueError):
        return None


def _with_new_visitor(scenario: Scenario) -> Scenario:
    """Returns the story without the visitor's identifier, so that each conversation has its own."""
    given = scenario.cast.visitor
    visitor = {key: value for key, value in given.items() if key != "identifier" or value is None}
    return replace(scenario, title=_TITLE, cast=Cast(visitor, scenario.cast.agents))


def _covering(candidates: Mapping[str, tuple[Scenario, list[str]]]) -> dict[str, Scenario]:
    """Selects stories greedily: by the number of events not covered yet, then of distinct events, then by length."""
    chosen: dict[str, Scenario] = {}
    remaining = dict(candidates)
    covered: set[str] = set()
    while remaining and len(chosen) < MOST:
        title = max(remaining, key=lambda title: _worth(remaining[title][1], covered))
        story, names = remaining.pop(title)
        if len(chosen) >= FEWEST and covered.issuperset(names):
            break
        chosen[title] = story
        covered.update(names)
    return chosen


def _worth(names: Sequence[str], covered: set[str]) -> tuple[int, int, int]:
    return len(set(names) - covered), len(set(names)), len(names)
