"""Waits until a server is ready: until it accepts connections, or until a URL of its health answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from msgspec import Struct

from vendorsim.http.endpoint import Endpoint, own_headers
from vendorsim.http.outgoing import Wire
from vendorsim.http.transport import Answer
from vendorsim.http.transport_options import TransportSettings

# Seconds that one attempt may take.
LONGEST_ATTEMPT = 5.0


class Readiness(Struct, frozen=True):
    """What has to answer: each of the `targets`, by accepting a connection; or the URL `health` alone, by a 2xx."""

    targets: Sequence[Endpoint]
    health: Endpoint | None = None
    settings: TransportSettings = TransportSettings()

    @property
    def shown(self) -> str:
        """The URLs without secrets."""
        return ", ".join(endpoint.shown for endpoint in ((self.health,) if self.health else self.targets))

    def missing(self) -> str | None:
        """Tries once. Returns what is not there yet and why, or None if all is."""
        if self.health is not None:
            return self._unhealthy(self.health)
        return next((reason for target in self.targets if (reason := _refused(target)) is not None), None)

    def _unhealthy(self, health: Endpoint) -> str | None:
        lines = [
            f"GET {health.resource} HTTP/1.1",
            *(f"{name}: {value}" for name, value in own_headers(health).items()),
        ]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()

        async def get() -> str | None:
            transport = self.settings.open()
            try:
                answer = await transport.exchange(health, Wire((head,)), LONGEST_ATTEMPT, LONGEST_ATTEMPT)
            finally:
                transport.abort()
            if not isinstance(answer, Answer):
                return f"{health.shown}: {answer.reason}"
            return None if 200 <= answer.status < 300 else f"{health.shown} answered {answer.status}, not 2xx"

        return asyncio.run(get())


def _refused(target: Endpoint) -> str | None:
    """Returns why a connection could not be made, or None."""
    try:
        socket.create_connection((target.host, target.port), LONGEST_ATTEMPT).close()
    except OSError as error:
        return f"{target.shown}: {error.strerror or error}"
    return None
