"""Plays a run: every conversation by the clock, every event to every target that gets it, in order.

Conversations go side by side; within one, an event is sent when the one before it has been answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from simulator.config import Target
from simulator.delivery.clock import Clock, monotonic
from simulator.delivery.endpoint import Endpoint, endpoint, head, merged
from simulator.delivery.records import (
    BROKEN,
    DELIVERED,
    NOT_JUDGED,
    NOT_SENT,
    REJECTED,
    TIMED_OUT,
    UNREACHABLE,
    Attempt,
    Authentication,
    Record,
    Summary,
)
from simulator.delivery.sequencer import Sequencer
from simulator.delivery.transport import TIMEOUT, Answer, Failure, Transport
from simulator.delivery.transport import UNREACHABLE as NO_CONNECTION
from simulator.events import Event
from simulator.scenario.model import Expectation
from simulator.scenario.verbs import Authenticate
from simulator.timeline import LiveConversation, Run, Scheduled
from simulator.vendors.base import Policy

if TYPE_CHECKING:
    from simulator.delivery.calls import CallJudge

T = TypeVar("T")
# How long the answers of what is in flight are waited for once a run is interrupted, in seconds.
GRACE = 2.0


@dataclass(frozen=True, slots=True)
class Destination:
    """A target made ready: its endpoint, and the heads of its requests by the vendor's headers."""

    target: Target
    endpoint: Endpoint
    headers: Mapping[str, str]
    heads: dict[tuple[str, tuple[tuple[str, str], ...]], bytes] = field(default_factory=dict)

    def request(self, event: Event) -> bytes:
        """The bytes of the request that carries an event."""
        key = (event.method, tuple(event.headers.items()))
        prepared = self.heads.get(key)
        if prepared is None:
            headers = merged(event.headers, self.headers)
            prepared = self.heads[key] = head(self.endpoint, event.method, headers) + b"Content-Length: "
        return b"%b%d\r\n\r\n%b" % (prepared, len(event.body), event.body)


def destination(target: Target, headers: Mapping[str, str]) -> Destination:
    """A destination from its target and the headers of the command line, which win. Raises InputError."""
    return Destination(target, endpoint(target.url), merged(target.headers, headers))


class Player:
    """Plays one run once."""

    def __init__(
        self,
        run: Run,
        destinations: Sequence[Destination],
        transport: Transport,
        clock: Clock,
        emit: Callable[[Record], None],
        *,
        count: int = 1,
        concurrency: int = 16,
        calls: CallJudge | None = None,
    ) -> None:
        self._run = run
        self._policy: Policy = run.profile.policy
        self._destinations = destinations
        self._transport = transport
        self._clock = clock
        self._count = count
        self._concurrency = concurrency
        self._sending = asyncio.Semaphore(concurrency)
        self._calls = calls
        self._stop = asyncio.Event()
        self.summary = Summary(
            scenario=run.scenario.title,
            vendor=run.vendor.name,
            profile=run.profile.name,
            seed=run.seed,
            start=run.starts,
            conversations=count,
            targets=tuple(item.endpoint.shown for item in destinations),
        )

        def record(value: Record) -> None:
            self.summary.add(value)
            emit(value)

        self._records = Sequencer(record)

    def stop(self) -> None:
        """Ends the run early: nothing new is sent, and what is in flight has two seconds to be answered."""
        self.summary.interrupted = True
        self._stop.set()
        asyncio.get_running_loop().call_later(GRACE, self._transport.abort)

    async def play(self) -> Summary:
        """Plays all conversations and returns the summary."""
        # At full speed nothing waits, so as many conversations are under way as may send at once;
        # by the clock any number may be waiting for their next step.
        under_way = asyncio.Semaphore(self._concurrency) if self._clock.instant else None
        async with asyncio.TaskGroup() as tasks:
            for index in range(self._count):
                if not await self._reached(self._run.starts + index * self._run.spacing):
                    break
                if under_way is not None:
                    await under_way.acquire()
                if self._stop.is_set():
                    break
                self.summary.started += 1
                tasks.create_task(self._converse(index, under_way))
        self._records.flush()
        return self.summary

    async def _reached(self, at: int) -> bool:
        """Waits for the scenario's time; False when the run is stopped before."""
        if self._stop.is_set():
            return False
        if self._clock.instant:
            return True
        await self._unless_stopped(self._clock.until(at))
        return not self._stop.is_set()

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of `work`, or None when the run is stopped first."""
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            working.cancel()
        return working.result() if working.done() else None

    async def _converse(self, index: int, under_way: asyncio.Semaphore | None) -> None:
        live = self._run.conversation(index)
        if self._calls is not None:
            self._calls.attach(live)
        try:
            for scheduled in self._run.schedule(index):
                going_on = await self._reached(scheduled.at)
                events = live.advance(scheduled)
                for event in events:
                    await self._to_all(event, scheduled.step.expect, going_on)
                if isinstance(scheduled.step.verb, Authenticate):
                    await self._authenticate(live, scheduled, going_on)
        finally:
            self._records.finish(index)
            if self._calls is not None:
                self._calls.finish(live)
            if under_way is not None:
                under_way.release()

    async def _to_all(self, event: Event, expect: Expectation | None, going_on: bool) -> None:
        for number, place in enumerate(self._destinations):
            if not place.target.gets(event.name, self._run.profile):
                continue
            delivery = f"{event.id}-{number}"
            if not going_on or self._stop.is_set():
                self._records.add(event.index, Attempt(delivery, event, place.endpoint.shown, 1, None, None, NOT_SENT))
                continue
            async with self._sending:
                attempt = await self._attempt(delivery, event, place, expect)
            self._records.add(event.index, attempt)
            if attempt.verdict == UNREACHABLE:
                self.summary.unreachable = f"{place.endpoint.shown}: {attempt.reason}"
                self._stop.set()

    async def _attempt(self, delivery: str, event: Event, place: Destination, expect: Expectation | None) -> Attempt:
        policy = self._policy
        began = monotonic()
        answer = await self._transport.exchange(
            place.endpoint,
            place.request(event),
            policy.connect_timeout.value / 1000,
            policy.read_timeout.value / 1000,
        )
        milliseconds = (monotonic() - began) * 1000
        verdict, reason = judge(answer, milliseconds, policy, expect)
        status = answer.status if isinstance(answer, Answer) else None
        return Attempt(delivery, event, place.endpoint.shown, 1, status, milliseconds, verdict, reason)

    async def _authenticate(self, live: LiveConversation, scheduled: Scheduled, going_on: bool) -> None:
        verb = scheduled.step.verb
        assert isinstance(verb, Authenticate)
        record = None
        if self._calls is not None and going_on and not self._stop.is_set():
            record = await self._unless_stopped(self._calls.judge(live, verb))
        if record is None:
            why = "the run ended early" if self._calls is not None else "play with --serve to have it judged"
            identifier = verb.identifier or live.state.visitor.identifier
            record = Authentication(live.state.index, live.id, identifier, NOT_JUDGED, reason=why)
        self._records.add(live.state.index, record)


def judge(
    answer: Answer | Failure, milliseconds: float, policy: Policy, expect: Expectation | None
) -> tuple[str, str | None]:
    """The verdict on one exchange, and the reason where it is not "delivered"."""
    if isinstance(answer, Failure):
        verdict = {NO_CONNECTION: UNREACHABLE, TIMEOUT: TIMED_OUT}.get(answer.kind, BROKEN)
        return verdict, answer.reason
    if expect is not None and expect.status:
        if answer.status not in expect.status:
            wanted = " or ".join(map(str, expect.status))
            return REJECTED, f"answered {answer.status}, the step expects {wanted}"
    elif answer.status not in policy.accepted.value:
        return REJECTED, f"answered {answer.status}, the vendor expects {statuses(policy.accepted.value)}"
    if expect is not None and expect.within is not None and milliseconds > expect.within:
        return REJECTED, f"answered after {milliseconds:.0f} ms, the step expects it within {expect.within} ms"
    return DELIVERED, answer.oddity


def statuses(accepted: frozenset[int]) -> str:
    """Accepted statuses as people write them: `200`, `200-299`."""
    ordered = sorted(accepted)
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{ordered[0]}-{ordered[-1]}"
    return " or ".join(map(str, ordered))
