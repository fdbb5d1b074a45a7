"""Plays a run: its own conversations, concurrently, and conversations that are opened from outside meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from threading import Lock

from vendorsim.conversation.casting import AS_CAST, Opening
from vendorsim.conversation.state import Conversation
from vendorsim.core.clock import Clock
from vendorsim.core.event import Event
from vendorsim.delivery.attempts import AttemptSender
from vendorsim.delivery.call_judge import CallJudge
from vendorsim.delivery.conversation_player import ConversationPlayer, RunContext
from vendorsim.delivery.destinations import Destinations
from vendorsim.delivery.play_options import PlayOptions
from vendorsim.delivery.records import Over, Record, Summary
from vendorsim.http.transport import Transport
from vendorsim.probes.model import StateProbe
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import LiveConversation, Run
from vendorsim.runs.variation import Scheduled

# Seconds for which an interrupted run waits for the answers to requests in flight.
GRACE = 2.0


def empty_summary(run: Run, destinations: Destinations, count: int) -> Summary:
    """Returns the summary of a run of `count` conversations, before the first one."""
    return Summary(
        scenario=run.scenario.title,
        vendor=run.vendor.name,
        profile=run.profile.name,
        seed=run.seed,
        start=run.starts,
        conversations=count,
        targets=tuple(destination.endpoint.shown for destination in destinations.all()),
        order=run.profile.event_names(),
    )


class Player:
    """Plays one run once."""

    def __init__(
        self,
        run: Run,
        destinations: Destinations,
        transport: Transport,
        clock: Clock,
        emit: Callable[[Record | Over], None],
        options: PlayOptions,
        *,
        calls: CallJudge | None = None,
        probe: StateProbe | None = None,
        room: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`emit` receives every record as it happens, and the end of every conversation. `room` is awaited before each
        conversation: it holds the run back while the receiver of the records can't keep up. `calls` and `probe` judge
        the steps that expect calls or states; the caller closes them."""
        self._run = run
        self.destinations = destinations
        self._transport = transport
        self._clock = clock
        self._options = options
        self._room = room
        self._tasks: asyncio.TaskGroup | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = Lock()
        # Set once conversations can be opened from outside.
        self.ready = asyncio.Event()
        # Set once the run's own conversations are over; with `stays` the run continues.
        self.over = asyncio.Event()
        self._under_way = 0
        self._all_begun = False
        self._opened = options.count
        self.summary = empty_summary(run, destinations, options.count)
        self._context = RunContext(
            run=run,
            destinations=destinations,
            options=options,
            sender=AttemptSender(run, transport, options.concurrency, pin_clock=options.pin_clock),
            summary=self.summary,
            emit=emit,
            stopped=asyncio.Event(),
            asked_for=frozenset(id(destination) for destination in destinations.all()),
            calls=calls,
            probe=probe,
        )

    def stop(self, *, aborting: bool = True) -> None:
        """Ends the run early: the player sends nothing new.

        With `aborting` it aborts requests in flight after two seconds, which is safe only if no other run uses the
        transport. Otherwise it waits for them.
        """
        self.summary.interrupted = True
        self._context.stopped.set()
        if aborting:
            asyncio.get_running_loop().call_later(GRACE, self._transport.abort)

    def api_is_away(self) -> bool:
        """Returns whether an outage of the vendors' APIs is going on. Thread-safe."""
        now, context = self._clock.now(0), self._context
        shared = any(begins <= now < ends for begins, ends in tuple(context.api_outages))
        return shared or any(player.api_is_away() for player in tuple(context.players))

    async def play(self) -> Summary:
        """Plays all conversations and returns the summary."""
        stopped = self._context.stopped
        # At full speed no conversation pauses, so `concurrency` of them are enough. With a real clock any number of
        # them may wait for their next step.
        under_way = asyncio.Semaphore(self._options.concurrency) if self._clock.instant else None
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self.ready.set()
            order = self._run.order() if self._clock.instant else None
            if order is not None:
                await self._play_in_order(order)
            own = self._options.share
            for index in range(own.number, self._options.count if order is None else 0, own.of):
                if not self._clock.instant:
                    await self._context.until(self._run.begins(index), self._clock)
                if stopped.is_set():
                    break
                if self._room is not None:
                    await self._room()
                if under_way is not None:
                    await under_way.acquire()
                if stopped.is_set():
                    break
                self._begin(tasks, index, self._clock, under_way)
            self._all_begun = True
            self._note_end()
            if self._options.stays:
                await stopped.wait()
        self._tasks = None
        return self.summary

    async def _play_in_order(self, order: list[int]) -> None:
        """Plays the steps of all conversations one after the other: each is answered before the next one is sent."""
        playing: dict[int, tuple[ConversationPlayer, Iterator[Scheduled]]] = {}
        left = Counter(order)
        for index in order:
            if self._context.stopped.is_set():
                break
            if index not in playing:
                if self._room is not None:
                    await self._room()
                self.summary.started += 1
                self._under_way += 1
                player = self._conversation(index, self._clock)
                player.begin()
                playing[index] = player, iter(self._run.schedule(index))
            player, schedule = playing[index]
            await player.step(next(schedule))
            await player.send_due()
            left[index] -= 1
            if not left[index]:
                await self._end(index, playing.pop(index)[0])
        for index, (player, _) in playing.items():
            await self._end(index, player)

    async def _end(self, index: int, player: ConversationPlayer) -> None:
        try:
            await player.end()
        finally:
            self._over(index, player)

    def begin(self, index: int, clock: Clock) -> None:
        """Begins conversation `index` now, with a clock of its own. Call it in the event loop, while `play` runs."""
        assert self._tasks is not None
        self._begin(self._tasks, index, clock, None)

    def open(self, opening: Opening = AS_CAST) -> LiveHandle:
        """Opens a conversation whose steps come from outside. Thread-safe."""
        with self._opening:
            index, self._opened = self._opened, self._opened + 1
        # Where time passes by itself, each begins when it is opened: it is never in the future.
        planned = self._run.starts + (index * self._run.spacing if self._clock.instant else 0)
        at = self._clock.now(planned)
        return LiveHandle(self._run.opened(index, at, opening), self._clock, self._post)

    def sample(self, opening: Opening = AS_CAST) -> Conversation:
        """A conversation as `open` would make it. It does not belong to the run."""
        return self._run.casting.conversation(0, self._run.starts, opening)

    def _begin(self, tasks: asyncio.TaskGroup, index: int, clock: Clock, under_way: asyncio.Semaphore | None) -> None:
        self.summary.started += 1
        self._under_way += 1
        tasks.create_task(self._converse(index, clock, under_way))

    async def _converse(self, index: int, clock: Clock, under_way: asyncio.Semaphore | None) -> None:
        player = self._conversation(index, clock)
        try:
            await player.play()
        finally:
            self._over(index, player)
            if under_way is not None:
                under_way.release()

    def _conversation(self, index: int, clock: Clock) -> ConversationPlayer:
        live = self._run.conversation(index)
        if self._context.calls is not None:
            self._context.calls.attach(live, LiveHandle(live, clock, self._post))
        return ConversationPlayer(self._context, live, clock, live.state.started_at)

    def _over(self, index: int, player: ConversationPlayer) -> None:
        self._context.emit(Over(index))
        self._under_way -= 1
        self._note_end()
        if self._context.calls is not None:
            self._context.calls.finish(player.live)

    def _note_end(self) -> None:
        if self._all_begun and not self._under_way:
            self.over.set()

    def _post(self, live: LiveConversation, events: list[Event]) -> None:
        """Sends events that were caused from outside. Thread-safe. Does nothing after the end of the run."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, live, events)

    def _take(self, live: LiveConversation, events: list[Event]) -> None:
        if self._tasks is None:
            return
        now = max(event.at for event in events)
        sending = ConversationPlayer(self._context, live, self._clock, now).send(events)
        try:
            self._tasks.create_task(sending)
        except RuntimeError:
            # The task group is just closing.
            sending.close()
