"""Scenario × vendor × profile × seed × start → the events of any conversation of the run. Pure.

`LiveConversation.advance` is where events are born. Compiling folds it over the scenario with the times
that the scenario gives; playing drives the very same function by the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from simulator import contracts
from simulator.advance import apply
from simulator.casting import Casting
from simulator.events import Event
from simulator.scenario.model import Scenario, Step
from simulator.scenario.verbs import Wait
from simulator.seeding import derive
from simulator.vendors.base import Profile, Vendor


@dataclass(frozen=True)
class Run:
    """What is played. `starts` and `spacing` are milliseconds; conversation *k* starts at `starts + k × spacing`."""

    scenario: Scenario
    vendor: Vendor
    profile: Profile
    seed: int
    starts: int
    spacing: int = 1_000
    casting: Casting = field(init=False, repr=False)
    contract: contracts.Contract = field(init=False, repr=False)
    tag: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        number = derive(self.seed, self.scenario.title, self.vendor.name, self.profile.name)
        object.__setattr__(self, "casting", Casting(self.scenario, self.seed))
        object.__setattr__(self, "contract", contracts.contract(self.vendor.name, self.profile.name))
        object.__setattr__(self, "tag", f"{number >> 32:08x}")

    def conversation(self, index: int) -> LiveConversation:
        """Conversation `index` (from 0), before its first step."""
        return LiveConversation(self, index)

    def schedule(self, index: int) -> Iterator[Scheduled]:
        """The steps that count for this vendor, each with the time (milliseconds since 1970) it happens at."""
        at = self.starts + index * self.spacing
        for number, step in enumerate(self.scenario.steps):
            if step.only is not None and self.vendor.name not in step.only:
                continue
            at += step.after
            yield Scheduled(number, step, at)
            if isinstance(step.verb, Wait):
                at += step.verb.time


class Scheduled(NamedTuple):
    """A step and when it happens. `number` counts from 0."""

    number: int
    step: Step
    at: int


class LiveConversation:
    """One conversation, and what its vendor makes of it."""

    def __init__(self, run: Run, index: int) -> None:
        self.run = run
        self.state = run.casting.conversation(index, run.starts + index * run.spacing)
        self.id = run.profile.conversation_id(self.state)
        self.memory = run.profile.memory()
        self.event_count = 0

    def advance(self, scheduled: Scheduled) -> list[Event]:
        """Carries out one step and returns the events it causes, in the order the vendor sends them.

        Raises StepError when the step makes no sense now, ContractError when our own body is wrong.
        """
        events: list[Event] = []
        reactions = self.run.profile.reactions
        for change in apply(self.state, scheduled.step.verb, scheduled.at, scheduled.step.name):
            reaction = reactions.get(type(change))
            if reaction is not None:
                for name, body in reaction(change, self.state, self.memory):
                    events.append(self._event(name, body, scheduled))
        return events

    def _event(self, name: str, body: dict[str, object], scheduled: Scheduled) -> Event:
        run = self.run
        run.contract.require(name, body)
        number = self.event_count
        self.event_count = number + 1
        return Event(
            id=f"evt-{run.tag}-{self.state.index}-{number}",
            index=self.state.index,
            conversation=self.id,
            vendor=run.vendor.name,
            profile=run.profile.name,
            name=name,
            at=scheduled.at,
            method="POST",
            headers=run.profile.headers,
            body=run.profile.encode(body),
            step=scheduled.number,
        )


def events(run: Run, count: int) -> Iterator[Event]:
    """The events of `count` conversations, one conversation after the other. Lazy: any count, constant memory."""
    for index in range(count):
        live = run.conversation(index)
        for scheduled in run.schedule(index):
            yield from live.advance(scheduled)
