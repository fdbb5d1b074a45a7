"""`isolated.foreign`: the state of a conversation holds nothing that only another conversation's bodies had."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import orjson

from vendorsim.checks.causes import APART
from vendorsim.checks.context import Context, gather_bounded
from vendorsim.checks.effects import count_marks, tell_all
from vendorsim.checks.forms import texts
from vendorsim.checks.model import NotJudged
from vendorsim.checks.probes import NO_PROBE, States
from vendorsim.checks.registry import check
from vendorsim.core.event import Event
from vendorsim.core.nesting import strings
from vendorsim.core.provenance import ASSUMED, Stated

# Different stories that are told at the same time, at most.
STORIES = 3
MOST_STEPS = 15
# Shorter texts may stand in any state.
SHORTEST = 8

_APART = Stated(
    "What belongs to one conversation shows in no other.",
    ASSUMED,
    "the vendor's bodies name their conversation; several go on at the same time",
)


@check("isolated.foreign", _APART, "Keep everything by the conversation's id, and show only what belongs to it.")
async def foreign(context: Context) -> None:
    """Tells different stories at the same time, and one story twice; looks in each state for what only others said."""
    settings = context.settings
    if settings.probe is None:
        raise NotJudged(NO_PROBE)
    told = [story for story in _stories(context) if story]
    if len(told) < 2:
        raise NotJudged("there are no two stories to tell at the same time")
    for events in zip_longest(*told):
        await context.side_by_side([context.send(event) for event in events if event is not None])
    own = [_said(context, story) for story in told]
    known = await _of_one_story(context, settings.probe)
    conversations = [str(story[0].conversation) for story in told]
    states = await _settled(settings.probe, [(conversation, None) for conversation in conversations])
    for number, (conversation, state) in enumerate(zip(conversations, states, strict=True)):
        if state is None:
            continue
        known += 1
        context.case()
        shown = set(strings(state))
        others = set().union(*(said for other, said in enumerate(own) if other != number)) - own[number]
        found = sorted(text for text in others if text in shown)
        if found:
            _fail(context, conversation, found)
    if not known:
        raise NotJudged("the probe knows nothing of a conversation that was told")


async def _of_one_story(context: Context, probe: States) -> int:
    """Tells the beginning of one story in two conversations, with texts that occur nowhere else: they have the same
    account and inbox. Returns how many of them the probe knows."""
    # First the event that is about a message itself: its text stands next to the top.
    for event in sorted(context.events(), key=lambda event: _distance(context, event)):
        told = [one for _ in range(2) for one in await tell_all(context, [(event, None)])]
        if told:
            break
    if len(told) < 2:
        return 0
    first, second = told
    known = 0
    both = [(str(each.sample.event.conversation), each.sample.identifier) for each in (first, second)]
    for (conversation, _), state, other in zip(both, await _settled(probe, both), (second, first), strict=True):
        if state is None:
            continue
        known += 1
        context.case()
        if count_marks(state, other.marker):
            _fail(context, conversation, [other.marker])
    return known


def _distance(context: Context, event: str) -> tuple[int, int]:
    """Returns how far the text of an event stands from the top of its body, and how many events come before it."""
    sample = context.sample(event)
    paths = texts(sample.document, context.schema(event), context.settings.profile.message_fields)
    return min(map(len, paths[:1]), default=sys.maxsize), len(sample.lead)


async def _settled(probe: States, asked: Sequence[tuple[str, str | None]]) -> list[Any]:
    """Returns the settled state of each conversation, which is given with its visitor's identifier."""
    states: dict[str, Any] = {}

    async def read(conversation: str, identifier: str | None) -> None:
        states[conversation] = await probe.settled(conversation, identifier)

    await gather_bounded([read(*each) for each in asked], at_once=len(asked))
    return [states[conversation] for conversation, _ in asked]


def _fail(context: Context, conversation: str, found: list[str]) -> None:
    context.fail(
        None,
        f"the state of conversation {conversation} holds what only another conversation's bodies had: "
        f"{', '.join(map(repr, found[:3]))}" + (f" and {len(found) - 3} more" if len(found) > 3 else ""),
        expected="only what belongs to the conversation",
        found="what belongs to another one",
        cause=("foreign",),
        causes=APART,
    )


def _stories(context: Context) -> Iterator[list[Event]]:
    """Yields the events of different stories that the target receives, the shorter stories first."""
    settings = context.settings
    scenarios = sorted(settings.stories.scenarios(), key=lambda scenario: len(scenario.steps))
    target, profile = settings.destination.target, settings.profile
    chosen = 0
    for scenario in scenarios:
        events = [event for event in settings.stories.play(scenario) if target.gets(event.name, profile)]
        if chosen < STORIES and _said(context, events):
            chosen += 1
            yield events


def _said(context: Context, events: list[Event]) -> set[str]:
    """Returns the texts of a story's messages."""
    names = context.settings.profile.message_fields
    return {text for event in events for text in _named(orjson.loads(event.body), names) if len(text) >= SHORTEST}


def _named(document: Any, names: frozenset[str]) -> Iterator[str]:
    """Yields the texts of fields with one of these names."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in names and isinstance(value, str):
                yield value
            else:
                yield from _named(value, names)
    elif isinstance(document, list):
        for item in document:
            yield from _named(item, names)
