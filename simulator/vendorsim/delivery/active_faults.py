"""Faults that are switched on by hand, for the next deliveries or until they are switched off."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from vendorsim.scenario.faults import Fault


@dataclass(frozen=True, slots=True)
class Arming:
    """What is switched on. `left` is for how many more deliveries, None for all."""

    faults: tuple[Fault, ...] = ()
    left: int | None = None


class Armed:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._arming = Arming()

    def set(self, faults: tuple[Fault, ...], left: int | None) -> None:
        """Switches faults on instead of those that were; none switches them off."""
        with self._lock:
            self._arming = Arming(faults, left)

    def state(self) -> Arming:
        """What is switched on at the moment."""
        return self._arming

    def take(self, event: str) -> tuple[Fault, ...]:
        """The faults for one delivery of that event, which counts if one of them is meant for it."""
        if not self._arming.faults:
            return ()
        with self._lock:
            arming = self._arming
            meant = tuple(fault for fault in arming.faults if fault.events is None or event in fault.events)
            if not meant:
                return ()
            if arming.left is not None:
                left = arming.left - 1
                self._arming = Arming(arming.faults, left) if left else Arming()
            return meant
