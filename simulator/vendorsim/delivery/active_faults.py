"""Faults that a user activates at run time, for the next deliveries or until they are deactivated."""

from __future__ import annotations

from threading import Lock

from msgspec import Struct

from vendorsim.scenario.faults import Fault


class Activation(Struct, frozen=True):
    """The active faults. `left` is the number of deliveries to which they still apply; None means all."""

    faults: tuple[Fault, ...] = ()
    left: int | None = None


class ActiveFaults:
    """Holds the active faults. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._activation = Activation()

    def set(self, faults: tuple[Fault, ...], left: int | None) -> None:
        """Replaces the active faults. An empty tuple deactivates them."""
        with self._lock:
            self._activation = Activation(faults, left)

    def state(self) -> Activation:
        """Returns the active faults."""
        return self._activation

    def take(self, event: str) -> tuple[Fault, ...]:
        """Returns the faults for one delivery of an event. The delivery counts if at least one fault applies to it."""
        if not self._activation.faults:
            return ()
        with self._lock:
            activation = self._activation
            meant = tuple(fault for fault in activation.faults if fault.events is None or event in fault.events)
            if not meant:
                return ()
            if activation.left is not None:
                left = activation.left - 1
                self._activation = Activation(activation.faults, left) if left else Activation()
            return meant
