"""Carries out the steps of a story as a vendor, without a run: which events would it send? Pure.

A rehearsal can be copied, so that several next steps can be tried at the same point of a story.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import fields, is_dataclass
from functools import cache
from inspect import get_annotations
from typing import Any, NamedTuple

import orjson
from msgspec import Struct
from msgspec.structs import replace

from vendorsim.conversation.casting import Casting, Opening
from vendorsim.conversation.reducer import apply, identify
from vendorsim.conversation.state import Agent, Conversation, StepError
from vendorsim.core.seeding import Numbers
from vendorsim.scenario.model import Scenario
from vendorsim.scenario.verbs import Authenticate, Verb
from vendorsim.vendorkit.profile import Draft, Profile, Quirk

_UNCHANGING = frozenset({str, int, float, bool, type(None), bytes})
_NAMES_OF_UNCHANGING = frozenset({"str", "int", "float", "bool", "None", "NoneType", "bytes"})
# A step sets the time, and all conversations have a function of their own for the first agent.
_NOT_COMPARED = frozenset({"now", "default_agent", "message_ids"})


class Sent(NamedTuple):
    """An event that a step causes: its name, and its body as a JSON document."""

    event: str
    body: Any


class Rehearsal:
    """One conversation that is carried out step by step, and the memory of its vendor."""

    __slots__ = ("_held", "id", "memory", "profile", "state")

    def __init__(self, profile: Profile, state: Conversation) -> None:
        self.profile = profile
        self.state = state
        self.memory: Any = profile.memory()
        self.id = profile.conversation_id(state)
        self._held: list[Draft] = []

    def step(self, verb: Verb, at: int, name: str | None = None, quirk: Quirk | None = None) -> list[Sent]:
        """Carries out one step at a time (milliseconds since 1970), and returns the events it causes; with a `quirk`,
        those of a vendor that misbehaves so.

        Raises StepError if the step is impossible now, or if the vendor prevents it.
        """
        return self.made(self.drafts(verb, at, name, quirk))

    def drafts(self, verb: Verb, at: int, name: str | None = None, quirk: Quirk | None = None) -> list[Draft]:
        """Carries out one step as `step` does, and leaves the bodies to `made`: most tries fail by the names of the
        events, and bodies take most of the time."""
        profile, state = self.profile, self.state
        if profile.prevents is not None:
            reason = profile.prevents(verb, state, self.memory, at)
            if reason is not None:
                raise StepError(reason)
        drafts: list[Draft] = []
        for change in apply(state, verb, at, name):
            reaction = profile.reactions.get(type(change))
            if reaction is not None:
                drafts.extend(reaction(change, state, self.memory))
        if isinstance(verb, Authenticate) and state.identifier is not None:
            identify(state, {"identifier": state.identifier})
        if quirk is not None:
            drafts = quirk.bend(drafts, state, self.memory)
        if drafts or self._held:
            held, self._held = self._held, [draft for draft in drafts if draft.held]
            drafts = [*held, *(draft for draft in drafts if not draft.held)]
        return drafts

    def finish(self) -> list[Sent]:
        """The events that were held for a next step."""
        held, self._held = self._held, []
        return self.made(held)

    def made(self, drafts: Iterable[Draft]) -> list[Sent]:
        """The events of drafts, as long as no other step was carried out."""
        bodies = [(draft.event, draft.body() if callable(draft.body) else draft.body) for draft in drafts]
        return [Sent(event, orjson.loads(self.profile.encode(body))) for event, body in bodies]

    def copied(self) -> Rehearsal:
        """The same point of the story, which goes on by itself."""
        made = Rehearsal.__new__(Rehearsal)
        made.profile, made.id = self.profile, self.id
        # People and accounts never change; the state and the memory share messages and the visitor.
        shared = (self.state.pool, self.state.account, self.state.visitor.person, *self.state.agents.values())
        memo: dict[int, Any] = {id(each): each for each in shared}
        made.state = _copied(self.state, memo)
        made.memory = _copied(self.memory, memo)
        made._held = self._held.copy()
        agents = made.state.agents
        made.state.default_agent = lambda: _first(agents)
        return made

    def is_where(self, other: Rehearsal) -> bool:
        """Whether a next step would do the same in both, which were copied from each other."""
        mine, theirs = self.state, other.state
        return (
            self.memory == other.memory
            and self._held == other._held
            and mine.message_ids.next == theirs.message_ids.next
            and all(
                getattr(mine, name) == getattr(theirs, name)
                for name in mine.__struct_fields__
                if name not in _NOT_COMPARED
            )
        )


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    """A copy of a state: of its lists, mappings and objects, as far as they can change. `copy.deepcopy` takes twelve
    times as long."""
    kind: Any = type(value)
    if kind in _UNCHANGING:
        return value
    key = id(value)
    if key in memo:
        return memo[key]
    made: Any
    if kind is list:
        made = memo[key] = []
        made.extend([item if type(item) in _UNCHANGING else _copied(item, memo) for item in value])
    elif kind is dict:
        made = memo[key] = value.copy()
        for name, item in value.items():
            if type(item) not in _UNCHANGING:
                made[name] = _copied(item, memo)
    elif kind is tuple or kind is set:
        made = memo[key] = kind([_copied(item, memo) for item in value])
    else:
        names = _changing(kind)
        if names is None:
            return value
        made = memo[key] = copy(value)
        for name in names:
            item = getattr(value, name)
            if type(item) not in _UNCHANGING:
                setattr(made, name, _copied(item, memo))
    return made


@cache
def _changing(kind: Any) -> tuple[str, ...] | None:
    """The fields of a class whose objects may change, without those of texts and numbers; None for one whose objects
    never do."""
    if kind is Numbers:
        return ()
    if issubclass(kind, Struct):
        names: tuple[str, ...] | None = None if kind.__struct_config__.frozen else kind.__struct_fields__
    # The memory of a vendor of another package may be a dataclass.
    elif not is_dataclass(kind) or getattr(kind, "__dataclass_params__").frozen:  # noqa: B009 - typeshed lacks it
        names = None
    else:
        names = tuple(each.name for each in fields(kind))
    if names is None:
        return None
    plain = {name for each in kind.__mro__ for name, told in get_annotations(each).items() if _is_of_unchanging(told)}
    return tuple(name for name in names if name not in plain)


def _is_of_unchanging(annotation: Any) -> bool:
    told = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return set(re.findall(r"\w+", told)) <= _NAMES_OF_UNCHANGING


def _first(agents: Mapping[str, Agent]) -> Agent:
    return next(iter(agents.values()))


def rehearsal(
    profile: Profile, scenario: Scenario, starts: int, index: int = 0, *, same_people: bool = False, seed: int = 0
) -> Rehearsal:
    """The beginning of conversation `index` of a scenario, which starts at `starts` (milliseconds since 1970). With
    `same_people`, all conversations are those of the same people, and differ in their ids only."""
    anonymous = any(isinstance(step.verb, Authenticate) for step in scenario.steps)
    casting = Casting(scenario, seed, None, anonymous)
    if not same_people:
        return Rehearsal(profile, casting.conversation(index, starts))
    casting.first_person -= index
    opening = Opening(seed=seed)
    state = casting.conversation(index, starts, opening)
    return Rehearsal(profile, replace(state))
