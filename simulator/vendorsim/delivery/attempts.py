"""Makes one attempt of a delivery: builds the request, sends it, follows redirects, and judges the answer."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any
from urllib.parse import urljoin

from msgspec.structs import replace

from vendorsim.core.clock import monotonic, wall_clock
from vendorsim.core.errors import InputError
from vendorsim.core.times import iso
from vendorsim.delivery import verdicts
from vendorsim.delivery.lanes import Lane, Room
from vendorsim.delivery.records import LOST, UNREACHABLE, Attempt
from vendorsim.delivery.requests import Delivery, Prepared, prepare
from vendorsim.http.endpoint import Endpoint, endpoint
from vendorsim.http.transport import Answer, Failure, Transport
from vendorsim.runs.timeline import Run
from vendorsim.vendorkit.policy import AS_GET, Policy


class AttemptSender:
    """Sends the attempts of one run. `free` is the room to take meanwhile; its size is `concurrency`."""

    def __init__(self, run: Run, transport: Transport, concurrency: int, *, pin_clock: bool) -> None:
        """With `pin_clock` signature timestamps follow the scenario's clock."""
        self._run = run
        self._transport = transport
        self._pin_clock = pin_clock
        self._reached: set[int] = set()
        self.free = Room(concurrency)

    async def send(self, delivery: Delivery, at: int, sent_at: int, lane: Lane) -> Attempt:
        """Makes the next attempt of a delivery.

        `at` is the scenario's time, `sent_at` that of the wall clock (milliseconds since 1970). `lane` is that
        of the conversation to the target.
        """
        destination = delivery.destination
        policy = destination.policy
        delivery.attempts = number = delivery.attempts + 1
        prepared = prepare(delivery, self._run, number, (at if self._pin_clock else sent_at) // 1000)
        if delivery.outages and (outage := delivery.outage_at(at)) is not None:
            unreached = self._withheld(delivery, prepared, UNREACHABLE, f"an outage until {iso(outage.ends)}", at)
            return replace(unreached, sent_at=sent_at, faults=(*unreached.faults, outage.label))
        flight = lane.begin(delivery, number)
        began = monotonic()
        try:
            answer = await exchange(self._transport, destination.endpoint, prepared, policy)
        finally:
            beside = lane.end(flight)
        milliseconds = (monotonic() - began) * 1000
        verdict, reason = verdicts.judge(answer, milliseconds, policy, delivery.expect, prepared.spoiled)
        if verdict != UNREACHABLE:
            self._reached.add(id(destination))
        answered = answer if isinstance(answer, Answer) else None
        # Positional arguments: keywords double the cost, and this runs for every attempt.
        return Attempt(
            delivery.id,
            delivery.event,
            destination.endpoint.shown,
            number,
            answered.status if answered else None,
            milliseconds,
            verdict,
            reason,
            at,
            sent_at,
            delivery.copy,
            True,
            _faults(delivery, prepared) if delivery.planned else (),
            prepared,
            answered,
            beside,
        )

    def withhold(self, delivery: Delivery, at: int, reason: str) -> Attempt:
        """Returns the record of a delivery that its vendor does not send, since it sends nothing to that hook."""
        delivery.attempts = number = delivery.attempts + 1
        timestamp = (at if self._pin_clock else wall_clock()) // 1000
        return self._withheld(delivery, prepare(delivery, self._run, number, timestamp), LOST, reason, at)

    def _withheld(self, delivery: Delivery, prepared: Prepared, verdict: str, reason: str, at: int) -> Attempt:
        """Returns the record of an attempt without an answer. It has a request, which can be sent by hand later."""
        faults = _faults(delivery, prepared) if delivery.planned else ()
        return replace(unsent(delivery, at, verdict, reason), number=delivery.attempts, request=prepared, faults=faults)

    def pause(self, attempt: Attempt, delivery: Delivery) -> int | None:
        """Returns the milliseconds until the next attempt; None when there is none.

        There is no retry for a target that was never reached: it is probably not running, and retries would hide that.
        """
        reached = id(delivery.destination) in self._reached or delivery.outage_at(attempt.at) is not None
        if attempt.verdict == UNREACHABLE and not reached:
            return None
        return verdicts.pause(attempt, delivery.destination.policy)


def unsent(delivery: Delivery, at: int, verdict: str, reason: str | None = None) -> Attempt:
    """Returns the record of an attempt that was not sent; `at` is the scenario's time (milliseconds since 1970)."""
    return Attempt(
        delivery=delivery.id,
        event=delivery.event,
        target=delivery.destination.endpoint.shown,
        number=delivery.attempts + 1,
        status=None,
        milliseconds=None,
        verdict=verdict,
        reason=reason,
        at=at,
        copy=delivery.copy,
        faults=delivery.planned,
    )


def exchange(
    transport: Transport, target: Endpoint, prepared: Prepared, policy: Policy
) -> Coroutine[Any, Any, Answer | Failure]:
    """Sends one request, and follows redirects as far as the policy allows."""
    connect, read = policy.connect_timeout.value / 1000, policy.read_timeout.value / 1000
    if policy.redirects.value:
        return _followed(transport, target, prepared, policy, connect, read)
    return transport.exchange(target, prepared.wire, connect, read)


async def _followed(
    transport: Transport, target: Endpoint, prepared: Prepared, policy: Policy, connect: float, read: float
) -> Answer | Failure:
    answer = await transport.exchange(target, prepared.wire, connect, read)
    current, get = target, False
    for _ in range(policy.redirects.value):
        following = _redirected(answer, current, policy)
        if following is None or not isinstance(answer, Answer):
            break
        current, get = following, get or policy.redirected.value[answer.status] == AS_GET
        trusted = (current.secure, current.authority) == (target.secure, target.authority)
        answer = await transport.exchange(current, prepared.to(current, get=get, trusted=trusted), connect, read)
    return answer


def _redirected(answer: Answer | Failure, current: Endpoint, policy: Policy) -> Endpoint | None:
    """Returns the endpoint to which an answer redirects; None without a redirect or a usable Location."""
    if not isinstance(answer, Answer) or answer.status not in policy.redirected.value:
        return None
    location = answer.header("location")
    if location is None:
        return None
    scheme = "https" if current.secure else "http"
    try:
        return endpoint(urljoin(f"{scheme}://{current.authority}{current.resource}", location))
    except (InputError, ValueError):
        return None


def _faults(delivery: Delivery, prepared: Prepared) -> tuple[str, ...]:
    """Returns the names of the faults of one attempt: those of its delivery, then those of its request."""
    return (*(name for name in delivery.planned if name not in prepared.faults), *prepared.faults)
