"""How long checks wait for an integration."""

from __future__ import annotations

from msgspec import Struct

from vendorsim.probes.model import LONGEST_READ

# Seconds in which an integration that polls must have caught up, unless the user says how many.
DEFAULT_RECOVERY = 30.0


class Waiting(Struct, frozen=True):
    """The waiting times of a run of checks, in seconds.

    `state`: an integration may process a delivery after its answer, so a difference of states must last this long.
    `first_call`: the most to wait for the first call of the API; the scenario's step may say less.
    `retry`: how long to wait for another call after an error.
    `settle`: how long an accepted message may need to show in the state.
    `recover`: how long an integration may need to catch up by the vendor's API. None: `DEFAULT_RECOVERY`, and only one
    that reads the API is judged.
    `rounds`: how long a check lets requests collide.
    `probe`: how long one read of the state may take.
    `quiet`: how long no call may arrive before a conversation is no longer watched for unwanted ones.
    """

    state: float = 1.0
    first_call: float = float("inf")
    retry: float = 10.0
    quiet: float = 2.5
    settle: float = 5.0
    rounds: float = 1.0
    probe: float = LONGEST_READ
    recover: float | None = None
