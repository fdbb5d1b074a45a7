"""Sends a journal's request again: the same bytes, to the same place or another one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from vendorsim.core.clock import monotonic
from vendorsim.http.endpoint import Endpoint
from vendorsim.http.masking import MASK
from vendorsim.http.outgoing import Ending, Wire
from vendorsim.http.transport import Answer, Failure, HttpTransport

CONNECT_SECONDS, READ_SECONDS = 5.0, 15.0


@dataclass(frozen=True, slots=True)
class Resent:
    """What became of it. `masked` names headers whose values the journal doesn't know and nobody gave."""

    answer: Answer | Failure
    milliseconds: float
    masked: tuple[str, ...]


def resend(
    head: bytes,
    sent: bytes,
    ending: Ending,
    place: Endpoint,
    headers: Mapping[str, str],
    tls: ssl.SSLContext | None = None,
    proxy: Endpoint | None = None,
) -> Resent:
    """Sends the head and what was sent behind it once. Masked values are filled in from `headers`, by name."""
    request, masked = _refilled(head, place, headers)

    async def send() -> Answer | Failure:
        transport = HttpTransport(tls, proxy)
        try:
            return await transport.exchange(
                place, Wire((request + sent,), ending=ending), CONNECT_SECONDS, READ_SECONDS
            )
        finally:
            transport.abort()

    began = monotonic()
    answer = asyncio.run(send())
    return Resent(answer, (monotonic() - began) * 1000, masked)


def _refilled(head: bytes, place: Endpoint, headers: Mapping[str, str]) -> tuple[bytes, tuple[str, ...]]:
    """The head with the place's own request target and host, and its masked values filled in."""
    known = {name.lower(): value for name, value in headers.items()}
    lines = head.split(b"\r\n")
    method = lines[0].partition(b" ")[0].decode()
    lines[0] = f"{method} {place.resource} HTTP/1.1".encode()
    unknown: list[str] = []
    for number, line in enumerate(lines[1:], 1):
        name, colon, value = line.partition(b":")
        text = name.decode("latin-1")
        if not colon:
            continue
        if text.lower() == "host":
            lines[number] = name + b": " + place.authority.encode()
        elif value.strip() == MASK and text.lower() in known:
            lines[number] = name + b": " + known[text.lower()].encode()
        elif value.strip() == MASK:
            unknown.append(text)
    return b"\r\n".join(lines), tuple(unknown)
