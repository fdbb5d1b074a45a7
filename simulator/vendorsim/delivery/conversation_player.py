"""Plays one conversation: executes its steps by the clock, and sends each event to each destination that receives it.

An agenda orders all attempts by the scenario's time, so retries, delays and reordering need no code of their own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import orjson

from vendorsim.core.clock import Clock
from vendorsim.core.event import Event
from vendorsim.delivery import faults
from vendorsim.delivery.agenda import Agenda
from vendorsim.delivery.attempts import AttemptSender, unsent
from vendorsim.delivery.call_judge import CallJudge
from vendorsim.delivery.destinations import Destinations
from vendorsim.delivery.play_options import PlayOptions
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
from vendorsim.delivery.requests import Delivery
from vendorsim.runs.timeline import NO_STEP, LiveConversation, Run
from vendorsim.scenario.faults import Fault
from vendorsim.scenario.model import Step
from vendorsim.scenario.verbs import Authenticate
from vendorsim.vendorkit.policy import ORDERED
from vendorsim.vendorkit.profile import Failed

T = TypeVar("T")
# Verdicts that the vendor counts as failures of the integration.
FAILURES = frozenset({REJECTED, TIMED_OUT, BROKEN, UNREACHABLE})


@dataclass(slots=True)
class RunContext:
    """What the conversations of one run share.

    `emit` receives every record, and the end of each conversation. `stopped` is set when the player must send nothing
    new. `asked_for` are the ids (`id()`) of the destinations with which the run began.
    """

    run: Run
    destinations: Destinations
    options: PlayOptions
    sender: AttemptSender
    summary: Summary
    emit: Callable[[Record | Over], None]
    stopped: asyncio.Event
    asked_for: frozenset[int]
    calls: CallJudge | None = None

    def record(self, value: Record) -> None:
        """Counts a record and emits it."""
        self.summary.add(value)
        self.emit(value)

    async def until(self, at: int, clock: Clock) -> None:
        """Waits for a scenario time (milliseconds since 1970) or the end of the run. Not for instant clocks."""
        if not self.stopped.is_set():
            await self.unless_stopped(clock.until(at))

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Returns the result of `work`, or None when the run is stopped first."""
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self.stopped.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            working.cancel()
        return working.result() if working.done() else None


class ConversationPlayer:
    """Plays one conversation by a clock."""

    __slots__ = ("_agenda", "_busy", "_clock", "_context", "_live", "_now", "_queued")

    def __init__(self, context: RunContext, live: LiveConversation, clock: Clock, now: int) -> None:
        """`now` is the scenario's time (milliseconds since 1970) at which it begins."""
        self._context = context
        self._live = live
        self._clock = clock
        self._now = now
        self._agenda = Agenda()
        # For vendors that keep events in order, by destination: the delivery in progress, and those that wait for it.
        self._busy: dict[int, Delivery] = {}
        self._queued: dict[int, deque[Delivery]] = {}

    async def play(self) -> None:
        """Plays the scenario from the first step to the last delivery."""
        context, live, clock = self._context, self._live, self._clock
        for scheduled in context.run.schedule(live.state.index):
            await self._send_until(scheduled.at)
            if not clock.instant:
                await context.until(scheduled.at, clock)
            self._now = max(self._now, scheduled.at)
            with live.lock:
                events = live.advance(scheduled)
            for event in events:
                self._enter(event, scheduled.step)
            if isinstance(scheduled.step.verb, Authenticate):
                await self._send_until(scheduled.at)
                await self._authenticate(scheduled.step.verb)
        with live.lock:
            events = live.finish()
        await self.send(events)

    async def send(self, events: list[Event]) -> None:
        """Sends events that no step of the scenario has caused, and everything still on the agenda."""
        for event in events:
            self._enter(event, NO_STEP)
        self._agenda.release(self._now)
        self._agenda.ended(self._now)
        await self._send_until(None)

    def _enter(self, event: Event, step: Step) -> None:
        """Adds a delivery of an event to the agenda for each destination that receives it, and applies faults to it."""
        context = self._context
        options = context.options
        chosen = (*options.faults, *step.faults)
        for number, destination in context.destinations.numbered():
            if not destination.target.gets(event.name, context.run.profile):
                continue
            delivery = Delivery(f"{event.id}-{number}", event, destination, step.expect)
            active = () if options.active_faults is None else options.active_faults.take(event.name)
            if not chosen and not active:
                self._agenda.add(event.at, delivery)
            else:
                self._enter_misbehaving(delivery, (*chosen, *active))
        self._agenda.passed(event.at)

    def _enter_misbehaving(self, delivery: Delivery, chosen: tuple[Fault, ...]) -> None:
        event = delivery.event
        plan, delivery.faults = faults.plan(chosen, event, delivery.id, self._context.run.seed)
        delivery.planned = tuple(plan.faults)
        if plan.dropped:
            self._context.record(unsent(delivery, event.at, DROPPED, "dropped on purpose"))
            return
        for copy in range(plan.copies):
            one = replace(delivery, copy=copy)
            if plan.late is not None:
                self._agenda.add_late(plan.late + plan.delay, one)
            elif plan.behind:
                self._agenda.add_behind(plan.behind + 1, plan.delay, one)
            else:
                self._agenda.add(event.at + plan.delay, one)

    async def _send_until(self, limit: int | None) -> None:
        """Sends what is due up to a time (milliseconds since 1970); with None, everything."""
        agenda = self._agenda
        while (due := agenda.next_at()) is not None and (limit is None or due <= limit):
            at, delivery = agenda.pop()
            if not self._clock.instant:
                await self._context.until(at, self._clock)
            self._now = max(self._now, at)
            await self._try(delivery)

    async def _try(self, delivery: Delivery) -> None:
        """Makes one attempt and handles its outcome: retry, deliveries that wait for it, failure."""
        context, agenda = self._context, self._agenda
        destination = id(delivery.destination)
        keeps_order = delivery.destination.policy.ordering.value == ORDERED
        if context.stopped.is_set():
            context.record(unsent(delivery, self._now, NOT_SENT))
            self._release_queued(destination)
            return
        if keeps_order and self._busy.setdefault(destination, delivery) is not delivery:
            self._queued.setdefault(destination, deque()).append(delivery)
            return
        attempt = await context.sender.send(delivery, self._now)
        self._now = self._clock.now(self._now)
        pause = context.sender.pause(attempt, delivery)
        if pause is not None:
            attempt = replace(attempt, final=False)
            agenda.add(self._now + pause, delivery)
        elif keeps_order:
            del self._busy[destination]
            self._release_queued(destination)
        context.record(attempt)
        # Only the run's own targets stop it: one that subscribed through the vendor's API may disappear again.
        if attempt.verdict == UNREACHABLE and attempt.final and destination in context.asked_for:
            context.summary.unreachable = f"{attempt.target}: {attempt.reason}"
            # A run without conversations of its own goes on: the target may start later.
            if context.options.count or not context.options.stays:
                context.stopped.set()
        if attempt.final and context.run.profile.failed is not None and _is_failure(attempt, delivery):
            self._report_failure(attempt, delivery)

    def _release_queued(self, destination: int) -> None:
        """Schedules the deliveries to a destination that waited for the one in progress."""
        for waiting in self._queued.pop(destination, ()):
            self._agenda.add(self._now, waiting)

    def _report_failure(self, attempt: Attempt, delivery: Delivery) -> None:
        """Sends the events with which the vendor reacts to a delivery that has finally failed."""
        event, kind = delivery.event, delivery.destination.target.kind
        failure = Failed(event.name, orjson.loads(event.body), kind, attempt.status, attempt.reason or "")
        with self._live.lock:
            events = self._live.failed(failure, self._now)
        for event in events:
            self._enter(event, NO_STEP)

    async def _authenticate(self, verb: Authenticate) -> None:
        context, live = self._context, self._live
        record = None
        if context.calls is not None and not context.stopped.is_set():
            record = await context.unless_stopped(context.calls.judge(live, verb))
        if record is None:
            why = "the run ended early" if context.calls is not None else "play with --serve to have it judged"
            with live.lock:
                identifier = verb.identifier or live.state.visitor.identifier
            record = Authentication(live.state.index, live.id, identifier, NOT_JUDGED, reason=why)
        context.record(record)


def _is_failure(attempt: Attempt, delivery: Delivery) -> bool:
    """Returns whether the vendor counts an attempt as failed, whatever answer the scenario expects."""
    if attempt.status is None:
        return attempt.verdict in FAILURES
    return attempt.status not in delivery.destination.policy.accepted.value
