"""Reads states with probes, as a run does."""

from __future__ import annotations

import asyncio
from typing import Any

from vendorsim.http.transport_options import TransportSettings
from vendorsim.probes.model import ProbeFunction, ProbeTools
from vendorsim.probes.reading import open_probes, read_probe

# Names that a shell, SQL or a format string would take for something else.
HOSTILE = (
    "it's",
    'say "hi"',
    "1; touch pwned",
    "$(touch pwned)",
    "`touch pwned`",
    "x'; DELETE FROM chats; --",
    "1 OR 1=1",
    "{identifier}",
    "--help",
    "a b\tc",
    "two\nlines",
    "*",
    "\\'",
    "Grüße 👋",
    "%s%(x)s$1",
)


def read_all(
    *probes: str | ProbeFunction, ids: tuple[str, ...] = ("1",), identifier: str | None = None, timeout: float = 10.0
) -> list[Any]:
    """Returns the states of the conversations, read at once."""

    async def read() -> list[Any]:
        transport = TransportSettings().open()
        probe = open_probes([read_probe(text) for text in probes], ProbeTools(transport, timeout=timeout))
        assert probe is not None
        try:
            return await asyncio.gather(*(probe.read(one, identifier) for one in ids))
        finally:
            await probe.close()
            transport.abort()

    return asyncio.run(read())


def read(*probes: str | ProbeFunction, id: str = "1", identifier: str | None = None, timeout: float = 10.0) -> Any:
    """Returns the state of one conversation."""
    return read_all(*probes, ids=(id,), identifier=identifier, timeout=timeout)[0]
