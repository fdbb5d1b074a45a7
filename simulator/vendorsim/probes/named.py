"""Several probes, whose states are the values of one object."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from vendorsim.probes.model import ProbeError, StateProbe


class NamedProbes:
    """Reads all probes at once. The state is an object with the state of each by its name; null where nothing is known.

    If none of them knows anything of the conversation, nor do they together.
    """

    def __init__(self, probes: Mapping[str, StateProbe]) -> None:
        self._probes = dict(probes)

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        """Raises ProbeError with the failures of all probes, each with its name."""
        reads = (probe.read(conversation_id, identifier) for probe in self._probes.values())
        states: dict[str, Any] = {}
        failures: list[str] = []
        for name, state in zip(self._probes, await asyncio.gather(*reads, return_exceptions=True), strict=True):
            if isinstance(state, ProbeError):
                failures.append(f"{name}: {state}")
            elif isinstance(state, BaseException):
                raise state
            states[name] = state
        if failures:
            raise ProbeError("; ".join(failures))
        return None if all(state is None for state in states.values()) else states

    async def close(self) -> None:
        for probe in self._probes.values():
            await probe.close()
