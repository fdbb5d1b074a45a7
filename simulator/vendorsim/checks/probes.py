"""The states of the integration, as checks read them."""

from __future__ import annotations

import asyncio
from typing import Any

from vendorsim.checks.model import NotJudged
from vendorsim.probes.model import ProbeError, StateProbe

# A state is settled after `QUIET_READS` equal reads in a row, `QUIET_PAUSE` seconds apart.
QUIET_READS, QUIET_PAUSE = 3, 0.06
LONGEST_WAIT = 8.0
NO_PROBE = "there is no probe: name one with --probe (a URL, function, command or query that shows the state)"


class UnreadableState(NotJudged):
    """The probe returned no usable state. The message says what it returned."""

    option = "--probe"


class States:
    """Reads the states of conversations."""

    def __init__(self, probe: StateProbe) -> None:
        self._probe = probe

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        """Returns the current state as a JSON document; None if nothing is known. Raises UnreadableState."""
        try:
            return await self._probe.read(conversation_id, identifier)
        except ProbeError as error:
            raise UnreadableState(str(error)) from error

    async def settled(self, conversation_id: str, identifier: str | None) -> Any:
        """Reads the state until it has settled. Raises UnreadableState, and NotJudged if it keeps changing for
        `LONGEST_WAIT` seconds."""
        reads: list[Any] = []
        for _ in range(int(LONGEST_WAIT / QUIET_PAUSE)):
            reads.append(await self.read(conversation_id, identifier))
            if len(reads) >= QUIET_READS and all(read == reads[-1] for read in reads[-QUIET_READS:]):
                return reads[-1]
            await asyncio.sleep(QUIET_PAUSE)
        raise NotJudged(f"the state kept changing for {LONGEST_WAIT:g} s")
