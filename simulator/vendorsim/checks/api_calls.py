"""Plays conversations in which the integration must call the identification API, and records its calls.

They are played once, concurrently, and so are the bad days of that API. All checks of `calls_api` judge the recorded
calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

from msgspec import Struct, field

from vendorsim.checks import bad_days
from vendorsim.checks.bad_days import SLOW, Day, VisitorIdentifies
from vendorsim.checks.context import Context, gather_bounded
from vendorsim.checks.dialogues import Dialogues
from vendorsim.checks.model import NotJudged
from vendorsim.checks.stories import Stories
from vendorsim.core.clock import InstantClock, monotonic
from vendorsim.core.event import Event
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import LiveConversation
from vendorsim.scenario.model import Scenario
from vendorsim.scenario.verbs import Authenticate
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall

ACCEPTED, ENDED, UNSUPPORTED, DUPLICATE = "accepted", "ended", "unsupported-crm", "duplicate"
# Times in seconds. `HOLD` delays every response in a scene, so that concurrent calls differ from sequential ones.
HOLD = 0.2
SLACK = 0.02
# Maximum time to watch one conversation.
LONGEST = 40.0
# Maximum calls to record of one conversation.
MOST_CALLS = 8
# The first index of these conversations; other checks count theirs from 1.
_FIRST_INDEX = 10_000
_MOST_CONVERSATIONS = 32
REPEATED = "it calls more than once anyway: see calls_api.once"

ANSWERS = {
    ACCEPTED: (),
    ENDED: ("ended",),
    UNSUPPORTED: ("unsupported-crm",),
    DUPLICATE: ("duplicate",),
}
"""Kind of conversation → the documented answer that its first call gets. Later calls get normal answers."""


class TimedCall(Struct, frozen=True):
    """A call, and when it arrived, in monotonic seconds. `early` is whether the visitor had not said who he is yet."""

    call: ApiCall
    at: float
    early: bool = False


class Scene(Struct, eq=False):
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
                if context.gets(event.name):
                    await context.send(event)
        if await self._reaches(1, self.within):
            try:
                async with asyncio.timeout(LONGEST):
                    await self._watch(context)
            except TimeoutError:
                return

    async def _watch(self, context: Context) -> None:
        waiting = context.settings.waiting
        quiet = waiting.quiet
        if self.kind == DUPLICATE and context.settings.state is not None:
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


class Observed(Struct):
    """The recorded calls. `strays` are calls for sessions of no conversation, `others` the names of other operations
    that were called. The bad days are played as `occasion`."""

    scenes: list[Scene]
    occasion: VisitorIdentifies
    strays: list[ApiCall] = field(default_factory=list)
    others: dict[str, None] = field(default_factory=dict)

    def why_no_days(self) -> str | None:
        """Why the bad days can't be judged: because of what the integration does on good ones. None if they can."""
        scenes = [scene for scene in self.scenes if scene.kind == ACCEPTED]
        if not any(scene.calls for scene in scenes):
            return "it never called"
        if not any(scene.authorized for scene in scenes):
            return "its calls were refused for their credentials"
        if not any(200 <= seen.call.status < 300 for scene in scenes for seen in scene.calls):
            return "its calls were refused on good days, too"
        return REPEATED if any(scene.repeated for scene in scenes) else None

    @contextmanager
    def listening(self, context: Context) -> Iterator[None]:
        """A context in which calls are recorded."""
        state = context.settings.state
        assert state is not None
        loop = asyncio.get_running_loop()
        handles = [LiveHandle(scene.live, InstantClock(), _send_nothing) for scene in self.scenes]
        sessions = {str(scene.live.id): scene for scene in self.scenes}
        dialogues = Dialogues.of(context)
        identification = registry.identification()

        def arrive(seen: TimedCall) -> None:
            call = seen.call
            if call.operation != identification.operation:
                self.others[call.operation] = None
                return
            scene = sessions.get(call.session_id)
            if scene is not None and scene.session[0] == call.comm_type:
                scene.add(seen)
            elif len(self.strays) < MOST_CALLS and not dialogues.has(call.session_id):
                self.strays.append(call)

        def from_thread(call: ApiCall) -> None:
            """Runs in the thread of the request, which sends its response afterwards."""
            scene = sessions.get(call.session_id)
            early = scene is not None and not scene.has_said()
            loop.call_soon_threadsafe(arrive, TimedCall(call, monotonic(), early))
            if scene is not None:
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
    """Plays one conversation of each kind and story, and the bad days that selected checks judge. Returns the recorded
    calls. Later checks reuse the result.

    `kinds` are the kinds that the selected checks need. Raises NotJudged without a server to call, and TargetGone.
    """
    settings = context.settings
    seen = settings.shared.get("calls_api")
    if seen is None:
        seen = _prepared(context, kinds)
        if settings.state is None:
            raise NotJudged("give --serve PORT, and let the integration call it")
        days = bad_days.chosen(context, seen.occasion, [seen.occasion.operation])
        with seen.listening(context):
            await _play(context, seen, days)
        settings.shared["calls_api"] = seen
    assert isinstance(seen, Observed)
    return seen


async def _play(context: Context, seen: Observed, days: Sequence[Day]) -> None:
    """Plays all at once, but what may block a thread of the integration after the rest."""
    quick, slow = ([day for day in days if (day[1] in SLOW) == is_slow] for is_slow in (False, True))
    playing = [
        *(scene.play(context) for scene in seen.scenes),
        *(bad_days.play(context, seen.occasion, day) for day in quick),
    ]
    await gather_bounded(playing, len(playing))
    # Of days that can't be judged the slow ones are not played.
    if slow and seen.why_no_days() is None:
        await gather_bounded([bad_days.play(context, seen.occasion, day) for day in slow], len(slow))


def _prepared(context: Context, kinds: tuple[str, ...]) -> Observed:
    """Returns the conversations to play: for `ACCEPTED` one of each story, for other kinds one of the best story, and
    the best story for bad days."""
    stories, waiting = context.settings.stories, context.settings.waiting
    known = [(story, *found) for story in stories.scenarios() if (found := _authenticate(story, stories, context.gets))]
    if not stories.profile.events or not known:
        raise NotJudged(f"no scenario of {stories.vendor.name} makes an integration call the API")
    plain = [each for each in known if each[1].answer is None]
    indexes = _unused_indexes(stories)

    def within(verb: Authenticate) -> float:
        return min(verb.within / 1000, waiting.first_call)

    scenes: list[Scene] = []
    for kind in kinds:
        fitting = [each for each in known if each[1].answer in ANSWERS[kind]]
        for story, verb, _ in plain if kind == ACCEPTED else (fitting or plain)[:1]:
            live = stories.run(story).conversation(next(indexes))
            scenes.append(Scene(kind, story.title, live, verb, within(verb)))
    story, verb, identifier = (plain or known)[0]
    return Observed(scenes, VisitorIdentifies(context, stories.run(story), identifier, indexes, within(verb)))


def _authenticate(story: Scenario, stories: Stories, gets: Callable[[str], bool]) -> tuple[Authenticate, str] | None:
    """Returns the first step that expects the call, and the identifier; None if no event tells that before."""
    for step in story.steps:
        if isinstance(step.verb, Authenticate) and (step.only is None or stories.vendor.name in step.only):
            identifier = _sent_identifier(story, step.verb, stories, gets)
            return None if identifier is None else (step.verb, identifier)
    return None


def _sent_identifier(story: Scenario, verb: Authenticate, stories: Stories, gets: Callable[[str], bool]) -> str | None:
    """Returns the identifier if an event tells it before the call. Not every profile sends the visitor's messages."""
    run = stories.run(story)
    live = run.conversation(0)
    identifier = verb.identifier or live.state.identifier or ""
    for scheduled in run.schedule(0):
        if scheduled.step.verb is verb or not identifier:
            return None
        if any(identifier.encode() in event.body and gets(event.name) for event in live.advance(scheduled)):
            return identifier
    return None


def _unused_indexes(stories: Stories) -> Iterator[int]:
    """Yields indexes of conversations that earlier runs did not use, since the integration may remember identified
    sessions. They repeat after some hours; the vendors' ids stay below 2³¹."""
    return count(_FIRST_INDEX + stories.slot % 100_000 * _MOST_CONVERSATIONS)
