"""Event × destination → the request of one attempt: headers, signature, faults, bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from vendorsim.core.event import Event
from vendorsim.delivery import faults
from vendorsim.http.endpoint import Endpoint, endpoint, merged, own_headers
from vendorsim.http.masking import is_secret
from vendorsim.http.outgoing import Outgoing, Wire
from vendorsim.runs.timeline import Run
from vendorsim.scenario.faults import SIGNATURE, Fault
from vendorsim.scenario.model import Expectation
from vendorsim.vendorkit.policy import Policy
from vendorsim.vendorkit.signing import Signer
from vendorsim.vendorkit.target import Target

STALE_SECONDS = 3_600
_OF_BODY = {b"content-length", b"content-type", b"transfer-encoding", b"expect"}


@dataclass(frozen=True, slots=True)
class Destination:
    """A target made ready: endpoint, headers, policy, signer, and the heads of its plain requests by the event's
    headers."""

    target: Target
    endpoint: Endpoint
    headers: Mapping[str, str]
    policy: Policy
    signer: Signer | None = None
    heads: dict[tuple[str, ...], str] = field(default_factory=dict)

    @property
    def signs(self) -> bool:
        """Whether requests carry a signature."""
        return self.signer is not None and self.signer.scheme.signs

    def headers_of(self, event: Event) -> dict[str, str]:
        """The headers of a request, without those that frame or sign it."""
        return merged(own_headers(self.endpoint), event.headers, self.headers)


def destination(
    target: Target, headers: Mapping[str, str], policy: Policy, signer: Signer | None = None
) -> Destination:
    """A destination from its target and the headers of the command line, which win. Raises InputError."""
    return Destination(target, endpoint(target.url), merged(target.headers, headers), policy, signer)


@dataclass(slots=True)
class Delivery:
    """One event on its way to one destination, over all its attempts.

    A duplicate is another value with the same id and a `copy` number; it shares `signature`, the signature headers
    of the first attempt.
    """

    id: str
    event: Event
    place: Destination
    expect: Expectation | None
    faults: tuple[Fault, ...] = ()
    planned: tuple[str, ...] = ()
    copy: int = 0
    attempts: int = 0
    signature: dict[str, str] = field(default_factory=dict)


class Prepared(NamedTuple):
    """The request of one attempt. `head` and `body` are what a receiver would see whole; `wire` is what leaves."""

    head: bytes
    body: bytes
    wire: Wire
    faults: tuple[str, ...] = ()
    spoiled: bool = False

    @property
    def sent(self) -> bytes:
        """What leaves behind the head: the body, or what a fault makes of it."""
        return b"".join(self.wire.parts)[len(self.head) :]

    def to(self, target: Endpoint, *, get: bool, trusted: bool) -> Wire:
        """The same request to another place: a redirect's. With `get` it loses its method and body; who is not
        `trusted` gets no credentials."""
        method = "GET" if get else self.head.partition(b" ")[0].decode()
        lines = [f"{method} {target.resource} HTTP/1.1".encode()]
        for line in self.head.rstrip().split(b"\r\n")[1:]:
            name = line.partition(b":")[0].lower()
            if name == b"host":
                line = b"Host: " + target.authority.encode()
            elif (get and name in _OF_BODY) or (not trusted and is_secret(line)):
                continue
            lines.append(line)
        head = b"\r\n".join(lines) + b"\r\n\r\n"
        return Wire((head,)) if get else Wire((head + self.sent,), ending=self.wire.ending)


def prepare(delivery: Delivery, run: Run, number: int, timestamp: int) -> Prepared:
    """The request of attempt `number` (from 1), signed at `timestamp` (seconds since 1970)."""
    if delivery.faults:
        return _misbehaving(delivery, run, number, timestamp)
    event, place = delivery.event, delivery.place
    key = (event.method, *event.headers.values())
    prefix = place.heads.get(key)
    if prefix is None:
        prefix = place.heads[key] = _prefix(event, place)
    if place.signer is not None:
        lines = [
            f"{name}: {value}\r\n" for name, value in place.signer.headers(delivery.id, timestamp, event.body).items()
        ]
        prefix += "".join(lines)
    head = f"{prefix}Content-Length: {len(event.body)}\r\n\r\n".encode()
    return Prepared(head, event.body, Wire((head, event.body)))


def _prefix(event: Event, place: Destination) -> str:
    lines = [f"{event.method} {place.endpoint.resource} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in place.headers_of(event).items()]
    return "\r\n".join(lines) + "\r\n"


def _misbehaving(delivery: Delivery, run: Run, number: int, timestamp: int) -> Prepared:
    event, place = delivery.event, delivery.place
    out = Outgoing(
        place.endpoint, event.method, place.headers_of(event), event.body, delivery.id, number, delivery.copy
    )
    spoiled = faults.shape(out, delivery.faults, event, run)
    if place.signer is not None:
        out.headers = merged(out.headers, _signature(delivery, place.signer, timestamp, out.body))
    return Prepared(out.head(), out.body, out.wire(), tuple(out.faults), spoiled)


def _signature(delivery: Delivery, signer: Signer, timestamp: int, body: bytes) -> dict[str, str]:
    """The signature headers, spoiled as a `signature` fault asks."""
    kind = next((fault.argument for fault in delivery.faults if fault.name == SIGNATURE), None)
    if kind == "missing":
        return {}
    if kind == "stale":
        return signer.headers(delivery.id, timestamp - STALE_SECONDS, body)
    if kind == "wrong":
        return signer.headers(delivery.id, timestamp, body + b" ")
    if kind == "replayed" and delivery.copy and delivery.signature:
        return delivery.signature
    headers = signer.headers(delivery.id, timestamp, body)
    delivery.signature.update(headers)
    return headers
