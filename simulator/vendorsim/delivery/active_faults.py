"""Faults that are switched on by hand, for the next deliveries or until they are switched off."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from vendorsim.scenario.faults import Fault


@dataclass(frozen=True, slots=True)
class Activation:
    """What is switched on. `left` is for how many more deliveries, None for all."""

    faults: tuple[Fault, ...] = ()
    left: int | None = None


class ActiveFaults:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._activation = Activation()

    def set(self, faults: tuple[Fault, ...], left: int | None) -> None:
        """Switches faults on instead of those that were; none switches them off."""
        with self._lock:
            self._activation = Activation(faults, left)

    def state(self) -> Activation:
        """What is switched on at the moment."""
        return self._activation

    def take(self, event: str) -> tuple[Fault, ...]:
        """The faults for one delivery of that event, which counts if one of them is meant for it."""
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
