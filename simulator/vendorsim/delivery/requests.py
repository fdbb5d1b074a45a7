"""Builds the request of one attempt from an event and a destination: headers, signature, faults, bytes."""

from __future__ import annotations

from msgspec import Struct, field

from vendorsim.core.event import Event
from vendorsim.delivery import faults
from vendorsim.delivery.destinations import Destination
from vendorsim.delivery.faults import Outage
from vendorsim.http.endpoint import Endpoint, merged
from vendorsim.http.masking import is_secret
from vendorsim.http.outgoing import Outgoing, Wire
from vendorsim.runs.timeline import Run
from vendorsim.scenario.faults import SIGNATURE, Fault
from vendorsim.scenario.model import Expectation
from vendorsim.vendorkit.signing import Signer

STALE_SECONDS = 3_600
# Captured events have headers of their own, such as the ids of their deliveries.
MOST_HEADS = 1_000
_OF_BODY = {b"content-length", b"content-type", b"transfer-encoding", b"expect"}


class Delivery(Struct):
    """The delivery of one event to one destination, over all its attempts.

    A duplicate is another `Delivery` with the same id and another `copy` number. Both share `signature`, the signature
    headers of the first attempt.

    At its first attempt `twins` leave at once with it. `overlap` is the number of consecutive events that leave at
    once, beginning with this one. With `impatient` the second attempt begins while the first one is under way. A
    delivery that is `behind` leaves only when everything sent before it has been answered. `outages` are milliseconds
    since 1970 here. `refused` is why the integration has not accepted the last attempt; None if it accepted it, or
    could not have.
    """

    id: str
    event: Event
    destination: Destination
    expect: Expectation | None
    faults: tuple[Fault, ...] = ()
    planned: tuple[str, ...] = ()
    copy: int = 0
    attempts: int = 0
    signature: dict[str, str] = field(default_factory=dict)
    twins: tuple[Delivery, ...] = ()
    overlap: int = 1
    impatient: bool = False
    behind: bool = False
    outages: tuple[Outage, ...] = ()
    refused: str | None = None

    def outage_at(self, at: int) -> Outage | None:
        """Returns the outage at a time of the scenario (milliseconds since 1970), or None."""
        for outage in self.outages:
            if outage.begins <= at < outage.ends:
                return outage
        return None


class Prepared(Struct, frozen=True):
    """The request of one attempt. `head` and `body` are the complete request, `wire` what is really sent."""

    head: bytes
    body: bytes
    wire: Wire
    faults: tuple[str, ...] = ()
    spoiled: bool = False

    @property
    def sent(self) -> bytes:
        """The bytes that are sent after the head: the body, or what a fault has made of it."""
        return b"".join(self.wire.parts)[len(self.head) :]

    def to(self, target: Endpoint, *, get: bool, trusted: bool) -> Wire:
        """Returns the request that follows a redirect to `target`.

        With `get` it is a GET without a body. A target that is not `trusted` gets no credentials.
        """
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
        return (
            Wire((head,), connection=self.wire.connection)
            if get
            else Wire((head + self.sent,), ending=self.wire.ending, connection=self.wire.connection)
        )


def prepare(delivery: Delivery, run: Run, number: int, timestamp: int) -> Prepared:
    """Builds the request of attempt `number` (from 1), signed at `timestamp` (seconds since 1970)."""
    if delivery.faults:
        return _misbehaving(delivery, run, number, timestamp)
    event, destination = delivery.event, delivery.destination
    key = event.method, id(event.headers)
    known = destination.heads.get(key)
    if known is None:
        if len(destination.heads) >= MOST_HEADS:
            destination.heads.clear()
        known = destination.heads[key] = event.headers, _prefix(event, destination)
    prefix = known[1]
    if destination.signer is not None:
        lines = [
            f"{name}: {value}\r\n"
            for name, value in destination.signer.headers(delivery.id, timestamp, event.body).items()
        ]
        prefix += "".join(lines)
    body = event.body
    head = f"{prefix}Content-Length: {len(body)}\r\n\r\n".encode()
    return Prepared(head, body, Wire((head, body), connection=destination.policy.connections.value))


def _prefix(event: Event, destination: Destination) -> str:
    lines = [f"{event.method} {destination.endpoint.resource} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in destination.headers_of(event).items()]
    return "\r\n".join(lines) + "\r\n"


def _misbehaving(delivery: Delivery, run: Run, number: int, timestamp: int) -> Prepared:
    event, destination = delivery.event, delivery.destination
    out = Outgoing(
        destination.endpoint,
        event.method,
        destination.headers_of(event),
        event.body,
        delivery.id,
        number,
        delivery.copy,
        connection=destination.policy.connections.value,
    )
    spoiled = faults.shape(out, delivery.faults, event, run)
    if destination.signer is not None:
        out.headers = merged(out.headers, _signature(delivery, destination.signer, timestamp, out.body))
    return Prepared(out.head(), out.body, out.wire(), tuple(out.faults), spoiled)


def _signature(delivery: Delivery, signer: Signer, timestamp: int, body: bytes) -> dict[str, str]:
    """Returns the signature headers, with the `signature` fault of the delivery applied."""
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
