"""Waits for the API calls that the `authenticate` steps of a scenario expect, and judges them.

Calls arrive in the server's threads; the player waits in its event loop.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from typing import NamedTuple

from vendorsim.delivery.records import AS_EXPECTED, MISSED, Authentication
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import LiveConversation
from vendorsim.scenario.verbs import Authenticate
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.backend import Backend

# The API keeps this many finished conversations, so that it answers late calls with "session ended".
MOST_FINISHED = 5_000


class _Arrived(NamedTuple):
    """A call, and how much the visitor had told when it arrived."""

    call: ApiCall
    said: list[str]


class ExpectedCalls:
    """Judges the calls (`vendorsim.delivery.call_judge`) that the vendors' APIs of `backend` receive during a run."""

    def __init__(self, backend: Backend) -> None:
        """Create it in the event loop of the run. Raises InputError when no vendor has an identification API."""
        self._backend = backend
        self._identification = registry.identification()
        self._loop = asyncio.get_running_loop()
        self._lives: dict[str, LiveConversation] = {}
        self._calls: dict[str, deque[_Arrived]] = {}
        self._arrived: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._finished: deque[tuple[str, str]] = deque()
        self._unsubscribe = backend.subscribe(self._from_thread)

    def attach(self, live: LiveConversation, handle: LiveHandle) -> None:
        answers = [step.verb.answer for _, step, _ in live.run.steps if isinstance(step.verb, Authenticate)]
        live.called = True
        self._lives[handle.id] = live
        self._calls[handle.id] = deque()
        self._backend.conversations.add(handle)
        self._backend.conversations.add_session(handle, answers)

    def finish(self, live: LiveConversation) -> None:
        """Marks a conversation as ended. It is dropped after MOST_FINISHED others have ended."""
        self._finished.append((live.run.vendor.name, str(live.id)))
        if len(self._finished) > MOST_FINISHED:
            self._forget(*self._finished.popleft())

    async def judge(self, live: LiveConversation, verb: Authenticate) -> Authentication:
        """Waits for the expected call, for at most `within` milliseconds of wall-clock time."""
        session = str(live.id)
        with live.lock:
            expected = verb.identifier or live.state.identifier
            said = live.state.said()
            comm_type = self._identification.comm_types[live.state.channel]
        reason = f"{self._identification.operation} was not called within {verb.within / 1000:g} s"
        last: ApiCall | None = None
        try:
            async with asyncio.timeout(verb.within / 1000):
                while True:
                    last, before = await self._next(session)
                    if is_early(before, said, expected):
                        reason = f"{self._identification.operation} was called before the visitor had said who he is"
                        return self._record(live, expected, MISSED, last, reason)
                    problem = self._problem(last, comm_type, expected, verb.answer)
                    if problem is None:
                        return self._record(live, expected, AS_EXPECTED, last, None)
                    reason = problem
        except TimeoutError:
            return self._record(live, expected, MISSED, last, reason)

    def close(self) -> None:
        self._unsubscribe()

    def _record(
        self, live: LiveConversation, identifier: str | None, verdict: str, call: ApiCall | None, reason: str | None
    ) -> Authentication:
        return Authentication(
            index=live.state.index,
            conversation=live.id,
            identifier=identifier,
            verdict=verdict,
            status=call.status if call else None,
            message=call.message if call else None,
            reason=reason,
        )

    async def _next(self, session: str) -> _Arrived:
        while not self._calls[session]:
            self._arrived[session].clear()
            await self._arrived[session].wait()
        return self._calls[session].popleft()

    def _from_thread(self, call: ApiCall) -> None:
        live = self._lives.get(call.session_id) if self._is_identification(call) else None
        if live is not None:
            with live.lock:
                arrived = _Arrived(call, live.state.said())
            self._loop.call_soon_threadsafe(self._arrive, arrived)

    def _arrive(self, arrived: _Arrived) -> None:
        session = arrived.call.session_id
        if session in self._calls:
            self._calls[session].append(arrived)
            self._arrived[session].set()

    def _forget(self, vendor: str, session: str) -> None:
        self._backend.conversations.remove(vendor, session)
        self._lives.pop(session, None)
        self._calls.pop(session, None)
        self._arrived.pop(session, None)

    def _is_identification(self, call: ApiCall) -> bool:
        return (call.vendor, call.operation) == (self._identification.vendor, self._identification.operation)

    def _problem(self, call: ApiCall, comm_type: str, expected: str | None, forced: str | None) -> str | None:
        """Returns what is wrong with a call, or None. The integration is not blamed for a forced answer."""
        known = self._identification
        answered = f"{known.operation} was answered {call.status} '{call.message}'"
        if call.comm_type != comm_type:
            return f"{known.operation} was called for {call.comm_type}, not for {comm_type}"
        if forced is None and (call.fields is None or call.status == known.unauthorized):
            return answered
        identifier = (call.fields or {}).get("identifier")
        if expected is not None and identifier != expected:
            return f"{known.operation} was called with identifier {identifier!r}, not {expected!r}"
        if forced is None and call.status != known.accepted:
            return answered
        return None


def is_early(before: list[str], said: list[str], identifier: str | None) -> bool:
    """Whether a call came before the visitor had said who he is.

    `before` is what the visitor had told when the call arrived, `said` what he has told now. He says who he is by
    naming the identifier; if he never does, by his first message.
    """
    naming = [text for text in said if identifier is not None and identifier in text]
    return bool(said) and not any(text in before for text in naming or said)
