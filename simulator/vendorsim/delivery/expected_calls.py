"""Waits for the calls that the steps of a scenario expect (`expect_call`, `authenticate`), and judges them.

Calls arrive in the server's threads; the player waits in its event loop.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Callable

from msgspec import Struct, field

from vendorsim.core.clock import monotonic
from vendorsim.delivery.call_matching import call_line, explain_miss
from vendorsim.delivery.expectations import CallExpectation, Waiting, expectation, is_early
from vendorsim.delivery.records import AS_EXPECTED, MISSED, CallOutcome
from vendorsim.delivery.run_backend import RunBackend
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import LiveConversation
from vendorsim.scenario.calls import SINK
from vendorsim.scenario.verbs import Authenticate, ExpectCall, SetSink
from vendorsim.vendorkit.api_call import ApiCall

# The API keeps this many finished conversations, so that it answers late calls with "session ended".
MOST_FINISHED = 5_000
# Calls that wait for a step, of each conversation, and of no conversation. Beyond these the oldest are forgotten.
MOST_WAITING = 1_000
_MOST_COMPARED = 500


class _Arrived(Struct, eq=False):
    """A call, and what the visitor had told when it arrived. `arrived_at` is in monotonic seconds. `counted` has the
    indexes of the conversations in which a step has counted it: a call of no conversation counts once in each."""

    call: ApiCall
    said: list[str]
    arrived_at: float = field(default_factory=monotonic)
    counted: set[int] = field(default_factory=set)


class ExpectedCalls:
    """Judges the calls (`vendorsim.delivery.call_judge`) that the APIs and sinks of `backend` receive during a run."""

    def __init__(self, backend: RunBackend) -> None:
        """Create it in the event loop of the run."""
        self._backend = backend
        self._loop = asyncio.get_running_loop()
        self._lives: dict[str, LiveConversation] = {}
        self._calls: dict[str, deque[_Arrived]] = {}
        self._began: dict[str, float] = {}
        self._of_none: deque[_Arrived] = deque(maxlen=MOST_WAITING)
        self._arrived: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._finished: deque[tuple[str, str]] = deque()
        self._unsubscribe = backend.subscribe(self._from_thread)

    def attach(self, live: LiveConversation, handle: LiveHandle) -> None:
        verbs = [step.verb for _, step, _ in live.run.steps]
        live.called = True
        for verb in verbs:
            if isinstance(verb, SetSink):
                self._backend.sinks.ensure(verb.sink)
            elif isinstance(verb, ExpectCall) and verb.call.vendor == SINK and verb.call.operation is not None:
                self._backend.sinks.ensure(verb.call.operation)
        if any(isinstance(verb, Waiting) for verb in verbs):
            self._lives[handle.id] = live
            self._calls[handle.id] = deque(maxlen=MOST_WAITING)
            self._began[handle.id] = monotonic()
        self._backend.conversations.add(handle)
        answers = [verb.answer for verb in verbs if isinstance(verb, Authenticate)]
        self._backend.conversations.add_session(handle, answers)

    def finish(self, live: LiveConversation) -> None:
        """Marks a conversation as ended. It is dropped after MOST_FINISHED others have ended."""
        self._finished.append((live.run.vendor.name, str(live.id)))
        if len(self._finished) > MOST_FINISHED:
            self._forget(*self._finished.popleft())

    async def judge(self, live: LiveConversation, verb: Waiting) -> CallOutcome:
        """Waits for the expected calls, by the wall clock, and judges them."""
        session = str(live.id)
        with live.lock:
            expected = expectation(verb, live.state, session)
        return await _Judging(self, live, session, expected).outcome()

    def answer(self, live: LiveConversation, verb: SetSink) -> None:
        """Sets what a sink answers to the conversation's calls."""
        if verb.answers is not None:
            self._backend.sinks.answer(verb.sink, verb.answers, str(live.id))

    def close(self) -> None:
        self._unsubscribe()

    def waiting(self, session: str) -> list[_Arrived]:
        """The calls of a conversation, and those of none since it began, in the order in which they came."""
        of_none = [arrived for arrived in self._of_none if arrived.arrived_at >= self._began[session]]
        return sorted([*self._calls[session], *of_none], key=lambda arrived: arrived.arrived_at)

    async def next(self, session: str) -> None:
        """Waits until another call has arrived."""
        self._arrived[session].clear()
        await self._arrived[session].wait()

    def newest(self) -> list[ApiCall]:
        """The newest calls of all conversations, for explanations."""
        return self._backend.ledger.calls()[-_MOST_COMPARED:]

    def _from_thread(self, call: ApiCall) -> None:
        if not call.session_id:
            if self._lives:
                self._loop.call_soon_threadsafe(self._arrive, _Arrived(call, []))
            return
        live = self._lives.get(call.session_id)
        if live is not None:
            with live.lock:
                arrived = _Arrived(call, live.state.said())
            self._loop.call_soon_threadsafe(self._arrive, arrived)

    def _arrive(self, arrived: _Arrived) -> None:
        session = arrived.call.session_id
        if not session:
            self._of_none.append(arrived)
            for event in self._arrived.values():
                event.set()
        elif session in self._calls:
            self._calls[session].append(arrived)
            self._arrived[session].set()

    def _forget(self, vendor: str, session: str) -> None:
        self._backend.conversations.remove(vendor, session)
        self._lives.pop(session, None)
        self._calls.pop(session, None)
        self._arrived.pop(session, None)
        self._began.pop(session, None)


class _Judging:
    """One step that waits."""

    def __init__(self, calls: ExpectedCalls, live: LiveConversation, session: str, expected: CallExpectation) -> None:
        self._calls = calls
        self._live = live
        self._session = session
        self._expected = expected
        self._counted: list[ApiCall] = []
        self._last: ApiCall | None = None
        self._early = False

    async def outcome(self) -> CallOutcome:
        expected, times = self._expected, self._expected.times
        await self._count_until(lambda: len(self._counted) >= times.least, expected.within)
        if not self._early and times.most is not None and len(self._counted) >= times.least:
            most = times.most
            await self._count_until(lambda: len(self._counted) > most, expected.quiet)
        return self._record(self._problem())

    async def _count_until(self, enough: Callable[[], bool], milliseconds: int) -> None:
        """Counts calls until there are enough, or one came too early; for at most so many milliseconds."""
        self._count()
        try:
            async with asyncio.timeout(milliseconds / 1000):
                while not (enough() or self._early):
                    await self._calls.next(self._session)
                    self._count()
        except TimeoutError:
            return

    def _count(self) -> None:
        """Counts the waiting calls that are expected, and marks them so that no later step counts them."""
        expected, index = self._expected, self._live.state.index
        for arrived in self._calls.waiting(self._session):
            if index in arrived.counted or not expected.pattern.is_named(arrived.call):
                continue
            if expected.identified and not arrived.call.session_id:
                continue
            fits = expected.pattern.fits(arrived.call)
            if fits or expected.identified:
                arrived.counted.add(index)
                self._last = arrived.call
            if expected.identified and is_early(arrived.said, list(expected.said), expected.after_saying):
                self._early = True
                return
            if fits:
                self._counted.append(arrived.call)
                if expected.times.most is None and len(self._counted) >= expected.times.least:
                    return

    def _problem(self) -> str | None:
        expected, count = self._expected, len(self._counted)
        name, times = expected.pattern.operation, expected.times
        if self._early:
            return f"{name} was called before the visitor had said who he is"
        if times.most is not None and count > times.most:
            second = call_line(self._counted[-1])
            return f"{name} was called {_times(count)}, expected {times}; the last one: {second}"
        if count >= times.least:
            return None
        within = f"within {expected.within / 1000:g} s"
        if count:
            return f"{name} was called as expected {_times(count)} {within}, and not {times}"
        compared = self._compared()
        called = any(expected.pattern.is_named(call) for call in compared)
        head = f"no call of {name} was as expected {within}" if called else f"{name} was not called {within}"
        lines = explain_miss(expected.pattern, compared)
        return re.sub(":; ", ": ", "; ".join([head, *(line.strip() for line in lines)]))

    def _compared(self) -> list[ApiCall]:
        """The calls among which the nearest is looked for: this conversation's and none's, else any."""
        calls = self._calls.newest()
        own = [call for call in calls if call.session_id in ("", self._session)]
        named = any(self._expected.pattern.is_named(call) for call in own)
        return own if named or self._expected.identified else calls

    def _record(self, reason: str | None) -> CallOutcome:
        expected, live, last = self._expected, self._live, self._last
        return CallOutcome(
            index=live.state.index,
            conversation=live.id,
            call=expected.pattern.operation,
            times=str(expected.times),
            count=len(self._counted),
            verdict=AS_EXPECTED if reason is None else MISSED,
            status=last.status if last else None,
            message=last.message if last else None,
            reason=reason,
            identified=expected.identified,
            identifier=expected.identifier,
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
