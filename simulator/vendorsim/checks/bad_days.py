"""The bad days of an API: each operation that an integration calls in the plain story fails in one way, in a dialogue
of its own. `calls_api` judges what the integration makes of that.

The *work* of a story are the calls that change something and were accepted. On a bad day there must be as many of
them in the end as in the plain story.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from vendorsim.checks.context import Context, gather_bounded
from vendorsim.checks.dialogues import Dialogue, Force, PlainStory, SeenCall, begun, calls_plainly, longest, patience
from vendorsim.core.clock import monotonic
from vendorsim.core.event import Event
from vendorsim.scenario import verbs
from vendorsim.server.forced_answers import ForcedAnswer

# Seconds that a 429 asks to wait.
RETRY_AFTER = 1
# Operations that get bad days, those that write first.
MOST_OPERATIONS = 3
# Deliveries of one message: a vendor that retries sends it again while the integration refuses it.
_MOST_DELIVERIES = 4
# The operation of a day on which all operations fail.
ALL = "all"

UNAUTHORIZED, NOT_FOUND, UNPROCESSABLE, RATE_LIMIT, ERROR = "401", "404", "422", "429", "500"
SILENCE, BROKEN, OUTAGE = "no answer", "answer broken off", "outage"
DAYS = (UNAUTHORIZED, NOT_FOUND, UNPROCESSABLE, RATE_LIMIT, ERROR, SILENCE, BROKEN, OUTAGE)
REFUSALS = (UNAUTHORIZED, NOT_FOUND, UNPROCESSABLE)
_SLOW = (SILENCE, OUTAGE)


@dataclass(frozen=True, slots=True)
class BadDay:
    """What was seen on one day. `event` tells the visitor's message. `lost` is whether work was missing in the end,
    `next_lost` whether that of the visitor's next message was, with the API back."""

    operation: str
    name: str
    event: str
    calls: tuple[SeenCall, ...]
    expected: Counter[str]
    found: Counter[str]
    lost: bool
    next_lost: bool = False

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


async def bad_days(context: Context, names: Sequence[str]) -> list[BadDay]:
    """Plays the days of these names, for each operation of the plain story, as far as the check's cases are selected.
    What another check has played is not played again. Raises NotJudged."""
    plain = await calls_plainly(context)
    operations = list(plain.operations)
    if len(operations) > MOST_OPERATIONS:
        context.result.reason = f"only {', '.join(operations[:MOST_OPERATIONS])} were tried"
    wanted = [
        (operation, name)
        for name in names
        for operation in ([ALL] if name == OUTAGE else operations[:MOST_OPERATIONS])
        if context.takes(plain.event, f"{operation}/{name}")
    ]
    played: dict[tuple[str, str], BadDay] = context.settings.shared.setdefault("bad days", {})

    async def play(day: tuple[str, str]) -> None:
        played[day] = await _play(context, plain, *day)

    # What blocks an integration that waits in its webhook goes last.
    for slow in (False, True):
        missing = [day for day in wanted if day not in played and (day[1] in _SLOW) == slow]
        await gather_bounded([play(day) for day in missing])
    found = [played[day] for day in wanted if played[day].of_operation]
    for _ in found:
        context.case(plain.event)
    return found


async def _play(context: Context, plain: PlainStory, operation: str, name: str) -> BadDay:
    dialogue = await begun(context, plain)
    lasts = _outage_seconds(context)
    over: list[bool] = []
    dialogue.force = _force(name, operation, lasts, _silence_seconds(context), over)
    expected = _work(plain.dialogue, plain)
    waiting = context.settings.waiting

    def failing() -> bool:
        return any(operation in (ALL, call.operation) for call in list(dialogue.calls))

    def done(work: Counter[str]) -> bool:
        return not work - _work(dialogue, plain)

    delivering = asyncio.ensure_future(_deliver(dialogue, dialogue.step(verbs.Say(None))))
    try:
        called = await dialogue.until(failing, longest(context, plain))
        if called and name in REFUSALS:
            await dialogue.quiet(max(patience(context, plain), waiting.retry / 2))
        elif called:
            # A pause that doubles is over after twice the time for which the API was away.
            seconds = 2 * lasts if name == OUTAGE else waiting.retry
            await dialogue.until(lambda: done(expected), lasts + seconds)
            await dialogue.quiet(patience(context, plain))
        await delivering
    finally:
        delivering.cancel()
    seen, found = tuple(dialogue.calls), _work(dialogue, plain)
    next_lost = False
    if called and name in (*REFUSALS, OUTAGE):
        over.append(True)
        await _deliver(dialogue, dialogue.step(verbs.Say(None)))
        total = found + expected
        next_lost = not await dialogue.until(lambda: done(total), longest(context, plain))
        await dialogue.quiet(patience(context, plain) if next_lost else 0.0)
        next_lost = not done(total)
    return BadDay(operation, name, plain.event, seen, expected, found, bool(expected - found), next_lost)


def _force(name: str, operation: str, outage: float, silence: float, over: list[bool]) -> Force:
    """Says what a day does to the calls. When `over` holds something, the API is back."""
    failed: list[float] = []

    def force(call: SeenCall) -> ForcedAnswer | None:
        if over or (operation != ALL and call.operation != operation):
            return None
        now = monotonic()
        since = now - failed[0] if failed else 0.0
        first = not failed
        failed.append(now)
        if name in REFUSALS:
            return ForcedAnswer(int(name))
        if name == RATE_LIMIT:
            return ForcedAnswer(429, {"Retry-After": str(RETRY_AFTER)}) if since < RETRY_AFTER - 0.05 else None
        if name == OUTAGE:
            return None if since > outage else ForcedAnswer() if len(failed) % 2 else ForcedAnswer(503)
        if not first:
            return None
        if name == SILENCE:
            return ForcedAnswer(seconds=silence)
        return ForcedAnswer(begun=True) if name == BROKEN else ForcedAnswer(int(name))

    return force


async def _deliver(dialogue: Dialogue, events: list[Event]) -> None:
    """Sends the events of the visitor's message; again what was refused, if the vendor does so."""
    most = _MOST_DELIVERIES if dialogue.context.settings.policy.retries.value else 1
    for event in events:
        for _ in range(most):
            exchange = await dialogue.context.send(event)
            if dialogue.context.accepted(exchange):
                break
            await asyncio.sleep(min(1.0, dialogue.context.settings.waiting.retry / most))


def _work(dialogue: Dialogue, plain: PlainStory) -> Counter[str]:
    """How often each operation was accepted that changes something; each one at all, where the plain story changes
    nothing."""
    changing = any(call.writes and call.served.accepted for call in plain.dialogue.calls)
    return Counter(
        call.operation
        for call in list(dialogue.calls)
        if call.served.accepted and call.operation is not None and (call.writes or not changing)
    )


def _outage_seconds(context: Context) -> float:
    return 0.8 * context.settings.waiting.retry


def _silence_seconds(context: Context) -> float:
    """Shorter than the vendor waits for the webhook: an integration that calls before it answers is no silent one."""
    return min(_outage_seconds(context), 0.8 * context.settings.policy.read_timeout.value / 1000)
