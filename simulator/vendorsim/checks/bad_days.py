"""The bad days of an API: each operation that an integration calls fails in one way, in a conversation of its own.
`calls_api` judges what the integration makes of that.

The *work* of a conversation are the calls that change something and were accepted. On a bad day there must be as many
of them in the end as on a good one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile, pairwise
from typing import Protocol

from msgspec import Struct

from vendorsim.checks.context import Context, gather_bounded
from vendorsim.checks.dialogues import (
    Dialogue,
    Dialogues,
    Force,
    PlainStory,
    SeenCall,
    begun,
    calls_plainly,
    longest,
    patience,
)
from vendorsim.checks.registry import all_checks
from vendorsim.checks.selection import case_name
from vendorsim.core.clock import monotonic
from vendorsim.core.event import Event
from vendorsim.runs.timeline import LiveConversation, Run
from vendorsim.scenario import verbs
from vendorsim.server.forced_answers import ForcedAnswer
from vendorsim.vendorkit import registry

# Seconds that a 429 asks to wait: more than the first pause of most who don't look at it.
RETRY_AFTER = 2
# Operations that get bad days, those that write first.
MOST_OPERATIONS = 3
# Slow days that are played at once.
_MOST_SLOW = 8
# Deliveries of one message: a vendor that retries sends it again while the integration refuses it.
_MOST_DELIVERIES = 4
# The operation of a day on which all operations fail.
ALL = "all"

UNAUTHORIZED, NOT_FOUND, UNPROCESSABLE, RATE_LIMIT, ERROR = "401", "404", "422", "429", "500"
SILENCE, BROKEN, OUTAGE = "no answer", "answer broken off", "outage"
DAYS = (UNAUTHORIZED, NOT_FOUND, UNPROCESSABLE, RATE_LIMIT, ERROR, SILENCE, BROKEN, OUTAGE)
REFUSALS = (UNAUTHORIZED, NOT_FOUND, UNPROCESSABLE)
# What blocks an integration that waits in its webhook. These days are played last.
SLOW = (RATE_LIMIT, SILENCE, OUTAGE)

NEEDED = {
    "calls_api.once": (RATE_LIMIT, ERROR, SILENCE, BROKEN, OUTAGE),
    "calls_api.no_retry_of_400": (NOT_FOUND, UNPROCESSABLE),
    "calls_api.retries_5xx": (ERROR, OUTAGE),
    "calls_api.hammering": DAYS,
    "calls_api.retry_after": (RATE_LIMIT,),
    "calls_api.outages": (SILENCE, BROKEN, OUTAGE),
    "calls_api.goes_on": (*REFUSALS, OUTAGE),
}
"""Check → the days that it judges."""

Day = tuple[str, str]
"""An operation (or ALL), and the name of a day."""


class Occasion(Protocol):
    """A conversation in which the integration has work to do, to be played on good and bad days.

    `event` tells what the work is about. `usual` says how often each operation is called on a good day, `expected` is
    the work then. All times are in seconds: `longest` is how long to wait for work, `patience` for what must not come,
    `resting` for one more call after a refusal.
    """

    event: str
    usual: Mapping[str, int]
    expected: Counter[str]
    longest: float
    patience: float
    resting: float

    async def begin(self) -> tuple[Dialogue, list[Event]]:
        """Opens a conversation. Returns it, and the events that lead to the work, which nobody has sent yet."""
        ...

    async def go_on(self, dialogue: Dialogue) -> tuple[Dialogue, list[Event]]:
        """The same for the next work, in the same conversation if that is where it would be."""
        ...

    async def repeats(self) -> bool:
        """Whether the next work in the same conversation is done as the first one is, on a good day."""
        ...

    def work(self, dialogue: Dialogue) -> Counter[str]:
        """The work that was done in a conversation."""
        ...


class VisitorWrites:
    """A visitor writes, as in the plain story."""

    def __init__(self, context: Context, plain: PlainStory) -> None:
        self._context, self._plain = context, plain
        # Where the plain story changes nothing, each accepted call is work.
        self._changing = any(call.writes and call.served.accepted for call in plain.dialogue.calls)
        self.event = plain.event
        self.usual: Mapping[str, int] = plain.operations
        self.expected = self.work(plain.dialogue)
        self.longest, self.patience = longest(context, plain), patience(context, plain)
        self.resting = max(self.patience, context.settings.waiting.retry / 2)
        self._repeats: asyncio.Future[bool] | None = None

    async def begin(self) -> tuple[Dialogue, list[Event]]:
        return await self.go_on(await begun(self._context, self._plain))

    async def go_on(self, dialogue: Dialogue) -> tuple[Dialogue, list[Event]]:
        return dialogue, dialogue.step(verbs.Say(None))

    async def repeats(self) -> bool:
        # Days that are played at once share one trial.
        if self._repeats is None:
            self._repeats = asyncio.ensure_future(self._two_messages())
        return await self._repeats

    async def _two_messages(self) -> bool:
        """An integration may have handed the conversation over after the first message, and do nothing more."""
        dialogue, events = await self.begin()
        twice = self.expected + self.expected
        await _deliver(dialogue, events)
        if not await dialogue.until(lambda: not self.expected - self.work(dialogue), self.longest):
            return False
        _, events = await self.go_on(dialogue)
        await _deliver(dialogue, events)
        return await dialogue.until(lambda: not twice - self.work(dialogue), self.longest)

    def work(self, dialogue: Dialogue) -> Counter[str]:
        return Counter(
            call.operation
            for call in list(dialogue.calls)
            if call.served.accepted and call.operation is not None and (call.writes or not self._changing)
        )


class VisitorIdentifies:
    """A visitor says who he is, so that the integration has to call the identification API. `run` tells that up to an
    `authenticate` step; each conversation has one of the `indexes`."""

    def __init__(self, context: Context, run: Run, identifier: str, indexes: Iterator[int], within: float) -> None:
        """`identifier` is that of the visitor, `within` the most seconds until the call."""
        self._context, self._run, self._identifier, self._indexes = context, run, identifier, indexes
        self.operation = registry.identification().operation
        self.event = self._told(run.conversation(next(indexes)))[2]
        self.usual: Mapping[str, int] = {self.operation: 1}
        self.expected = Counter(self.usual)
        self.longest = within
        self.patience = self.resting = context.settings.waiting.quiet

    async def begin(self) -> tuple[Dialogue, list[Event]]:
        live = self._run.conversation(next(self._indexes))
        dialogue = Dialogues.of(self._context).add(self._context, live)
        before, telling, _ = self._told(live)
        await dialogue.send(before)
        return dialogue, telling

    async def go_on(self, dialogue: Dialogue) -> tuple[Dialogue, list[Event]]:
        return await self.begin()

    async def repeats(self) -> bool:
        return False

    def work(self, dialogue: Dialogue) -> Counter[str]:
        """The call that was accepted, and all after it: the API refuses the same again, but it was asked for twice."""
        calls = [call for call in list(dialogue.calls) if call.operation == self.operation]
        done = list(dropwhile(lambda call: not call.served.accepted, calls))
        return Counter({self.operation: len(done)} if done else {})

    def _told(self, live: LiveConversation) -> tuple[list[Event], list[Event], str]:
        """The events before the visitor says who he is, those from then on until the call, and the name of the event
        that tells it."""
        before: list[Event] = []
        telling: list[Event] = []
        name = ""
        for scheduled in live.run.schedule(live.state.index):
            if isinstance(scheduled.step.verb, verbs.Authenticate):
                break
            events = [event for event in live.advance(scheduled) if self._context.gets(event.name)]
            if not name and any(self._identifier.encode() in event.body for event in events):
                name = events[-1].name
            (telling if name else before).extend(events)
        return before, telling, name


class BadDay(Struct, frozen=True):
    """What was seen on one day. `event` tells what the work is about. `usual` says how often each operation is called
    on a good day. `lost` is whether work was missing in the end, `next_lost` whether the next work was, with the API
    back. `redelivered` says that the integration refused a delivery, which therefore came again."""

    operation: str
    name: str
    event: str
    calls: tuple[SeenCall, ...]
    expected: Counter[str]
    found: Counter[str]
    usual: Mapping[str, int]
    lost: bool
    next_lost: bool
    redelivered: bool

    @property
    def case(self) -> str:
        return f"{self.operation}/{self.name}"

    @property
    def about(self) -> str:
        """The day in a sentence, after "when"."""
        what = "all operations" if self.operation == ALL else self.operation
        if self.name == SILENCE:
            return f"{what} gave no answer once"
        if self.name == BROKEN:
            return f"the answer of {what} broke off once"
        if self.name == OUTAGE:
            return "the API was away for a while"
        return f"{what} was answered {self.name}"

    @property
    def of_operation(self) -> list[SeenCall]:
        """The calls of the operation; of the first that failed where all do."""
        name = self.operation if self.operation != ALL else self.calls[0].operation if self.calls else None
        return [call for call in self.calls if call.operation == name]

    @property
    def repeated(self) -> int:
        """How often the operation was called after the first failure."""
        return len(self.of_operation) - 1

    def too_often(self) -> list[str]:
        """The operations whose work was done more often than in the plain story."""
        return [name for name, number in self.found.items() if number > self.expected[name]]

    def pauses(self) -> list[float]:
        """The seconds between the end of each call of the operation and the next one."""
        calls = [call.served for call in self.of_operation]
        return [then.at - (now.ended or now.at) for now, then in pairwise(calls)]

    def times(self) -> str:
        """When the operation was called, as text."""
        calls = self.of_operation
        times = ", ".join(f"{call.served.at - calls[0].served.at:.1f} s" for call in calls)
        return (
            f"1 call of {calls[0].shown}" if len(calls) == 1 else f"{len(calls)} calls of {calls[0].shown}, at {times}"
        )


def chosen(context: Context, occasion: Occasion, operations: Sequence[str]) -> list[Day]:
    """The days of these operations that any selected check judges."""
    selection = context.settings.selection
    days: dict[Day, None] = {}
    for check in all_checks():
        if check.id not in NEEDED or not selection.takes_check(check) or selection.skips_check(check):
            continue
        for name in NEEDED[check.id]:
            for operation in operations:
                if selection.takes_case(check, occasion.event, case_name(f"{operation}/{name}")):
                    days[operation, name] = None
    return list(days)


async def play(context: Context, occasion: Occasion, day: Day) -> None:
    """Plays a day, unless another check has done so."""
    played = _played(context)
    if day not in played:
        played[day] = await _play(context, occasion, *day)


def judged(context: Context, occasion: Occasion, operations: Sequence[str]) -> list[BadDay]:
    """The days of these operations that the check judges, of those that were played. Counts them as its cases."""
    played = _played(context)
    wanted = [(operation, name) for name in NEEDED[context.check.id] for operation in operations]
    found = [
        played[day]
        for day in wanted
        if day in played and played[day].of_operation and context.takes(occasion.event, "/".join(day))
    ]
    for day in found:
        context.case(day.event)
    return found


def _played(context: Context) -> dict[Day, BadDay]:
    played: dict[Day, BadDay] = context.settings.shared.setdefault("bad days", {})
    return played


async def of_plain_story(context: Context) -> list[BadDay]:
    """Plays the days of all operations of the plain story that selected checks judge. Returns those of this check.

    Raises NotJudged.
    """
    plain = await calls_plainly(context)
    identification = registry.identification().operation
    every = [name for name in plain.operations if name != identification]
    operations = every[:MOST_OPERATIONS]
    if len(every) > MOST_OPERATIONS:
        context.result.reason = f"only {', '.join(operations)} were tried"
    occasion = VisitorWrites(context, plain)
    days = [
        (operation, name)
        for operation, name in chosen(context, occasion, (*operations, ALL))
        if (operation == ALL) == (name == OUTAGE)
    ]
    await gather_bounded([play(context, occasion, day) for day in days if day[1] not in SLOW])
    await gather_bounded([play(context, occasion, day) for day in days if day[1] in SLOW], _MOST_SLOW)
    return judged(context, occasion, (*operations, ALL))


async def _play(context: Context, occasion: Occasion, operation: str, name: str) -> BadDay:
    dialogue, events = await occasion.begin()
    lasts = _outage_seconds(context)
    over: list[bool] = []
    dialogue.force = _force(name, operation, lasts, _silence_seconds(context), over)
    waiting, expected = context.settings.waiting, occasion.expected

    def failing() -> bool:
        return any(operation in (ALL, call.operation) for call in list(dialogue.calls))

    def done(place: Dialogue, work: Counter[str]) -> bool:
        return not work - occasion.work(place)

    async def misses(place: Dialogue, events: list[Event], before: Counter[str]) -> bool:
        """Whether some of the work that these events lead to is missing in the end."""
        await _deliver(place, events)
        missing = not await place.until(lambda: done(place, before + expected), occasion.longest)
        await place.quiet(occasion.patience if missing else 0.0)
        return not done(place, before + expected)

    delivering = asyncio.ensure_future(_deliver(dialogue, events))
    try:
        called = await dialogue.until(failing, occasion.longest)
        if called and name in REFUSALS:
            await dialogue.quiet(occasion.resting)
        elif called:
            away = RETRY_AFTER if name == RATE_LIMIT else lasts
            # A pause that doubles is over after twice the time for which the API was away.
            seconds = 2 * away if name == OUTAGE else waiting.retry
            await dialogue.until(lambda: done(dialogue, expected), away + seconds)
            await dialogue.quiet(occasion.patience)
        redelivered = await delivering
    finally:
        delivering.cancel()
    seen, found = tuple(dialogue.calls), occasion.work(dialogue)
    next_lost = False
    if called and name in (*REFUSALS, OUTAGE):
        over.append(True)
        # What is read from the API, and not from deliveries, may be worked on before anything is sent.
        before = occasion.work(dialogue)
        place, events = await occasion.go_on(dialogue)
        next_lost = await misses(place, events, before if place is dialogue else Counter())
        if next_lost and place is dialogue and not await occasion.repeats():
            next_lost = await misses(*await occasion.begin(), Counter())
    lost = bool(expected - found)
    return BadDay(operation, name, occasion.event, seen, expected, found, occasion.usual, lost, next_lost, redelivered)


def _force(name: str, operation: str, outage: float, silence: float, over: list[bool]) -> Force:
    """Says what a day does to the calls. When `over` holds something, the API is back."""
    failed: list[float] = []

    def answer(status: int, headers: Mapping[str, str] | None = None) -> ForcedAnswer:
        return ForcedAnswer(status, headers or {}, message=_message(operation, status))

    def force(call: SeenCall) -> ForcedAnswer | None:
        if over or (operation != ALL and call.operation != operation):
            return None
        now = monotonic()
        since = now - failed[0] if failed else 0.0
        first = not failed
        failed.append(now)
        if name in REFUSALS:
            return answer(int(name))
        if name == RATE_LIMIT:
            return answer(429, {"Retry-After": str(RETRY_AFTER)}) if since < RETRY_AFTER - 0.05 else None
        if name == OUTAGE:
            return None if since > outage else ForcedAnswer() if len(failed) % 2 else answer(503)
        if not first:
            return None
        if name == SILENCE:
            return ForcedAnswer(seconds=silence)
        return ForcedAnswer(begun=True) if name == BROKEN else answer(int(name))

    return force


def _message(operation: str, status: int) -> str:
    """The vendor's own text of an answer of the identification API; empty where there is none."""
    api = registry.identification()
    known = (answer.message for answer in api.answers.values() if answer.status == status)
    return next(known, "") if operation == api.operation else ""


async def _deliver(dialogue: Dialogue, events: list[Event]) -> bool:
    """Sends events; again what was refused, if the vendor does so. Returns whether one came again."""
    again = False
    most = _MOST_DELIVERIES if dialogue.context.settings.policy.retries.value else 1
    for event in events:
        for number in range(most):
            again = again or number > 0
            exchange = await dialogue.context.send(event)
            if dialogue.context.accepted(exchange):
                break
            await asyncio.sleep(min(1.0, dialogue.context.settings.waiting.retry / most))
    return again


def _outage_seconds(context: Context) -> float:
    """Long enough for four attempts after pauses that double."""
    return 0.6 * context.settings.waiting.retry


def _silence_seconds(context: Context) -> float:
    """Shorter than the vendor waits for the webhook: an integration that calls before it answers is no silent one."""
    return min(_outage_seconds(context), 0.8 * context.settings.policy.read_timeout.value / 1000)
