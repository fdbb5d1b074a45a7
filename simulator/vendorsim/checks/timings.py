"""Where the time of a run of checks goes: the phases of the run, with what they waited, sent and computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time
from typing import Any

from msgspec import Struct

from vendorsim.core.clock import monotonic


class Phase(Struct):
    """A part of the run. All times are in seconds: `seconds` by the wall clock; `idle` is the part of them in which
    nothing was asked of the integration; `processor` is the processor time of vendorsim. `requests` are deliveries,
    `reads` those of the state."""

    name: str
    seconds: float = 0.0
    idle: float = 0.0
    processor: float = 0.0
    requests: int = 0
    reads: int = 0

    def document(self) -> dict[str, Any]:
        """The phase as JSON."""
        return {
            "phase": self.name,
            "seconds": round(self.seconds, 3),
            "idle": round(self.idle, 3),
            "processor": round(self.processor, 3),
            "requests": self.requests,
            "reads": self.reads,
        }


class Meter:
    """Measures the phases of one run. They follow each other without a gap."""

    def __init__(self, first: str) -> None:
        self._phases = [Phase(first)]
        self._under_way = 0
        # When time was last added to the phase, by the wall clock and the processor, and since when all is answered.
        self._noted = monotonic(), process_time()
        self._idle_since = self._noted[0]

    def begin(self, name: str) -> None:
        """Begins the phase of this name, unless it goes on already."""
        if self._phases[-1].name != name:
            self._note()
            self._phases.append(Phase(name))

    def phases(self) -> tuple[Phase, ...]:
        """Returns the phases so far in which something was asked, and the first one."""
        self._note()
        return (self._phases[0], *(phase for phase in self._phases[1:] if phase.requests or phase.reads))

    @contextmanager
    def request(self) -> Iterator[None]:
        """A delivery is under way inside the `with` block."""
        self._phases[-1].requests += 1
        self._asked()
        try:
            yield
        finally:
            self._answered()

    @contextmanager
    def read(self) -> Iterator[None]:
        """The state is read inside the `with` block."""
        self._phases[-1].reads += 1
        self._asked()
        try:
            yield
        finally:
            self._answered()

    def _asked(self) -> None:
        if not self._under_way:
            self._phases[-1].idle += monotonic() - self._idle_since
        self._under_way += 1

    def _answered(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._idle_since = monotonic()

    def _note(self) -> None:
        """Adds the time since it was last noted to the phase."""
        now = monotonic(), process_time()
        phase = self._phases[-1]
        phase.seconds += now[0] - self._noted[0]
        phase.processor += now[1] - self._noted[1]
        if not self._under_way:
            phase.idle += now[0] - self._idle_since
            self._idle_since = now[0]
        self._noted = now
