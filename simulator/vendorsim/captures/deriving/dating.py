"""When the steps of a story were that sent nothing: a later body may show it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from vendorsim.captures import times
from vendorsim.captures.deriving.comparing import CLOCK
from vendorsim.captures.deriving.model import DerivedStep
from vendorsim.captures.deriving.stand_ins import StandIns
from vendorsim.captures.deriving.trials import Trials
from vendorsim.captures.places import values
from vendorsim.captures.sequence import CapturedEvent
from vendorsim.scenario.verbs import Emit

EARLIEST = 86_400_000
"""So long before its first event a conversation may have begun (milliseconds)."""


class StepDates(Struct, frozen=True):
    """Dates the steps of a story that explains these events."""

    events: Sequence[CapturedEvent]
    stand_ins: StandIns
    trials: Trials

    def dated(self, steps: Sequence[DerivedStep]) -> list[DerivedStep]:
        """The steps with the times that later bodies show, in the order of these times: a step that sends nothing was
        put to the next event. Steps that sent something are passed only if the bodies stay the same."""
        told = self._without_times(steps)
        for passing in (True, False):
            found = self._ordered(steps, passing=passing)
            if self._without_times(found) == told:
                return found
        return list(steps)

    def _ordered(self, steps: Sequence[DerivedStep], *, passing: bool) -> list[DerivedStep]:
        begun = min(self.stand_ins.starts, steps[0].at) - (EARLIEST if steps and not steps[0].count else 0)
        found: list[DerivedStep] = []
        undated: list[DerivedStep] = []
        earliest = begun
        for number, step in enumerate(steps):
            if step.count or isinstance(step.verb, Emit):
                at = step.at
                earliest = begun if passing else at
            else:
                latest = self.events[step.first].at
                room = max((latest - earliest) // 2 // 1_000 * 1_000, 1_000)
                seen = self._seen_at([*steps[:number], replace(step, at=latest), *steps[number + 1 :]], number, room)
                if seen is None:
                    undated.append(step)
                    continue
                at = min(max(seen, earliest), latest)
            # What no body dates was together with what follows it.
            found += [replace(each, at=at) for each in undated]
            found.append(replace(step, at=at))
            undated = []
        return sorted([*found, *undated], key=lambda each: each.at)

    def _without_times(self, steps: Sequence[DerivedStep]) -> list[Any]:
        """What the steps send, without the values that depend on their times."""
        return [
            [(path, value) for path, value in values(body) if isinstance(value, str) and not _is_of_time(value)]
            for _, body in self._bodies(steps)
        ]

    def _seen_at(self, steps: Sequence[DerivedStep], number: int, room: int) -> int | None:
        """The time of a step as a later body shows it: the value that moves when the step is `room` earlier."""
        at = steps[number].at
        moved = [*steps[:number], replace(steps[number], at=at - room), *steps[number + 1 :]]
        for (position, mine), (_, other) in zip(self._bodies(steps), self._bodies(moved), strict=False):
            captured = dict(values(self.events[position].document))
            others = dict(values(other))
            for path, value in values(mine):
                now, then = times.read(value), times.read(others.get(path))
                shown = times.read(captured.get(path))
                if now is None or then is None or shown is None or now - then != room:
                    continue
                return at + shown - now
        return None

    def _bodies(self, steps: Sequence[DerivedStep]) -> Iterator[tuple[int, Any]]:
        """The bodies that the steps send, each with the position of its captured event."""
        rehearsal = self.stand_ins.rehearsal(0)
        for step in steps:
            if isinstance(step.verb, Emit):
                continue
            quirk = None if step.quirk is None else self.stand_ins.profile.quirk(step.quirk)
            drafts = self.trials.drafts(rehearsal, step.verb, step.at, quirk) or []
            for number, each in enumerate(self.trials.made(rehearsal, drafts) or ()):
                if number < step.count:
                    yield step.first + number, each.body


def _is_of_time(text: str) -> bool:
    return times.read(text) is not None or CLOCK.fullmatch(text) is not None
