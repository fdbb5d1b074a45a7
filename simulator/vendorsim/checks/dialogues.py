"""Conversations with an integration that calls the vendor's API: each is played step by step, the API acts on it, its
calls are recorded, and answers to them can be forced.

A *reply* is a public message to the visitor that a call of the API has added to the conversation, whichever operation
that was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from msgspec import Struct, field

from vendorsim.checks.context import Context, Exchange
from vendorsim.checks.model import NotJudged
from vendorsim.checks.stories import Stories
from vendorsim.conversation.casting import Opening
from vendorsim.conversation.state import Message, StepError
from vendorsim.core.clock import InstantClock, monotonic
from vendorsim.core.event import Event
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import LiveConversation
from vendorsim.runs.variation import Scheduled
from vendorsim.scenario import verbs
from vendorsim.scenario.model import AgentCast, Cast, Scenario, Step
from vendorsim.server.backend import ServerBackend
from vendorsim.server.forced_answers import ForcedAnswer, ServedCall
from vendorsim.vendorkit import registry

# The agents: the API's calls are made as the first one, the second one is a person.
ASSISTANT, PERSON = "assistant", "person"
# The indexes of these conversations lie between those of the other checks. Each run takes its own range, since the
# integration may remember earlier runs. The vendors' ids stay below 2^31.
_FIRST, _RANGES, _RANGE = 5_000_000, 2**13, 2**8
# Milliseconds of the story between two steps.
_STEP = 1_000
# The name of a shared result: that replies went to other conversations.
MIXED = "replies mix"
# Calls after which nobody waits any longer for them to end.
MOST_CALLS = 20
_TITLE = "A visitor writes to an integration that answers"

Force = Callable[["SeenCall"], ForcedAnswer | None]
"""Says what happens to a call, before it is carried out. It runs in the request's thread."""


class SeenCall(Struct, eq=False):
    """One call for a dialogue. `operation` is its name in the vendor's API, None if there is no such operation.
    `replied` is whether it added a reply."""

    served: ServedCall
    operation: str | None
    replied: bool = False

    @property
    def writes(self) -> bool:
        """Whether the call changes something."""
        return self.served.method != "GET"

    @property
    def shown(self) -> str:
        return self.operation or f"{self.served.method} {self.served.path}"


class Dialogue(Struct, eq=False):
    """One conversation. `calls` are those for it, in the order of their arrival; `echoes` the events that they have
    caused, which nobody has sent yet."""

    context: Context
    live: LiveConversation
    calls: list[SeenCall] = field(default_factory=list)
    echoes: list[Event] = field(default_factory=list)
    force: Force = lambda call: None
    _steps: int = 0
    _own: set[int] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def id(self) -> str:
        return str(self.live.id)

    def step(self, verb: verbs.Verb) -> list[Event]:
        """Carries out a step, and returns its events that the target gets. Raises NotJudged if the vendor has no such
        step."""
        with self.live.lock:
            state = self.live.state
            known = len(state.messages)
            self._steps += 1
            at = max(state.now, state.started_at + self._steps * _STEP)
            try:
                events = self.live.advance(Scheduled(-1, Step(verb), at))
            except StepError as error:
                raise NotJudged(str(error)) from None
            self._own.update(message.number for message in state.messages[known:])
        return [event for event in events if self.context.gets(event.name)]

    async def send(self, events: list[Event]) -> list[Exchange]:
        """Sends events, one after the other."""
        return [await self.context.send(event) for event in events]

    async def tell(self, verb: verbs.Verb) -> list[Event]:
        """Carries out a step and sends its events; returns them."""
        events = self.step(verb)
        await self.send(events)
        return events

    def replies(self) -> list[Message]:
        """The replies so far."""
        with self.live.lock:
            return self._replies()

    def _replies(self) -> list[Message]:
        return [
            message
            for message in self.live.state.messages
            if message.number not in self._own and not message.private and not message.by_visitor
        ]

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Waits up to `seconds` until the condition holds, looking at it after each call. Returns whether it does."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return condition()
        return True

    async def replied(self, number: int, seconds: float) -> bool:
        """Waits for that number of replies."""
        return await self.until(lambda: len(self.replies()) >= number, seconds)

    async def quiet(self, seconds: float) -> None:
        """Waits until no call has come for `seconds`, or too many have: an integration may never stop."""
        known, enough = -1, len(self.calls) + MOST_CALLS
        while known != len(self.calls) and known < enough:
            known = len(self.calls)
            await self.until(lambda: len(self.calls) > known, seconds)  # noqa: B023  Awaited before `known` changes.

    # Called in the thread of a request

    def began(self, call: SeenCall) -> ForcedAnswer | None:
        self.calls.append(call)
        return self.force(call)

    def ended(self, call: SeenCall, before: int) -> None:
        call.replied = len(self.replies()) > before

    def changed(self) -> None:
        """Wakes who waits. For the event loop."""
        self._changed.set()


class Dialogues:
    """The dialogues of one run of checks, and the calls for none of them (`strays`)."""

    def __init__(self, state: ServerBackend, stories: Stories) -> None:
        self._state = state
        self._run = stories.run(_story(stories))
        self._next = _FIRST + stories.slot % _RANGES * _RANGE
        self._by_id: dict[str, Dialogue] = {}
        self._under_way: dict[ServedCall, tuple[Dialogue, SeenCall, int]] = {}
        self._loop = asyncio.get_running_loop()
        self.strays: list[ServedCall] = []
        state.forced_answers.watch(self._began, self._ended)

    @classmethod
    def of(cls, context: Context) -> Dialogues:
        """The dialogues of the run. Raises NotJudged without a server."""
        settings = context.settings
        if settings.state is None:
            raise NotJudged("give --serve PORT, and let the integration call it")
        found = settings.shared.get("dialogues")
        if found is None:
            found = settings.shared["dialogues"] = cls(settings.state, settings.stories)
        assert isinstance(found, Dialogues)
        return found

    def open(self, context: Context) -> Dialogue:
        """Opens a new dialogue."""
        # Each visitor is someone else: an integration may know people by their address.
        index = self._next
        self._next += 1
        own = {"email": f"visitor-{index}@example.com", "identifier": f"customer-{index}"}
        return self.add(context, self._run.opened(index, self._run.starts, Opening({**own, "known": False})))

    def add(self, context: Context, live: LiveConversation) -> Dialogue:
        """Makes a dialogue of a conversation. The vendors' APIs know it from now on."""
        dialogue = Dialogue(context, live)
        self._by_id[dialogue.id] = dialogue
        handle = LiveHandle(live, InstantClock(), lambda _, events: dialogue.echoes.extend(events))
        self._state.conversations.add(handle)
        self._state.conversations.add_session(handle)
        return dialogue

    def has(self, conversation: str) -> bool:
        """Whether a conversation of that id is a dialogue."""
        return conversation in self._by_id

    def _began(self, served: ServedCall) -> ForcedAnswer | None:
        segments = served.path.split("/")
        dialogue = next((found for part in reversed(segments) if (found := self._by_id.get(part))), None)
        if dialogue is None:
            self.strays.append(served)
            return None
        served.conversation = dialogue.id
        operation = registry.operation_at(served.method, served.path)
        call = SeenCall(served, None if operation is None else operation[1])
        self._under_way[served] = dialogue, call, len(dialogue.replies())
        return dialogue.began(call)

    def _ended(self, served: ServedCall) -> None:
        known = self._under_way.pop(served, None)
        if known is not None:
            dialogue, call, before = known
            dialogue.ended(call, before)
            self._loop.call_soon_threadsafe(dialogue.changed)


def _story(stories: Stories) -> Scenario:
    """The story of all dialogues, without its steps, in the account and the locale of the run."""
    first = next(iter(stories.scenarios()))
    agents = {ASSISTANT: AgentCast(), PERSON: AgentCast()}
    return Scenario(_TITLE, (), locale=stories.locale or "en_US", account=first.account, cast=Cast({}, agents))


class PlainStory(Struct):
    """How the integration answers a visitor's message in the plain story: with this many replies (perhaps none), this
    many seconds after it, in a conversation that begins as `pending` or open. `event` is the event that tells the
    message."""

    dialogue: Dialogue
    event: str
    pending: bool
    number: int
    latency: float

    @property
    def operations(self) -> dict[str, int]:
        """How often each operation was called with success, those that write first."""
        known = sorted((call for call in self.dialogue.calls if call.served.accepted), key=lambda call: not call.writes)
        names = [call.operation for call in known if call.operation is not None]
        return {name: names.count(name) for name in names}

    @property
    def replying(self) -> str | None:
        """The operation that replies; None if there is no reply."""
        return next((call.operation for call in self.dialogue.calls if call.replied), None)


def start(pending: bool) -> verbs.Start:
    return verbs.Start(pending=pending)


async def begun(context: Context, plain: PlainStory) -> Dialogue:
    """Opens a dialogue as in the plain story, up to the visitor's message."""
    dialogue = Dialogues.of(context).open(context)
    await dialogue.tell(start(plain.pending))
    return dialogue


def patience(context: Context, plain: PlainStory) -> float:
    """Seconds to wait for what must not come: a slow integration is slow with that, too."""
    return max(context.settings.waiting.quiet, 2 * plain.latency)


def longest(context: Context, plain: PlainStory) -> float:
    """Seconds to wait for a reply."""
    return max(context.settings.waiting.settle, 4 * plain.latency)


async def told_plainly(context: Context) -> PlainStory:
    """Tells the plain story once for all checks. Raises NotJudged."""
    shared = context.settings.shared
    found = shared.get("plain dialogue")
    if found is None:
        try:
            found = await _tell_plainly(context)
        except NotJudged as reason:
            found = reason
        shared["plain dialogue"] = found
    if isinstance(found, NotJudged):
        raise NotJudged(str(found))
    if shared.get(MIXED):
        raise NotJudged("its replies go to other conversations: see replies.right_conversation")
    assert isinstance(found, PlainStory)
    return found


async def _tell_plainly(context: Context) -> PlainStory:
    """A visitor writes, in a conversation that is open and in one that waits for a bot. The one with a reply counts."""
    dialogues = Dialogues.of(context)
    if context.settings.vendor.api is None:
        raise NotJudged(f"{context.settings.vendor.name} has no API that an integration could call")
    context.events()  # Raises NotJudged for a vendor that sends none.
    told = await asyncio.gather(*(_one_message(context, dialogues.open(context), pending) for pending in (False, True)))
    return max(told, key=lambda plain: (plain.number > 0, bool(plain.operations), not plain.pending))


async def _one_message(context: Context, dialogue: Dialogue, pending: bool) -> PlainStory:
    waiting = context.settings.waiting
    await dialogue.tell(start(pending))
    began = monotonic()
    events = await dialogue.tell(verbs.Say(None))
    if not events:
        raise NotJudged("the target gets no event that tells a visitor's message")
    await dialogue.replied(1, waiting.settle)
    latency = monotonic() - began if dialogue.replies() else 0.0
    await dialogue.quiet(max(waiting.quiet, 2 * latency) if dialogue.calls else 0.0)
    message = about_message(events)
    return PlainStory(dialogue, message.name, pending, len(dialogue.replies()), latency)


def about_message(events: list[Event]) -> Event:
    """The event that tells a message, of those of its step: a conversation that begins or opens again comes before."""
    return events[-1]


async def replies_plainly(context: Context) -> PlainStory:
    """The same as `told_plainly`. Raises NotJudged for an integration that does not reply."""
    plain = await told_plainly(context)
    if plain.number:
        return plain
    vendor = context.settings.vendor.name
    raise NotJudged(f"it replied to no message of a visitor by the API of {vendor}{_calls_instead(context, plain)}")


async def calls_plainly(context: Context) -> PlainStory:
    """The same as `told_plainly`. Raises NotJudged for an integration that calls nothing."""
    plain = await told_plainly(context)
    if plain.operations:
        return plain
    raise NotJudged(_calls_instead(context, plain).removeprefix("; ") or "it called nothing when a visitor wrote")


def _calls_instead(context: Context, plain: PlainStory) -> str:
    """What it called instead, for a reason."""
    calls = [f"{call.shown} ({call.served.status or 'no answer'})" for call in plain.dialogue.calls]
    if not calls:
        strays = [f"{call.method} {call.path} ({call.status})" for call in Dialogues.of(context).strays]
        calls = strays[:3]
    return f"; it called {', '.join(dict.fromkeys(calls))}" if calls else ""


def foreign_texts(told: list[Dialogue], marks: list[str]) -> Iterator[tuple[int, int, str]]:
    """Yields each reply of one dialogue with the mark of another: the numbers of both, and the text."""
    for number, dialogue in enumerate(told):
        for message in dialogue.replies():
            for other, mark in enumerate(marks):
                if other != number and mark in (message.text or ""):
                    yield number, other, message.text or ""
