"""The states of the integration, as checks read them."""

from __future__ import annotations

import asyncio
from typing import Any

from vendorsim.checks.model import NotJudged
from vendorsim.checks.timings import Meter
from vendorsim.probes.model import ProbeError, StateProbe

# A state is settled once two reads in a row are equal, this many seconds apart.
QUIET_PAUSE = 0.12
LONGEST_WAIT = 8.0
NO_PROBE = "there is no probe: name one with --probe (a URL, function, command or query that shows the state)"


class UnreadableState(NotJudged):
    """The probe returned no usable state. The message says what it returned."""

    option = "--probe"


class States:
    """Reads the states of conversations."""

    def __init__(self, probe: StateProbe, meter: Meter) -> None:
        self._probe = probe
        self._meter = meter

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        """Returns the current state as a JSON document; None if nothing is known. Raises UnreadableState."""
        try:
            with self._meter.read():
                return await self._probe.read(conversation_id, identifier)
        except ProbeError as error:
            raise UnreadableState(str(error)) from error

    async def settled(self, conversation_id: str, identifier: str | None) -> Any:
        """Reads the state until it has settled. Raises UnreadableState, and NotJudged if it keeps changing for
        `LONGEST_WAIT` seconds."""
        before = await self.read(conversation_id, identifier)
        for _ in range(int(LONGEST_WAIT / QUIET_PAUSE)):
            await asyncio.sleep(QUIET_PAUSE)
            state = await self.read(conversation_id, identifier)
            if state == before:
                return state
            before = state
        raise NotJudged(f"the state kept changing for {LONGEST_WAIT:g} s")
