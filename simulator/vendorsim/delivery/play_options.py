"""The options of a run."""

from __future__ import annotations

from msgspec import Struct

from vendorsim.delivery.active_faults import ActiveFaults
from vendorsim.scenario.faults import Fault


class Share(Struct, frozen=True):
    """The share of worker `number` (from 0) of `of` workers: the conversations whose index leaves that remainder."""

    number: int = 0
    of: int = 1

    def part(self, amount: int) -> int:
        """Returns this worker's part of an amount. The parts of all workers add up to it."""
        return amount // self.of + (self.number < amount % self.of)


class PlayOptions(Struct, frozen=True):
    """The options of a run.

    `count` is the number of conversations, `concurrency` the maximum number of requests in flight. `faults` apply to
    the whole run, in addition to a step's own faults and the `active_faults`. With `pin_clock` signature timestamps
    follow the scenario's clock. With `stays` the run continues after its own conversations, for those that are opened
    from outside, until it is stopped. Of the conversations only those of the `share` are played. Without `counts` the
    summary leaves out the records: whoever takes them counts.
    """

    count: int = 1
    concurrency: int = 16
    faults: tuple[Fault, ...] = ()
    pin_clock: bool = False
    stays: bool = False
    active_faults: ActiveFaults | None = None
    share: Share = Share()
    counts: bool = True
