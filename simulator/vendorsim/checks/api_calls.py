"""Plays conversations in which the integration must call the identification API, and records its calls.

They are played once, concurrently. All checks of `calls_api` judge the recorded calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, pairwise

from vendorsim.checks.context import Context, gather_bounded
from vendorsim.checks.model import NotJudged
from vendorsim.checks.stories import Stories
from vendorsim.checks.waiting import Waiting
from vendorsim.core.clock import InstantClock, monotonic
from vendorsim.core.event import Event
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import LiveConversation
from vendorsim.scenario.model import Scenario
from vendorsim.scenario.verbs import Authenticate
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall

ACCEPTED, ENDED, UNSUPPORTED, DUPLICATE = "accepted", "ended", "unsupported-crm", "duplicate"
ERROR_ONCE, ERRORS = "one error", "errors"
# Times in seconds. Every response is delayed by `HOLD`, so that concurrent calls differ from sequential ones.
HOLD = 0.2
SLACK = 0.02
# Maximum time to watch one conversation.
LONGEST = 40.0
# Maximum calls to record of one conversation.
MOST_CALLS = 8
_ENOUGH_PAUSES = 3
# The first index of these conversations; other checks count theirs from 1.
_FIRST_INDEX = 10_000
_MOST_SCENES = 16

ANSWERS = {
    ACCEPTED: (),
    ENDED: ("ended",),
    UNSUPPORTED: ("unsupported-crm",),
    DUPLICATE: ("duplicate",),
    ERROR_ONCE: ("error",),
    ERRORS: ("error",) * MOST_CALLS,
}
"""Kind of conversation → the forced answers to its first calls. Later calls get normal answers."""


@dataclass(frozen=True, slots=True)
class TimedCall:
    """A call, and when it arrived, in monotonic seconds. `early` is whether the visitor had not said who he is yet."""

    call: ApiCall
    at: float
    early: bool = False


@dataclass(slots=True, eq=False)
class Scene:
    """One conversation in which the integration must call the API, within `within` seconds.

    `calls` are the calls for its session.
    """

    kind: str
    title: str
    live: LiveConversation
    verb: Authenticate
    within: float
    calls: list[TimedCall] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def session(self) -> tuple[str, str]:
        """The communication type and the session id, as in the path of the call."""
        with self.live.lock:
            return registry.identification().comm_types[self.live.state.channel], str(self.live.id)

    @property
    def path(self) -> str:
        return registry.identification().path_of(*self.session)

    @property
    def identifier(self) -> str | None:
        with self.live.lock:
            return self.verb.identifier or self.live.state.identifier

    def has_said(self) -> bool:
        """Returns whether the visitor has said who he is."""
        identifier = self.identifier
        with self.live.lock:
            return identifier is not None and any(identifier in text for text in self.live.state.said())

    @property
    def authorized(self) -> list[TimedCall]:
        """The calls with valid credentials: only these get the answers of the conversation."""
        return [seen for seen in self.calls if seen.call.status != registry.identification().unauthorized]

    @property
    def repeated(self) -> list[TimedCall]:
        """The authorized calls after the first one."""
        return self.authorized[1:]

    def pauses(self) -> list[float]:
        """Returns the seconds between each response and the next call."""
        return [max(0.0, then.at - now.at - HOLD) for now, then in pairwise(self.authorized)]

    def add(self, seen: TimedCall) -> None:
        self.calls.append(seen)
        self._arrived.set()

    async def play(self, context: Context) -> None:
        """Sends the events before the `authenticate` step, then records calls until no more are expected."""
        for scheduled in self.live.run.schedule(self.live.state.index):
            if isinstance(scheduled.step.verb, Authenticate):
                break
            with self.live.lock:
                events = self.live.advance(scheduled)
            for event in events:
                await context.send(event)
        if await self._reaches(1, self.within):
            try:
                async with asyncio.timeout(LONGEST):
                    await self._watch(context)
            except TimeoutError:
                return

    async def _watch(self, context: Context) -> None:
        waiting = context.settings.waiting
        if self.kind == ERRORS:
            while not _is_enough(self.pauses()) and await self._reaches(len(self.calls) + 1, waiting.retry):
                pass
            return
        quiet = waiting.quiet
        if self.kind == ERROR_ONCE and self.authorized:
            await self._reaches(2, waiting.retry)
        elif self.kind == DUPLICATE and context.settings.state is not None:
            quiet = context.settings.state.duplicate_interval / 1000 + waiting.quiet / 2
        while len(self.calls) < MOST_CALLS and await self._reaches(len(self.calls) + 1, quiet):
            pass

    async def _reaches(self, number: int, patience: float) -> bool:
        """Waits up to `patience` seconds for that number of calls. Returns whether they arrived."""
        try:
            async with asyncio.timeout(patience):
                while len(self.calls) < number:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return False
        return True


def pauses_grow(pauses: list[float]) -> bool:
    """Whether a later pause is clearly longer than the first. Any later one counts, since jitter may shorten some."""
    return max(pauses[1:], default=0.0) > pauses[0] * 1.2 + 0.05


def _is_enough(pauses: list[float]) -> bool:
    return len(pauses) >= MOST_CALLS - 1 or (len(pauses) >= _ENOUGH_PAUSES and pauses_grow(pauses))


@dataclass(slots=True)
class Observed:
    """The recorded calls. `strays` are calls for sessions of no scene, `others` the names of other operations that were
    called."""

    scenes: list[Scene]
    strays: list[ApiCall] = field(default_factory=list)
    others: dict[str, None] = field(default_factory=dict)

    @contextmanager
    def listening(self, context: Context) -> Iterator[None]:
        """A context in which calls are recorded."""
        state = context.settings.state
        assert state is not None
        loop = asyncio.get_running_loop()
        handles = [LiveHandle(scene.live, InstantClock(), _send_nothing) for scene in self.scenes]
        sessions = {str(scene.live.id): scene for scene in self.scenes}
        identification = registry.identification()

        def arrive(seen: TimedCall) -> None:
            call = seen.call
            if call.operation != identification.operation:
                self.others[call.operation] = None
                return
            name = identification.answer_name(call.message)
            if name is not None:
                context.settings.coverage.answered(name)
            scene = sessions.get(call.session_id)
            if scene is not None and scene.session[0] == call.comm_type:
                scene.add(seen)
            elif len(self.strays) < MOST_CALLS:
                self.strays.append(call)

        def from_thread(call: ApiCall) -> None:
            """Runs in the thread of the request, which sends its response afterwards."""
            scene = sessions.get(call.session_id)
            early = scene is not None and not scene.has_said()
            loop.call_soon_threadsafe(arrive, TimedCall(call, monotonic(), early))
            time.sleep(HOLD)

        unsubscribe = state.subscribe(from_thread)
        for handle, scene in zip(handles, self.scenes, strict=True):
            state.conversations.add_session(handle, ANSWERS[scene.kind])
        try:
            yield
        finally:
            unsubscribe()
            for handle in handles:
                state.conversations.remove(handle.vendor, handle.id)


def _send_nothing(live: LiveConversation, events: list[Event]) -> None:
    """Drops the events: no client acts on these conversations through the vendor's API."""


async def observed(context: Context, kinds: tuple[str, ...]) -> Observed:
    """Plays one conversation of each kind and story, and returns the recorded calls. Later checks reuse the result.

    `kinds` are the kinds that the selected checks need. Raises NotJudged without a server to call, and TargetGone.
    """
    settings = context.settings
    seen = settings.shared.get("calls_api")
    if seen is None:
        seen = Observed(_scenes(settings.stories, kinds, settings.waiting))
        if settings.state is None:
            raise NotJudged("give --serve PORT, and let the integration call it")
        with seen.listening(context):
            await _play(context, seen.scenes)
        settings.shared["calls_api"] = seen
    assert isinstance(seen, Observed)
    return seen


async def _play(context: Context, scenes: list[Scene]) -> None:
    # The conversations with repeated errors go last: their retries may block a thread of the integration.
    for quick in (True, False):
        playing = [scene.play(context) for scene in scenes if (scene.kind != ERRORS) == quick]
        await gather_bounded(playing, len(playing) or 1)
        if playing and not any(scene.authorized for scene in scenes):
            return


def _scenes(stories: Stories, kinds: tuple[str, ...], waiting: Waiting) -> list[Scene]:
    """Returns the conversations to play: for `ACCEPTED` one of each story, for other kinds one of the best story."""
    known = [(story, verb) for story in stories.scenarios() if (verb := _authenticate(story, stories)) is not None]
    if not stories.profile.events or not known:
        raise NotJudged(f"no scenario of {stories.vendor.name} makes an integration call the API")
    plain = [(story, verb) for story, verb in known if verb.answer is None]
    indexes = _unused_indexes(stories)
    scenes: list[Scene] = []
    for kind in kinds:
        fitting = [(story, verb) for story, verb in known if verb.answer in ANSWERS[kind]]
        for story, verb in plain if kind == ACCEPTED else (fitting or plain)[:1]:
            run = stories.run(story)
            within = min(verb.within / 1000, waiting.first_call)
            scenes.append(Scene(kind, story.title, run.conversation(next(indexes)), verb, within))
    return scenes


def _authenticate(story: Scenario, stories: Stories) -> Authenticate | None:
    for step in story.steps:
        if isinstance(step.verb, Authenticate) and (step.only is None or stories.vendor.name in step.only):
            return step.verb if _identifier_is_sent(story, step.verb, stories) else None
    return None


def _identifier_is_sent(story: Scenario, verb: Authenticate, stories: Stories) -> bool:
    """Whether an event tells the identifier before the call. Not every profile sends the visitor's messages."""
    run = stories.run(story)
    live = run.conversation(0)
    identifier = (verb.identifier or live.state.identifier or "").encode()
    for scheduled in run.schedule(0):
        if scheduled.step.verb is verb or not identifier:
            return False
        if any(identifier in event.body for event in live.advance(scheduled)):
            return True
    return False


def _unused_indexes(stories: Stories) -> Iterator[int]:
    """Yields indexes of conversations that earlier runs did not use, since the integration may remember identified
    sessions. They repeat after some hours; the vendors' ids stay below 2³¹."""
    return count(_FIRST_INDEX + stories.slot % 100_000 * _MOST_SCENES)
