"""Traffic → the scenario, the arrival and the worker of each conversation. Pure.

Conversation *k* depends only on the traffic and on k: the weights give its scenario, the run of that scenario its bytes
(those of conversation k), the arrival process its arrival. Worker *i* of *n* sends those with k ≡ i mod n.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, islice, takewhile
from typing import NamedTuple

from msgspec import Struct

from vendorsim.core.errors import DocumentError, InputError, Problem, UnreadableFileError
from vendorsim.core.seeding import derive
from vendorsim.core.yaml_nodes import Mapping
from vendorsim.delivery.play_options import Share
from vendorsim.load.measuring import Digest
from vendorsim.load.traffic import MOST_CONVERSATIONS, Part, Traffic
from vendorsim.runs.planning import PlannedRun, RunRequest, plan
from vendorsim.runs.timeline import Run, iter_events


class Planned(NamedTuple):
    """A conversation and its arrival, in seconds from the start."""

    conversation: int
    at: float


class Entry(Struct, frozen=True):
    """One scenario of the mix, with the run to which its conversations belong."""

    part: Part
    planned: PlannedRun

    @property
    def run(self) -> Run:
        """The run to which the conversations belong."""
        return self.planned.run

    @property
    def name(self) -> str:
        """The name of the entry in reports."""
        return f"{self.run.scenario.title}, as {self.run.vendor.name} ({self.run.profile.name})"

    @property
    def length(self) -> float:
        """The duration of the longest conversation by the scenario's clock, in seconds."""
        return self.run.longest() / 1000


@dataclass(frozen=True)
class Mix:
    """A traffic with its scenarios loaded. `starts` (milliseconds since 1970) is used where a scenario has no start."""

    traffic: Traffic
    entries: tuple[Entry, ...]
    starts: int
    seed: int
    _bounds: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_bounds", list(accumulate(entry.part.weight for entry in self.entries)))

    def choose(self, index: int) -> int:
        """Returns the position of the entry to which conversation `index` belongs."""
        if len(self.entries) == 1:
            return 0
        return bisect(self._bounds, derive(self.seed, "mix", index) * self._bounds[-1] // 2**64)

    def planned(self, share: Share | None = None) -> Iterator[Planned]:
        """Yields the conversations of a share (default: all), in the order of their arrival."""
        share = share or Share()
        arriving = (Planned(index, at) for index, at in enumerate(self.traffic.arrivals.times(self.seed)))
        limited: Iterator[Planned] = islice(arriving, self.traffic.conversations)
        if self.traffic.duration is not None:
            end = self.traffic.duration / 1000
            limited = takewhile(lambda planned: planned.at < end, limited)
        return islice(limited, share.number, None, share.of)

    @cached_property
    def count(self) -> int:
        """The number of conversations."""
        if self.traffic.duration is None:
            assert self.traffic.conversations is not None
            return self.traffic.conversations
        return sum(1 for _ in self.planned())

    @cached_property
    def longest(self) -> float:
        """The duration of the longest conversation, in seconds of the wall clock."""
        if self.traffic.speed is None:
            return 0.0
        return max(entry.length for entry in self.entries) / self.traffic.speed

    def digest(self) -> Digest:
        """Returns the digest of the bodies of all conversations, none shed."""
        found = Digest()
        for index in range(self.count):
            for event in iter_events(self.entries[self.choose(index)].run.conversation(index)):
                found.add(event.body)
        return found


def mix(traffic: Traffic, starts: int, complete: Callable[[RunRequest], RunRequest] = lambda request: request) -> Mix:
    """Loads the scenarios of a traffic. `complete` adds what the traffic does not say to the request of each scenario.

    `starts` (milliseconds since 1970) is used where neither the traffic nor the scenario names a start. Raises
    DocumentError with all problems of the scenarios, at their positions in the traffic file.
    """
    seed = traffic.seed or 0
    # The number of conversations doesn't depend on the scenarios.
    count = Mix(traffic, (), starts, seed).count
    problems: list[Problem] = []
    entries: list[Entry] = []
    if count > MOST_CONVERSATIONS or not count:
        node = traffic.places[0]
        amount = f"more than {MOST_CONVERSATIONS}" if count else "no"
        problems.append(
            Problem(traffic.file, node.line, node.column, f"{amount} conversations arrive in that duration")
        )
    for part, node in zip(traffic.scenarios, traffic.places, strict=True):
        try:
            entries.append(_entry(traffic, part, count, starts, complete))
        except UnreadableFileError as error:
            at = node.get("scenario") if isinstance(node, Mapping) else None
            message = f"the scenario {part.scenario} {error.reason}"
            problems.append(Problem(traffic.file, (at or node).line, (at or node).column, message))
        except DocumentError as error:
            problems.extend(error.problems)
        except InputError as error:
            problems.append(Problem(traffic.file, node.line, node.column, str(error)))
    if problems:
        raise DocumentError(list(dict.fromkeys(problems)))
    _share_ids(entries)
    return Mix(traffic, tuple(entries), starts, seed)


def _entry(
    traffic: Traffic, part: Part, count: int, starts: int, complete: Callable[[RunRequest], RunRequest]
) -> Entry:
    request = RunRequest(
        part.scenario,
        part.vendor,
        part.profile,
        seed=traffic.seed,
        start=traffic.starts,
        count=count,
        spacing=traffic.spacing,
        faults=(*traffic.faults, *part.faults),
        default_start=starts,
    )
    planned = plan(complete(request))
    if next(iter_events(planned.run.conversation(0)), None) is None:
        raise InputError(f"{part.scenario}: sends nothing as {part.vendor} ({planned.run.profile.name})")
    return Entry(part, planned)


def _share_ids(entries: list[Entry]) -> None:
    """Gives the scenarios of one vendor a common range of ids, so that no two conversations share an id.

    A vendor with a single scenario keeps its ids.
    """
    by_vendor: dict[str, list[Entry]] = {}
    for entry in entries:
        by_vendor.setdefault(entry.run.vendor.name, []).append(entry)
    for group in by_vendor.values():
        base = group[0].run.casting.base
        stride = max(entry.run.casting.stride for entry in group)
        for entry in group:
            entry.run.casting.base, entry.run.casting.stride = base, stride
