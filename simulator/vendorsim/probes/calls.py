"""A probe that reads the calls which the integration has made for a conversation, where the vendors' APIs and the sinks
are served: for integrations whose only effect is calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from vendorsim.core.errors import InputError
from vendorsim.probes.model import CallsOf, ProbeTools

PREFIX = "calls:"


class CallsSource(Struct, frozen=True):
    """`calls:`, or `calls:NAME` for those to one sink or operation, such as `calls:sink.crm`."""

    name: str

    @classmethod
    def read(cls, text: str, folder: Path | None) -> CallsSource:
        return cls(text.strip())

    @property
    def text(self) -> str:
        return PREFIX + self.name

    def open(self, tools: ProbeTools) -> CallsProbe:
        if tools.calls is None:
            raise InputError(f"--probe {self.text} needs --serve, so that the integration's calls are taken")
        return CallsProbe(tools.calls, self.name)


class CallsProbe:
    """Reads what the integration did for a conversation, without the calls that only read or were refused."""

    def __init__(self, calls: CallsOf, name: str) -> None:
        self._calls, self._name = calls, name

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        found = self._calls(conversation_id)
        if found is None or not self._name:
            return found
        chosen = [call for call in found["calls"] if call["call"] == self._name]
        return {"calls": chosen} if chosen else None

    async def close(self) -> None:
        pass
