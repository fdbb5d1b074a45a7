"""Sends a recorded request again: the same bytes, or rebuilt with another body and a new signature."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec import Struct

from vendorsim.core.clock import monotonic, wall_clock
from vendorsim.delivery.attempts import exchange
from vendorsim.delivery.destinations import Destination
from vendorsim.delivery.requests import Prepared
from vendorsim.http.endpoint import Endpoint, merged, own_headers
from vendorsim.http.masking import MASK
from vendorsim.http.outgoing import Ending, Outgoing, Wire
from vendorsim.http.transport import Answer, Failure, Transport
from vendorsim.http.transport_options import TransportSettings
from vendorsim.vendorkit.policy import Policy

# Headers that are not copied from the recorded request: every request gets its own.
_MADE = {"host", "content-length", "transfer-encoding", "connection", "expect", "user-agent"}


class SentRequest(Struct, frozen=True):
    """A request from the journal. Secrets in `head` are masked; `sent` are the bytes after the head."""

    delivery: str
    head: bytes
    body: bytes
    sent: bytes
    ending: Ending

    def same_bytes(self, target: Endpoint, headers: Mapping[str, str]) -> tuple[Prepared, tuple[str, ...]]:
        """Builds the same request to `target`, with masked header values filled in from `headers`.

        Returns the request and the names of the headers that stay masked.
        """
        head, masked = _refilled(self.head, target, headers)
        return Prepared(head, self.body, Wire((head + self.sent,), ending=self.ending)), masked

    def rebuilt(self, destination: Destination, headers: Mapping[str, str], body: bytes, *, sign: bool) -> Prepared:
        """Builds a request with the unmasked headers of this one, those of the destination, and `headers`.

        With `sign` it gets a new signature where the destination has a signer.
        """
        signer = destination.signer
        signed = {name.lower() for name in (signer.scheme.headers if signer is not None else ())}
        recorded = [
            (name, value)
            for name, value in _headers(self.head)
            if name.lower() not in _MADE | signed and value.encode("latin-1") != MASK
        ]
        target = destination.endpoint
        out_headers = merged(own_headers(target), recorded, destination.headers, headers)
        out = Outgoing(target, "POST", out_headers, body, self.delivery, 1)
        if signer is not None and sign:
            out.headers = merged(out.headers, signer.headers(self.delivery, wall_clock() // 1000, body))
        return Prepared(out.head(), body, out.wire())


class Resent(Struct, frozen=True):
    """The answer to a request that was sent again; `sent_at` is milliseconds since 1970."""

    answer: Answer | Failure
    milliseconds: float
    sent_at: int


async def resend(transport: Transport, target: Endpoint, request: Prepared, policy: Policy) -> Resent:
    """Sends a request once, with the policy's timeouts and redirects."""
    sent_at, began = wall_clock(), monotonic()
    answer = await exchange(transport, target, request, policy)
    return Resent(answer, (monotonic() - began) * 1000, sent_at)


def resend_alone(target: Endpoint, request: Prepared, settings: TransportSettings) -> Resent:
    """Like `resend`, in an event loop of its own, with a transport of its own and the default policy."""

    async def send() -> Resent:
        transport = settings.open()
        try:
            return await resend(transport, target, request, Policy())
        finally:
            transport.abort()

    return asyncio.run(send())


def _headers(head: bytes) -> list[tuple[str, str]]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return [(name, value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]


def _refilled(head: bytes, target: Endpoint, headers: Mapping[str, str]) -> tuple[bytes, tuple[str, ...]]:
    """Puts the target's path and host, and masked values, into a head.

    Returns the head and the names of the headers that stay masked.
    """
    known = {name.lower(): value for name, value in headers.items()}
    lines = head.split(b"\r\n")
    method = lines[0].partition(b" ")[0].decode()
    lines[0] = f"{method} {target.resource} HTTP/1.1".encode()
    unknown: list[str] = []
    for number, line in enumerate(lines[1:], 1):
        name, colon, value = line.partition(b":")
        text = name.decode("latin-1")
        if not colon:
            continue
        if text.lower() == "host":
            lines[number] = name + b": " + target.authority.encode()
        elif value.strip() == MASK and text.lower() in known:
            lines[number] = name + b": " + known[text.lower()].encode()
        elif value.strip() == MASK:
            unknown.append(text)
    return b"\r\n".join(lines), tuple(unknown)
