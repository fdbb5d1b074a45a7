"""Plays a run: every conversation by the clock, every event to every target that gets it, as the policy says.

Conversations go side by side. Within one, everything that is sent stands on an agenda by the scenario's time, so
retries, delays and disorder need no rules of their own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, TypeVar

import orjson

from vendorsim.conversation.casting import AS_CAST, Opening
from vendorsim.core.clock import Clock, monotonic, wall_clock
from vendorsim.core.event import Event
from vendorsim.delivery import faults, verdicts
from vendorsim.delivery.active_faults import Armed
from vendorsim.delivery.agenda import Agenda
from vendorsim.delivery.call_judge import CallJudge
from vendorsim.delivery.destinations import Places
from vendorsim.delivery.records import (
    BROKEN,
    DROPPED,
    NOT_JUDGED,
    NOT_SENT,
    REJECTED,
    TIMED_OUT,
    UNREACHABLE,
    Attempt,
    Authentication,
    Over,
    Record,
    Summary,
)
from vendorsim.delivery.requests import Delivery, Prepared, prepare
from vendorsim.http.transport import Answer, Transport
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import NO_STEP, LiveConversation, Run
from vendorsim.scenario.faults import Fault
from vendorsim.scenario.model import Step
from vendorsim.scenario.verbs import Authenticate
from vendorsim.vendorkit.policy import ORDERED
from vendorsim.vendorkit.profile import Failed

T = TypeVar("T")
# How long the answers of what is in flight are waited for once a run is interrupted, in seconds.
GRACE = 2.0
# What the vendor counts as a failure of the integration.
FAILURES = frozenset({REJECTED, TIMED_OUT, BROKEN, UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is played. `faults` are those of the command line; a step's own come on top.

    `armed` are those that are switched on by hand meanwhile.
    With `stays` the run goes on after its conversations, for those that are opened from outside, until it is stopped.
    """

    count: int = 1
    concurrency: int = 16
    faults: tuple[Fault, ...] = ()
    pin_clock: bool = False
    stays: bool = False
    armed: Armed | None = None


@dataclass(slots=True)
class _Talk:
    """One conversation while it is played by a clock. `busy` and `queued` serve vendors that keep events in order."""

    live: LiveConversation
    agenda: Agenda
    now: int
    clock: Clock
    busy: dict[int, Delivery] = field(default_factory=dict)
    queued: dict[int, deque[Delivery]] = field(default_factory=dict)


class Player:
    """Plays one run once."""

    def __init__(
        self,
        run: Run,
        places: Places,
        transport: Transport,
        clock: Clock,
        emit: Callable[[Record | Over], None],
        options: Options,
        *,
        calls: CallJudge | None = None,
        room: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`emit` gets every record as it happens, and the end of every conversation; `room` is awaited before a
        conversation starts, and holds the run back while whoever gets the records can't keep up."""
        self._run = run
        self.places = places
        self._transport = transport
        self._clock = clock
        self._options = options
        self._sending = asyncio.Semaphore(options.concurrency)
        self._calls = calls
        self._room = room
        self._stop = asyncio.Event()
        self._reached_once: set[int] = set()
        self._asked_for = {id(place) for _, place in places.numbered()}
        self._tasks: asyncio.TaskGroup | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = Lock()
        # Set once conversations can be opened from outside.
        self.ready = asyncio.Event()
        # Set once the conversations of the run are over, though it may stay for others.
        self.told = asyncio.Event()
        self._under_way = 0
        self._all_begun = False
        self._opened = options.count
        self.summary = Summary(
            scenario=run.scenario.title,
            vendor=run.vendor.name,
            profile=run.profile.name,
            seed=run.seed,
            start=run.starts,
            conversations=options.count,
            targets=tuple(place.endpoint.shown for _, place in places.numbered()),
            order=run.profile.event_names(),
        )

        self._emit = emit

    def stop(self, *, aborting: bool = True) -> None:
        """Ends the run early: nothing new is sent. What is in flight has two seconds to be answered where the
        transport is this run's alone (`aborting`); else it is waited for."""
        self.summary.interrupted = True
        self._stop.set()
        if aborting:
            asyncio.get_running_loop().call_later(GRACE, self._transport.abort)

    async def play(self) -> Summary:
        """Plays all conversations and returns the summary."""
        # At full speed nothing waits, so as many conversations are under way as may send at once;
        # by the clock any number may be waiting for their next step.
        under_way = asyncio.Semaphore(self._options.concurrency) if self._clock.instant else None
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self.ready.set()
            for index in range(self._options.count):
                if not self._clock.instant:
                    await self._until(self._run.starts + index * self._run.spacing, self._clock)
                if self._stop.is_set():
                    break
                if self._room is not None:
                    await self._room()
                if under_way is not None:
                    await under_way.acquire()
                if self._stop.is_set():
                    break
                self._begin(tasks, index, self._clock, under_way)
            self._all_begun = True
            self._note_end()
            if self._options.stays:
                await self._stop.wait()
        self._tasks = None
        return self.summary

    def _note_end(self) -> None:
        if self._all_begun and not self._under_way:
            self.told.set()

    def begin(self, index: int, clock: Clock) -> None:
        """Begins conversation `index` now, by a clock of its own. In the event loop, while the run is played."""
        assert self._tasks is not None
        self._begin(self._tasks, index, clock, None)

    def _begin(self, tasks: asyncio.TaskGroup, index: int, clock: Clock, under_way: asyncio.Semaphore | None) -> None:
        self.summary.started += 1
        self._under_way += 1
        tasks.create_task(self._converse(index, clock, under_way))

    def open(self, opening: Opening = AS_CAST) -> LiveHandle:
        """A new conversation, whose steps come from outside. Any thread."""
        with self._opening:
            index, self._opened = self._opened, self._opened + 1
        at = self._clock.now(self._run.starts + index * self._run.spacing)
        return LiveHandle(self._run.opened(index, at, opening), self._clock, self._post)

    def _post(self, live: LiveConversation, events: list[Event]) -> None:
        """Sends what was caused from outside. Any thread; a run that is over sends nothing any more."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, live, events)

    def _take(self, live: LiveConversation, events: list[Event]) -> None:
        if self._tasks is None:
            return
        sending = self._send_posted(live, events)
        try:
            self._tasks.create_task(sending)
        except RuntimeError:
            # The last conversation ended this very moment.
            sending.close()

    async def _send_posted(self, live: LiveConversation, events: list[Event]) -> None:
        talk = _Talk(live, Agenda(), max(event.at for event in events), self._clock)
        for event in events:
            self._enter(event, NO_STEP, talk)
        talk.agenda.release(talk.now)
        talk.agenda.ended(talk.now)
        await self._send_until(None, talk)

    def _record(self, value: Record) -> None:
        self.summary.add(value)
        self._emit(value)

    async def _until(self, at: int, clock: Clock) -> None:
        """Waits for the scenario's time, unless the run is stopped before. Only for clocks by which that takes time."""
        if not self._stop.is_set():
            await self._unless_stopped(clock.until(at))

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

    async def _converse(self, index: int, clock: Clock, under_way: asyncio.Semaphore | None) -> None:
        live = self._run.conversation(index)
        talk = _Talk(live, Agenda(), live.state.started_at, clock)
        if self._calls is not None:
            self._calls.attach(live, LiveHandle(live, clock, self._post))
        try:
            for scheduled in self._run.schedule(index):
                await self._send_until(scheduled.at, talk)
                if not clock.instant:
                    await self._until(scheduled.at, clock)
                talk.now = max(talk.now, scheduled.at)
                with live.lock:
                    events = live.advance(scheduled)
                for event in events:
                    self._enter(event, scheduled.step, talk)
                if isinstance(scheduled.step.verb, Authenticate):
                    await self._send_until(scheduled.at, talk)
                    await self._authenticate(live, scheduled.step.verb)
            with live.lock:
                events = live.finish()
            for event in events:
                self._enter(event, NO_STEP, talk)
            talk.agenda.release(talk.now)
            talk.agenda.ended(talk.now)
            await self._send_until(None, talk)
        finally:
            self._emit(Over(index))
            self._under_way -= 1
            self._note_end()
            if self._calls is not None:
                self._calls.finish(live)
            if under_way is not None:
                under_way.release()

    def _enter(self, event: Event, step: Step, talk: _Talk) -> None:
        """Puts an event on the agenda, once for each destination that gets it, as its faults plan it."""
        asked = (*self._options.faults, *step.faults)
        for number, place in self.places.numbered():
            if not place.target.gets(event.name, self._run.profile):
                continue
            delivery = Delivery(f"{event.id}-{number}", event, place, step.expect)
            armed = () if self._options.armed is None else self._options.armed.take(event.name)
            if not asked and not armed:
                talk.agenda.add(event.at, delivery)
            else:
                self._enter_misbehaving(delivery, (*asked, *armed), talk)
        talk.agenda.passed(event.at)

    def _enter_misbehaving(self, delivery: Delivery, asked: tuple[Fault, ...], talk: _Talk) -> None:
        event = delivery.event
        plan, delivery.faults = faults.plan(asked, event, delivery.id, self._run.seed)
        delivery.planned = tuple(plan.faults)
        if plan.dropped:
            self._record(self._unsent(delivery, event.at, DROPPED, "dropped on purpose"))
            return
        for copy in range(plan.copies):
            one = replace(delivery, copy=copy)
            if plan.late is not None:
                talk.agenda.add_late(plan.late + plan.delay, one)
            elif plan.behind:
                talk.agenda.add_behind(plan.behind + 1, plan.delay, one)
            else:
                talk.agenda.add(event.at + plan.delay, one)

    async def _send_until(self, limit: int | None, talk: _Talk) -> None:
        """Sends what is due up to a time (milliseconds since 1970), or everything."""
        agenda = talk.agenda
        while (due := agenda.next_at()) is not None and (limit is None or due <= limit):
            at, delivery = agenda.pop()
            if not talk.clock.instant:
                await self._until(at, talk.clock)
            talk.now = max(talk.now, at)
            await self._try(delivery, talk)

    async def _try(self, delivery: Delivery, talk: _Talk) -> None:
        """One attempt, and what follows from it."""
        place = id(delivery.place)
        keeps_order = delivery.place.policy.ordering.value == ORDERED
        if self._stop.is_set():
            self._record(self._unsent(delivery, talk.now, NOT_SENT))
            for waiting in talk.queued.pop(place, ()):
                talk.agenda.add(talk.now, waiting)
            return
        if keeps_order and talk.busy.setdefault(place, delivery) is not delivery:
            talk.queued.setdefault(place, deque()).append(delivery)
            return
        await self._sending.acquire()
        try:
            attempt = await self._attempt(delivery, talk.now)
        finally:
            self._sending.release()
        talk.now = talk.clock.now(talk.now)
        pause = self._pause(attempt, delivery)
        if pause is not None:
            attempt = replace(attempt, final=False)
            talk.agenda.add(talk.now + pause, delivery)
        elif keeps_order:
            del talk.busy[place]
            for waiting in talk.queued.pop(place, ()):
                talk.agenda.add(talk.now, waiting)
        self._record(attempt)
        # One that has subscribed by the vendor's API meanwhile may be gone again.
        if attempt.verdict == UNREACHABLE and attempt.final and id(delivery.place) in self._asked_for:
            self.summary.unreachable = f"{delivery.place.endpoint.shown}: {attempt.reason}"
            # A run that only waits for others to begin conversations goes on: the target may come.
            if self._options.count or not self._options.stays:
                self._stop.set()
        if attempt.final and self._is_failure(attempt, delivery):
            self._tell_failure(attempt, delivery, talk)

    def _is_failure(self, attempt: Attempt, delivery: Delivery) -> bool:
        """Whether the vendor counts it as not taken, whatever the scenario expects of the answer."""
        if attempt.status is None:
            return attempt.verdict in FAILURES
        return attempt.status not in delivery.place.policy.accepted.value

    def _tell_failure(self, attempt: Attempt, delivery: Delivery, talk: _Talk) -> None:
        """What the vendor makes of a delivery that has failed for good."""
        if self._run.profile.failed is None:
            return
        event, kind = delivery.event, delivery.place.target.kind
        failure = Failed(event.name, orjson.loads(event.body), kind, attempt.status, attempt.reason or "")
        with talk.live.lock:
            events = talk.live.failed(failure, talk.now)
        for event in events:
            self._enter(event, NO_STEP, talk)

    async def _attempt(self, delivery: Delivery, at: int) -> Attempt:
        place = delivery.place
        policy = place.policy
        delivery.attempts += 1
        sent_at = wall_clock()
        timestamp = at // 1000 if self._options.pin_clock else sent_at // 1000
        prepared = prepare(delivery, self._run, delivery.attempts, timestamp)
        began = monotonic()
        answer = await verdicts.exchange(self._transport, place.endpoint, prepared, policy)
        milliseconds = (monotonic() - began) * 1000
        verdict, reason = verdicts.judge(answer, milliseconds, policy, delivery.expect, prepared.spoiled)
        if verdict != UNREACHABLE:
            self._reached_once.add(id(place))
        answered = answer if isinstance(answer, Answer) else None
        # By position, since names double the price of a value that is made for every event.
        return Attempt(
            delivery.id,
            delivery.event,
            place.endpoint.shown,
            delivery.attempts,
            answered.status if answered else None,
            milliseconds,
            verdict,
            reason,
            at,
            sent_at,
            delivery.copy,
            True,
            _shown(delivery, prepared) if delivery.planned else (),
            prepared,
            answered,
        )

    def _pause(self, attempt: Attempt, delivery: Delivery) -> int | None:
        """Milliseconds until the next attempt; None when there is none.

        A target that has never been reached is not there: trying again would only hide it.
        """
        if attempt.verdict == UNREACHABLE and id(delivery.place) not in self._reached_once:
            return None
        return verdicts.pause(attempt, delivery.place.policy)

    def _unsent(self, delivery: Delivery, at: int, verdict: str, reason: str | None = None) -> Attempt:
        return Attempt(
            delivery=delivery.id,
            event=delivery.event,
            target=delivery.place.endpoint.shown,
            number=delivery.attempts + 1,
            status=None,
            milliseconds=None,
            verdict=verdict,
            reason=reason,
            at=at,
            copy=delivery.copy,
            faults=delivery.planned,
        )

    async def _authenticate(self, live: LiveConversation, verb: Authenticate) -> None:
        record = None
        if self._calls is not None and not self._stop.is_set():
            record = await self._unless_stopped(self._calls.judge(live, verb))
        if record is None:
            why = "the run ended early" if self._calls is not None else "play with --serve to have it judged"
            with live.lock:
                identifier = verb.identifier or live.state.visitor.identifier
            record = Authentication(live.state.index, live.id, identifier, NOT_JUDGED, reason=why)
        self._record(record)


def _shown(delivery: Delivery, prepared: Prepared) -> tuple[str, ...]:
    """The faults of one attempt: those of its delivery, then those of its request."""
    return (*(name for name in delivery.planned if name not in prepared.faults), *prepared.faults)
