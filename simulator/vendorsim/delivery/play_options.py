"""How a run is played."""

from __future__ import annotations

from dataclasses import dataclass

from vendorsim.delivery.active_faults import ActiveFaults
from vendorsim.scenario.faults import Fault


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """How a run is played. `count` is how many conversations there are, `concurrency` how many requests are in flight.

    `faults` are those of the whole run; a step's own, and the `active_faults` of the moment, come on top.
    With `pin_clock` signature timestamps follow the scenario's clock. With `stays` the run goes on after its
    conversations, for those that are opened from outside, until it is stopped.
    """

    count: int = 1
    concurrency: int = 16
    faults: tuple[Fault, ...] = ()
    pin_clock: bool = False
    stays: bool = False
    active_faults: ActiveFaults | None = None
