"""Plays one conversation: executes its steps by the clock, and sends each event to each destination that receives it.

An agenda orders all attempts by the scenario's time, so retries, delays and reordering need no code of their own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from vendorsim.core.clock import Clock, wall_clock
from vendorsim.core.event import Event
from vendorsim.core.times import iso
from vendorsim.delivery import faults
from vendorsim.delivery.agenda import Agenda
from vendorsim.delivery.attempts import AttemptSender, unsent
from vendorsim.delivery.call_judge import CallJudge
from vendorsim.delivery.destinations import Destination, Destinations
from vendorsim.delivery.expectations import not_judged
from vendorsim.delivery.hooks import Hook
from vendorsim.delivery.lanes import Lane, Lanes
from vendorsim.delivery.play_options import PlayOptions
from vendorsim.delivery.records import (
    BROKEN,
    DELIVERED,
    DROPPED,
    FALLS_SHORT,
    GIVEN_UP,
    LOST,
    NOT_JUDGED,
    NOT_SENT,
    REJECTED,
    TIMED_OUT,
    UNREACHABLE,
    Attempt,
    Over,
    Probed,
    Record,
    Summary,
)
from vendorsim.delivery.requests import Delivery
from vendorsim.delivery.salvos import Salvo, Salvos
from vendorsim.delivery.state_judge import judge_state
from vendorsim.probes.model import StateProbe
from vendorsim.runs.timeline import NO_STEP, LiveConversation, Run
from vendorsim.runs.variation import Scheduled
from vendorsim.scenario.faults import Fault
from vendorsim.scenario.model import Step
from vendorsim.scenario.verbs import Authenticate, ExpectCall, Probe, SetSink
from vendorsim.vendorkit.policy import ORDERED
from vendorsim.vendorkit.profile import Failed

T = TypeVar("T")
# Verdicts that the vendor counts as failures of the integration.
FAILURES = frozenset({REJECTED, TIMED_OUT, BROKEN, UNREACHABLE, LOST})
# An impatient sender tries again after that part of the read timeout, at the earliest after that many seconds. It is
# short, so that the attempts overlap in fast receivers, too.
PATIENCE, LEAST_PATIENCE = 1 / 1000, 0.005
_EXPECTS_CALLS = (Authenticate, ExpectCall)


class RunContext(Struct):
    """What the conversations of one run share.

    `emit` receives every record, and the end of each conversation. `stopped` is set when the player must send nothing
    new. `asked_for` are the ids (`id()`) of the destinations with which the run began. `players` play the conversations
    that are going on. `api_outages` are the outages of the vendors' APIs, from and up to a time of the scenario in
    milliseconds since 1970; where time passes by itself in each conversation, its player knows them.
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
    probe: StateProbe | None = None
    players: set[ConversationPlayer] = field(default_factory=set)
    api_outages: set[tuple[int, int]] = field(default_factory=set)
    _hooks: WeakKeyDictionary[LiveConversation, dict[int, Hook]] = field(default_factory=WeakKeyDictionary)
    _lanes: WeakKeyDictionary[LiveConversation, Lanes] = field(default_factory=WeakKeyDictionary)

    def lanes_of(self, live: LiveConversation) -> Lanes:
        """Returns the lanes of a conversation. All its players share them, also those of events caused from outside."""
        return self._lanes.setdefault(live, Lanes())

    def hook(self, destination: Destination, live: LiveConversation, *, alone: bool) -> Hook:
        """Returns what the vendor thinks of a target.

        All conversations share it. Where time passes by itself in each of them they can't (`alone`): each has its own,
        so that what happens does not depend on the order in which they are played.
        """
        if not alone:
            return destination.hook
        return self._hooks.setdefault(live, {}).setdefault(id(destination), Hook())

    def record(self, value: Record) -> None:
        """Counts a record and emits it."""
        if self.options.counts:
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
    """Plays one conversation by a clock.

    Deliveries that are due at once are under way at once, as far as their target's policy lets them. What may be under
    way only alone is sent here and now; the rest is sent by tasks, in `_under_way`, in the order in which they began.
    """

    __slots__ = (
        "_agenda",
        "_busy",
        "_clock",
        "_context",
        "_lanes",
        "_live",
        "_now",
        "_outages",
        "_queued",
        "_salvos",
        "_under_way",
    )

    def __init__(self, context: RunContext, live: LiveConversation, clock: Clock, now: int) -> None:
        """`now` is the scenario's time (milliseconds since 1970) at which it begins."""
        self._context = context
        self._live = live
        self._clock = clock
        self._now = now
        self._agenda = Agenda()
        self._lanes = context.lanes_of(live)
        self._salvos = Salvos()
        self._outages: list[faults.Outage] = []
        self._under_way: dict[asyncio.Task[list[list[Attempt]]], Salvo] = {}
        # For vendors that keep events in order, by destination: the deliveries in progress, and those that wait for it.
        self._busy: dict[int, list[Delivery]] = {}
        self._queued: dict[int, deque[Delivery]] = {}

    @property
    def live(self) -> LiveConversation:
        """The conversation that is played."""
        return self._live

    async def play(self) -> None:
        """Plays the scenario from the first step to the last delivery."""
        self.begin()
        try:
            for scheduled in self._context.run.schedule(self._live.state.index):
                await self.step(scheduled)
        except BaseException:
            self._finish()
            raise
        await self.end()

    def begin(self) -> None:
        """Notes what is true from the first step on: outages. `end` has to follow."""
        context, live = self._context, self._live
        for _, outage in faults.outages(context.options.faults, live.state.index, context.run.seed):
            self._note_outage(outage)
        context.players.add(self)

    async def step(self, scheduled: Scheduled) -> None:
        """Waits for the time of a step, and carries it out. Its events are sent when something follows."""
        live = self._live
        at, step = scheduled.at, scheduled.step
        await self._send_until(at)
        if at > self._now:
            self._now = at
        with live.lock:
            events = live.advance(scheduled)
        for event in events:
            self._enter(event, step)
        verb = step.verb
        if isinstance(verb, _EXPECTS_CALLS):
            await self._send_all_until(at)
            await self._expect(verb)
        elif isinstance(verb, SetSink) and self._context.calls is not None:
            await self._send_all_until(at)
            self._context.calls.answer(live, verb)
        elif isinstance(verb, Probe):
            await self._send_all_until(at)
            await self._probe(verb)

    async def send_due(self) -> None:
        """Sends what is due by now, and waits for the answers. What waits for later events goes on waiting."""
        await self._send_until(self._now)
        while self._under_way:
            await self._settle_some()
            await self._send_until(self._now)

    async def end(self) -> None:
        """Sends all that is left, after the last step."""
        try:
            with self._live.lock:
                events = self._live.finish()
            await self.send(events)
        finally:
            self._finish()

    def _finish(self) -> None:
        self._context.players.discard(self)
        self._cancel()

    def api_is_away(self) -> bool:
        """Returns whether an outage of the vendors' APIs is going on for this conversation, if its time passes by
        itself. Thread-safe."""
        return any(outage.begins <= self._now < outage.ends for outage in tuple(self._outages))

    def _note_outage(self, outage: faults.Outage) -> faults.Outage:
        """Returns the outage with its times in milliseconds since 1970, and notes it for the API."""
        starts = self._live.state.started_at
        dated = outage._replace(begins=starts + outage.begins, ends=starts + outage.ends)
        if dated.api and self._clock.instant:
            self._outages.append(dated)
        elif dated.api:
            self._context.api_outages.add((dated.begins, dated.ends))
        return dated

    async def send(self, events: list[Event]) -> None:
        """Sends events that no step of the scenario has caused, and everything still on the agenda."""
        try:
            for event in events:
                self._enter(event, NO_STEP)
            self._agenda.release(self._now)
            self._agenda.ended(self._now)
            await self._send_all_until(None)
        finally:
            self._cancel()

    def _cancel(self) -> None:
        for task in self._under_way:
            task.cancel()

    def _enter(self, event: Event, step: Step) -> None:
        """Adds a delivery of an event to the agenda for each destination that receives it, and applies faults to it."""
        context = self._context
        options = context.options
        chosen = options.faults + step.faults
        for number, destination in context.destinations.numbered():
            if not destination.receives(event.name, context.run.profile):
                # What was captured was sent, whatever the kind of the target gets.
                captured = not self._live.reacts and destination.target.events is None
                if not captured:
                    continue
            delivery = Delivery(event.delivery or f"{event.id}-{number}", event, destination, step.expect)
            active = () if options.active_faults is None else options.active_faults.take(event.name)
            if chosen or active:
                self._enter_misbehaving(delivery, chosen + active)
            else:
                self._agenda.add(event.at, delivery)
        self._agenda.passed(event.at)

    def _enter_misbehaving(self, delivery: Delivery, chosen: tuple[Fault, ...]) -> None:
        event = delivery.event
        plan, delivery.faults = faults.plan(chosen, event, delivery.id, self._context.run.seed)
        delivery.planned = tuple(plan.faults)
        if plan.dropped:
            self._context.record(unsent(delivery, event.at, DROPPED, "dropped on purpose"))
            return
        delivery.overlap, delivery.impatient = plan.overlap, plan.impatient
        delivery.outages = tuple(map(self._note_outage, plan.outages))
        for first in range(0, plan.copies * plan.twins, plan.twins):
            twins = tuple(replace(delivery, copy=copy) for copy in range(first + 1, first + plan.twins))
            one = replace(delivery, copy=first, twins=twins, behind=bool(first or plan.behind))
            if plan.late is not None:
                self._agenda.add_late(plan.late + plan.delay, one)
            elif plan.behind:
                self._agenda.add_behind(plan.behind + 1, plan.delay, one)
            else:
                self._agenda.add(event.at + plan.delay, one)

    async def _send_all_until(self, limit: int | None) -> None:
        """Like `_send_until`, and waits for all answers. A salvo that waits for more events leaves without them."""
        while True:
            await self._send_until(limit)
            if self._under_way:
                await self._settle_some()
            elif (salvo := self._salvos.release()) is not None:
                await self._send(salvo, limit)
            else:
                return

    async def _send_until(self, limit: int | None) -> None:
        """Sends what is due up to a time (milliseconds since 1970), and waits for that time; with None, everything.

        What it has sent may still be under way afterwards.
        """
        agenda, stopped = self._agenda, self._context.stopped
        while True:
            while self._under_way and stopped.is_set():
                await self._settle_some()
            due = agenda.next_at()
            if due is None or (limit is not None and due > limit):
                if limit is None or self._is_time(limit) or await self._time_comes(limit):
                    return
            elif self._is_time(due) or await self._time_comes(due):
                at, delivery = agenda.pop()
                if at > self._now:
                    self._now = at
                salvo = self._leaving(delivery)
                if salvo is not None:
                    await self._send(salvo, limit)

    def _is_time(self, at: int) -> bool:
        """Returns whether a time (milliseconds since 1970) comes without waiting: by an instant clock, which goes on
        only when everything of earlier times has been answered."""
        return self._clock.instant and (not self._under_way or at <= self._now)

    async def _time_comes(self, at: int) -> bool:
        """Waits for a time (milliseconds since 1970) or an answer, whichever is first. Returns whether it is time."""
        if self._clock.instant:
            await self._settle_some()
            return False
        if not self._under_way:
            await self._context.until(at, self._clock)
            return True
        waiting = asyncio.ensure_future(self._context.until(at, self._clock))
        try:
            await asyncio.wait({waiting, *self._under_way}, return_when=asyncio.FIRST_COMPLETED)
            return not self._settle_done() and waiting.done()
        finally:
            waiting.cancel()

    def _leaving(self, delivery: Delivery) -> Salvo | None:
        """Returns what leaves now that a delivery is due: nothing if it has to wait for others, or is never sent."""
        if self._context.stopped.is_set():
            self._give_up(delivery)
            return None
        if self._busy:
            destination = id(delivery.destination)
            busy = self._busy.get(destination)
            if busy is not None and not any(other is delivery for other in busy):
                self._queued.setdefault(destination, deque()).append(delivery)
                return None
        if delivery.destination.minds_failures and self._is_stopped_by_hook(delivery):
            return None
        return self._salvos.take(delivery)

    def _is_stopped_by_hook(self, delivery: Delivery) -> bool:
        """Returns whether the vendor has paused or switched off the hook; a paused one gets the delivery later."""
        hook = self._hook(delivery)
        if hook.off_since is not None:
            because = f"the hook is switched off since {iso(hook.off_since)}: it {hook.off_because}"
            for member in (delivery, *(() if delivery.attempts else delivery.twins)):
                self._context.record(self._context.sender.withhold(member, self._now, because))
                self._release_queued(member)
            return True
        resumes_at = hook.resumes_at(self._now)
        if resumes_at is None:
            return False
        self._agenda.add(resumes_at, delivery)
        return True

    def _hook(self, delivery: Delivery) -> Hook:
        return self._context.hook(delivery.destination, self._live, alone=self._clock.instant)

    async def _send(self, salvo: Salvo, limit: int | None) -> None:
        """Makes an attempt of each delivery of a salvo."""
        first = salvo.members[0]
        destination = first.destination
        lane = self._lanes.to(destination)
        if destination.policy.ordering.value == ORDERED:
            self._busy.setdefault(id(destination), salvo.members)
        for later in salvo.behind:
            self._agenda.add(self._now, later)
        alone = lane.size == 1 or self._is_last_at_its_time(limit)
        if alone or first.behind:
            while self._under_way:
                await self._settle_some()
        if alone:
            self._settle(salvo, await self._fly(salvo.members, self._now, lane))
        else:
            self._under_way[asyncio.ensure_future(self._fly(salvo.members, self._now, lane))] = salvo

    def _is_last_at_its_time(self, limit: int | None) -> bool:
        """Returns whether nothing else is due before the clock goes on, so that no task is needed."""
        if not self._clock.instant or self._under_way or (limit is not None and limit <= self._now):
            return False
        due = self._agenda.next_at()
        return due is None or due > self._now

    async def _fly(self, members: Sequence[Delivery], at: int, lane: Lane) -> list[list[Attempt]]:
        """Makes an attempt of each of the deliveries, all at once, as soon as there is room.

        They count as one for `in_flight` and `concurrency`. Returns the attempts of each delivery; nothing if the run
        was stopped before there was room.
        """
        sender = self._context.sender
        free = sender.free
        if not lane.room.take():
            await lane.room.wait()
        try:
            if not free.take():
                await free.wait()
            try:
                if self._context.stopped.is_set():
                    return []
                now = wall_clock()
                if len(members) == 1 and not members[0].impatient:
                    return [[await sender.send(members[0], at, now, lane)]]
                return await asyncio.gather(*(self._attempt(member, at, now, lane) for member in members))
            finally:
                free.leave()
        finally:
            lane.room.leave()

    async def _attempt(self, delivery: Delivery, at: int, now: int, lane: Lane) -> list[Attempt]:
        """Makes the next attempt; with `impatient`, a second one while the first is under way."""
        send = self._context.sender.send
        if not delivery.impatient or delivery.attempts:
            return [await send(delivery, at, now, lane)]
        first = asyncio.ensure_future(send(delivery, at, now, lane))
        try:
            timeout = delivery.destination.policy.read_timeout.value / 1000
            await asyncio.wait({first}, timeout=max(timeout * PATIENCE, LEAST_PATIENCE))
            if first.done() or self._context.stopped.is_set():
                return [await first]
            return list(await asyncio.gather(first, send(delivery, at, wall_clock(), lane)))
        finally:
            first.cancel()

    async def _settle_some(self) -> None:
        """Waits for attempts under way, and handles their outcomes.

        With an instant clock it waits for all of them, so that the outcomes are handled in the order of sending.
        """
        waits = asyncio.ALL_COMPLETED if self._clock.instant else asyncio.FIRST_COMPLETED
        await asyncio.wait(self._under_way, return_when=waits)
        self._settle_done()

    def _settle_done(self) -> bool:
        """Handles the outcomes of the attempts that are over. Returns whether there were any."""
        done = [task for task in self._under_way if task.done()]
        for task in done:
            self._settle(self._under_way.pop(task), task.result())
        return bool(done)

    def _settle(self, salvo: Salvo, attempts: list[list[Attempt]]) -> None:
        """Handles the outcome of a salvo; `attempts` are those of each of its deliveries."""
        if not attempts:
            for delivery in salvo.members:
                self._note_unsent(delivery)
            return
        self._now = self._clock.now(self._now)
        for delivery, own in zip(salvo.members, attempts, strict=True):
            for attempt in own[:-1]:
                self._context.record(replace(attempt, final=False))
            self._note(own[-1], delivery)

    def _note(self, attempt: Attempt, delivery: Delivery) -> None:
        """Records an attempt and handles its outcome: retry, deliveries that wait for it, failure."""
        context = self._context
        destination = delivery.destination
        did = self._note_at_hook(attempt, delivery) if destination.minds_failures else None
        if attempt.verdict == DELIVERED and did is None and attempt.status in destination.policy.accepted.value:
            self._release_queued(delivery)
            context.record(attempt)
            return
        pause = context.sender.pause(attempt, delivery)
        if did is not None:
            attempt = replace(attempt, reason=did if attempt.reason is None else f"{attempt.reason}; {did}")
        if pause is not None:
            attempt = replace(attempt, final=False)
            held_to_it = attempt.verdict in FALLS_SHORT and delivery.outage_at(attempt.at) is None
            delivery.refused = (attempt.reason or attempt.verdict) if held_to_it else None
            self._agenda.add(self._now + pause, delivery)
        else:
            if attempt.verdict == UNREACHABLE and delivery.outage_at(attempt.at) is not None:
                attempt = replace(attempt, verdict=LOST)
            self._release_queued(delivery)
        context.record(attempt)
        # Only the run's own targets stop it: one that subscribed through the vendor's API may disappear again.
        if attempt.verdict == UNREACHABLE and attempt.final and id(destination) in context.asked_for:
            context.summary.unreachable = f"{attempt.target}: {attempt.reason}"
            # A run without conversations of its own goes on: the target may start later.
            if context.options.count or not context.options.stays:
                context.stopped.set()
        reacts = self._live.reacts and context.run.profile.failed is not None
        if attempt.final and reacts and _is_failure(attempt, delivery):
            self._report_failure(attempt, delivery)

    def _note_at_hook(self, attempt: Attempt, delivery: Delivery) -> str | None:
        """Notes the outcome of an attempt at its hook. Returns what the vendor does to the hook, or None."""
        policy, hook = delivery.destination.policy, self._hook(delivery)
        if not _is_failure(attempt, delivery):
            hook.succeeded()
            return None
        was_off = hook.off_since is not None
        in_outage = delivery.outage_at(attempt.at) is not None
        did = hook.failed(self._now, attempt.status, policy, in_outage=in_outage)
        if did is not None:
            is_off = hook.off_since is not None and not was_off
            self._context.summary.switched_off_rightly |= is_off and hook.fell_short
            self._context.summary.hooks_switched_off += is_off
            self._context.summary.hook_pauses += not is_off
        return did

    def _give_up(self, delivery: Delivery) -> None:
        """Records the end of a delivery, and of what waits for it: the run was stopped."""
        for member in (delivery, *(() if delivery.attempts else delivery.twins)):
            self._note_unsent(member)

    def _note_unsent(self, delivery: Delivery) -> None:
        if delivery.refused is None:
            self._context.record(unsent(delivery, self._now, NOT_SENT))
        else:
            why = f"{delivery.refused}; the run was stopped before attempt {delivery.attempts + 1}"
            self._context.record(unsent(delivery, self._now, GIVEN_UP, why))
        self._release_queued(delivery)

    def _release_queued(self, delivery: Delivery) -> None:
        """Notes that a delivery is over, and schedules the deliveries that waited for it if it is the last one."""
        if not self._busy:
            return
        destination = id(delivery.destination)
        busy = self._busy.get(destination)
        if busy is None:
            return
        if left := [other for other in busy if other is not delivery]:
            self._busy[destination] = left
            return
        del self._busy[destination]
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

    async def _expect(self, verb: Authenticate | ExpectCall) -> None:
        context, live = self._context, self._live
        record = None
        if context.calls is not None and not context.stopped.is_set():
            record = await context.unless_stopped(context.calls.judge(live, verb))
        if record is None:
            why = "the run ended early" if context.calls is not None else "play with --serve to have it judged"
            with live.lock:
                record = not_judged(verb, live.state, live.id, why)
        context.record(record)

    async def _probe(self, verb: Probe) -> None:
        context, live = self._context, self._live
        record = None
        if not context.stopped.is_set():
            record = await context.unless_stopped(judge_state(context.probe, live, verb))
        if record is None:
            why = "the run ended early"
            record = Probed(live.state.index, live.id, verb.values, NOT_JUDGED, why, asked=False)
        context.record(record)


def _is_failure(attempt: Attempt, delivery: Delivery) -> bool:
    """Returns whether the vendor counts an attempt as failed, whatever answer the scenario expects."""
    if attempt.status is None:
        return attempt.verdict in FAILURES
    return attempt.status not in delivery.destination.policy.accepted.value
