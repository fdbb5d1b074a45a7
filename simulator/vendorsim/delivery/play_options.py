"""The options of a run."""

from __future__ import annotations

from msgspec import Struct

from vendorsim.delivery.active_faults import ActiveFaults
from vendorsim.scenario.faults import Fault


class PlayOptions(Struct, frozen=True):
    """The options of a run.

    `count` is the number of conversations, `concurrency` the maximum number of requests in flight. `faults` apply to
    the whole run, in addition to a step's own faults and the `active_faults`. With `pin_clock` signature timestamps
    follow the scenario's clock. With `stays` the run continues after its own conversations, for those that are opened
    from outside, until it is stopped.
    """

    count: int = 1
    concurrency: int = 16
    faults: tuple[Fault, ...] = ()
    pin_clock: bool = False
    stays: bool = False
    active_faults: ActiveFaults | None = None
