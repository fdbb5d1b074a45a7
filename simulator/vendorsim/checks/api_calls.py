"""Conversations in which an integration has to call the vendor's API, and what it does with the answers it gets.

They are played once, side by side, and judged by every check of `calls_api`.
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
from vendorsim.core.clock import InstantClock, monotonic
from vendorsim.core.event import Event
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import LiveConversation, Run
from vendorsim.scenario.model import Scenario
from vendorsim.scenario.verbs import Authenticate
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall

ACCEPTED, ENDED, UNSUPPORTED, DUPLICATE = "accepted", "ended", "unsupported-crm", "duplicate"
ERROR_ONCE, ERRORS = "one error", "errors"
# Times in seconds. Every answer is held back for a moment, so that calls at the same time can be told from calls one
# after the other.
HOLD = 0.2
SLACK = 0.02
# How long a conversation is watched for calls that should not come, and how long a call that should come is awaited.
QUIET = 2.5
PATIENCE = 10.0
LONGEST = 40.0
# As many calls of one conversation tell enough.
MOST_CALLS = 8
_ENOUGH_PAUSES = 3
# Other checks number their conversations from 1.
_FIRST_NUMBER = 10_000
_MOST_SCENES = 16

ANSWERS = {
    ACCEPTED: (),
    ENDED: ("ended",),
    UNSUPPORTED: ("unsupported-crm",),
    DUPLICATE: ("duplicate",),
    ERROR_ONCE: ("error",),
    ERRORS: ("error",) * MOST_CALLS,
}
"""What the first calls of each kind of conversation are told; every later one is judged normally."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A call, and when it came in monotonic seconds."""

    call: ApiCall
    at: float


@dataclass(slots=True, eq=False)
class Scene:
    """One conversation in which the integration has to call. `calls` are those that were for this session."""

    kind: str
    title: str
    live: LiveConversation
    verb: Authenticate
    calls: list[Seen] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def session(self) -> tuple[str, str]:
        """The communication type and the session id that stand in the path."""
        with self.live.lock:
            return registry.identification().comm_types[self.live.state.channel], str(self.live.id)

    @property
    def path(self) -> str:
        return registry.identification().path_of(*self.session)

    @property
    def identifier(self) -> str | None:
        with self.live.lock:
            return self.verb.identifier or self.live.state.visitor.identifier

    @property
    def within(self) -> float:
        """The seconds in which the call must come."""
        return self.verb.within / 1000

    @property
    def told(self) -> list[Seen]:
        """The calls that got further than their credentials: only those are given this conversation's answers."""
        return [seen for seen in self.calls if seen.call.status != registry.identification().unauthorized]

    @property
    def later(self) -> list[Seen]:
        """The calls that came after the first one, and so after its answer, where calls are made one by one."""
        return self.told[1:]

    def pauses(self) -> list[float]:
        """The seconds between each answer and the next call."""
        return [max(0.0, then.at - now.at - HOLD) for now, then in pairwise(self.told)]

    def add(self, seen: Seen) -> None:
        self.calls.append(seen)
        self._arrived.set()

    async def play(self, context: Context) -> None:
        """Sends what the story tells until the integration has to call, then watches what it does."""
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
        if self.kind == ERRORS:
            while not _is_enough(self.pauses()) and await self._reaches(len(self.calls) + 1, PATIENCE):
                pass
            return
        quiet = QUIET
        if self.kind == ERROR_ONCE and self.told:
            await self._reaches(2, PATIENCE)
        elif self.kind == DUPLICATE and context.settings.state is not None:
            quiet = context.settings.state.duplicate_interval / 1000 + QUIET / 2
        while len(self.calls) < MOST_CALLS and await self._reaches(len(self.calls) + 1, quiet):
            pass

    async def _reaches(self, number: int, patience: float) -> bool:
        """Whether so many calls have come before the patience was over."""
        try:
            async with asyncio.timeout(patience):
                while len(self.calls) < number:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return False
        return True


def grow(pauses: list[float]) -> bool:
    """Whether a later pause is clearly longer than the first; chance may shorten one or the other."""
    return max(pauses[1:], default=0.0) > pauses[0] * 1.2 + 0.05


def _is_enough(pauses: list[float]) -> bool:
    return len(pauses) >= MOST_CALLS - 1 or (len(pauses) >= _ENOUGH_PAUSES and grow(pauses))


@dataclass(slots=True)
class Observed:
    """What was seen. `strays` are calls for sessions that are none of the scenes'."""

    scenes: list[Scene]
    strays: list[ApiCall] = field(default_factory=list)

    @contextmanager
    def listening(self, context: Context) -> Iterator[None]:
        """Notes the calls that come meanwhile."""
        state = context.settings.state
        assert state is not None
        loop = asyncio.get_running_loop()
        handles = [LiveHandle(scene.live, InstantClock(), _send_nothing) for scene in self.scenes]
        sessions = {str(scene.live.id): scene for scene in self.scenes}
        identification = registry.identification()

        def arrive(seen: Seen) -> None:
            call = seen.call
            name = identification.answer_name(call.message)
            if name is not None:
                context.settings.coverage.answered(name)
            scene = sessions.get(call.session_id)
            if scene is not None and scene.session[0] == call.comm_type:
                scene.add(seen)
            elif len(self.strays) < MOST_CALLS:
                self.strays.append(call)

        def from_thread(call: ApiCall) -> None:
            """Runs in the thread of the request; its answer leaves when this is over."""
            loop.call_soon_threadsafe(arrive, Seen(call, monotonic()))
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
    """Nobody acts on these conversations through the vendor's API."""


async def observed(context: Context, kinds: tuple[str, ...]) -> Observed:
    """Plays one conversation of each kind and story (the first check that asks for them), and gives what was seen.

    `kinds` are those that the selected checks need. Raises NotJudged where nobody could call, TargetGone.
    """
    settings = context.settings
    seen = settings.shared.get("calls_api")
    if seen is None:
        seen = Observed(_scenes(settings.stories, kinds))
        if settings.state is None:
            raise NotJudged("give --serve PORT, and let the integration call it")
        with seen.listening(context):
            await _play(context, seen.scenes)
        settings.shared["calls_api"] = seen
    assert isinstance(seen, Observed)
    return seen


async def _play(context: Context, scenes: list[Scene]) -> None:
    # Last come those that may keep a thread of the integration waiting for long.
    for quick in (True, False):
        playing = [scene.play(context) for scene in scenes if (scene.kind != ERRORS) == quick]
        await gather_bounded(playing, len(playing) or 1)
        if playing and not any(scene.told for scene in scenes):
            return


def _scenes(stories: Stories, kinds: tuple[str, ...]) -> list[Scene]:
    """A conversation for each story in which the call is accepted; other answers take the story that fits best."""
    known = [(story, verb) for story in stories.scenarios() if (verb := _authenticate(story, stories)) is not None]
    if not stories.profile.events or not known:
        raise NotJudged(f"no built-in story of {stories.vendor.name} makes an integration call the API")
    plain = [(story, verb) for story, verb in known if verb.answer is None]
    numbers = _numbers(stories)
    scenes: list[Scene] = []
    for kind in kinds:
        fitting = [(story, verb) for story, verb in known if verb.answer in ANSWERS[kind]]
        for story, verb in plain if kind == ACCEPTED else (fitting or plain)[:1]:
            run = Run(story, stories.vendor, stories.profile, stories.seed, stories.starts, 0)
            scenes.append(Scene(kind, story.title, run.conversation(next(numbers)), verb))
    return scenes


def _authenticate(story: Scenario, stories: Stories) -> Authenticate | None:
    for step in story.steps:
        if isinstance(step.verb, Authenticate) and (step.only is None or stories.vendor.name in step.only):
            return step.verb if _is_told(story, step.verb, stories) else None
    return None


def _is_told(story: Scenario, verb: Authenticate, stories: Stories) -> bool:
    """Whether an event before the call tells whom to identify: not every profile sends what the visitor writes."""
    run = Run(story, stories.vendor, stories.profile, stories.seed, stories.starts, 0)
    live = run.conversation(0)
    wanted = (verb.identifier or live.state.visitor.identifier or "").encode()
    for scheduled in run.schedule(0):
        if scheduled.step.verb is verb:
            return False
        if any(wanted in event.body for event in live.advance(scheduled)):
            return True
    return False


def _numbers(stories: Stories) -> Iterator[int]:
    """Numbers of conversations that the integration has not seen in an earlier run either, since it may remember whom
    it identified. They come again after some hours; ids stay below 2³¹."""
    return count(_FIRST_NUMBER + stories.slot % 100_000 * _MOST_SCENES)
