"""A capture as a run: its webhooks are events of the same timeline as those of a scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vendorsim.captures.sequence import CapturedEvent
from vendorsim.runs.timeline import LiveConversation, Run
from vendorsim.runs.variation import Scheduled
from vendorsim.scenario.model import Scenario, Step
from vendorsim.scenario.verbs import Emit, WireRequest
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor


class CapturedStory(Scenario, frozen=True):
    """A captured conversation as a scenario: each step emits one of its webhooks as it was on the wire.

    `conversation` is its id in the bodies, `positions` are those of its webhooks in the whole capture. `events` are
    these webhooks.
    """

    conversation: str = ""
    positions: tuple[int, ...] = ()
    events: tuple[CapturedEvent, ...] = ()


def captured_story(
    conversation: str,
    events: Sequence[CapturedEvent],
    positions: Sequence[int] = (),
    title: str | None = None,
    without: Iterable[str] = (),
) -> CapturedStory:
    """The story of one conversation. `without` are headers, in lower case, that are not sent again."""
    unsent = frozenset(without)
    steps = []
    before = events[0].at
    for event in events:
        headers = {name: value for name, value in event.headers if name.lower() not in unsent}
        wire = WireRequest(event.method, headers, event.body, event.delivery)
        steps.append(Step(Emit(event.event, event.document, wire), after=event.at - before))
        before = event.at
    return CapturedStory(
        title=title or f"conversation {conversation}",
        steps=tuple(steps),
        starts=events[0].at,
        vary=False,
        conversation=conversation,
        positions=tuple(positions),
        events=tuple(events),
    )


class CapturedConversation(LiveConversation):
    """A captured conversation. The capture says all that its vendor sends: calls and failures cause no further
    events."""

    reacts = False


@dataclass(frozen=True)
class CapturedRun(Run):
    """Captured conversations that are sent again, each at its own time. `spacing` and `vary` mean nothing here."""

    stories: tuple[CapturedStory, ...] = ()

    def begins(self, index: int) -> int:
        return self.stories[index].starts or self.starts

    def conversation(self, index: int) -> LiveConversation:
        live = CapturedConversation(self, self.casting.conversation(index, self.begins(index)))
        live.id = self.stories[index].conversation
        return live

    def schedule(self, index: int) -> list[Scheduled]:
        at, found = self.begins(index), []
        for number, step in enumerate(self.stories[index].steps):
            at += step.after
            found.append(Scheduled(number, step, at))
        return found

    def longest(self) -> int:
        return max(sum(step.after for step in story.steps) for story in self.stories)

    def order(self) -> list[int]:
        """The conversation (by its index) of each webhook, in the order of the capture."""
        places = ((position, index) for index, story in enumerate(self.stories) for position in story.positions)
        return [index for _, index in sorted(places)]


def captured_run(
    title: str, vendor: Vendor, profile: Profile, stories: Mapping[str, CapturedStory], seed: int = 0
) -> CapturedRun:
    """The run of these conversations; `title` stands for the scenario's in reports."""
    ordered = tuple(stories.values())
    scenario = Scenario(title, (), (vendor.name,), seed=seed, vary=False, file=title)
    starts = min(story.starts or 0 for story in ordered)
    return CapturedRun(scenario, vendor, profile, seed, starts, stories=ordered)
