"""Waits for the integration's calls of `end_user` that a scenario demands, and judges them.

Calls arrive in the server's threads, the player waits in its event loop.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque

from vendorsim.delivery.records import AUTHENTICATED, MISSED, Authentication
from vendorsim.runs.conversation_handle import Handle
from vendorsim.runs.timeline import LiveConversation
from vendorsim.scenario.verbs import Authenticate
from vendorsim.server.backend import ApiCall, ServerState
from vendorsim.vendors.ccai.end_user import ACCEPTED, UNAUTHORIZED

# Finished conversations stay known to the API for a while: late calls are told that the session has ended.
MOST_FINISHED = 5_000


class CallJudge:
    """Ties the conversations of a run to the API that answers meanwhile."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._loop = asyncio.get_running_loop()
        self._calls: dict[str, deque[ApiCall]] = {}
        self._arrived: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._finished: deque[tuple[str, str]] = deque()
        self._unsubscribe = state.subscribe(self._from_thread)

    def attach(self, handle: Handle) -> None:
        """The API knows this conversation from now on."""
        live = handle.live
        self._state.conversations.add(handle)
        steps = live.run.schedule(live.state.index)
        answers = [s.step.verb.answer for s in steps if isinstance(s.step.verb, Authenticate)]
        self._calls[str(live.id)] = deque()
        self._state.sessions.attach(str(live.id), live.state, answers)

    def finish(self, live: LiveConversation) -> None:
        """The conversation is over; it is forgotten when many others have finished after it."""
        self._finished.append((live.run.vendor.name, str(live.id)))
        if len(self._finished) > MOST_FINISHED:
            self._forget(*self._finished.popleft())

    async def judge(self, live: LiveConversation, verb: Authenticate) -> Authentication:
        """Waits until the integration has called as it should, or `within` has passed on the wall clock."""
        session = str(live.id)
        expected = verb.identifier or live.state.visitor.identifier
        reason = f"end_user was not called within {verb.within / 1000:g} s"
        last: ApiCall | None = None
        try:
            async with asyncio.timeout(verb.within / 1000):
                while True:
                    last = await self._next(session)
                    problem = _problem(last, f"{live.state.channel}s", expected, verb.answer)
                    if problem is None:
                        return self._record(live, expected, AUTHENTICATED, last, None)
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

    async def _next(self, session: str) -> ApiCall:
        while not self._calls[session]:
            self._arrived[session].clear()
            await self._arrived[session].wait()
        return self._calls[session].popleft()

    def _from_thread(self, call: ApiCall) -> None:
        self._loop.call_soon_threadsafe(self._arrive, call)

    def _arrive(self, call: ApiCall) -> None:
        calls = self._calls.get(call.session_id) if call.operation == "end_user" else None
        if calls is not None:
            calls.append(call)
            self._arrived[call.session_id].set()

    def _forget(self, vendor: str, session: str) -> None:
        self._state.conversations.remove(vendor, session)
        self._state.sessions.detach(session)
        self._calls.pop(session, None)
        self._arrived.pop(session, None)


def _problem(call: ApiCall, comm_type: str, expected: str | None, forced: str | None) -> str | None:
    """What is wrong with a call, or None. A forced answer is no fault of the integration."""
    if call.comm_type != comm_type:
        return f"end_user was called for {call.comm_type}, not for {comm_type}"
    if forced is None and (call.fields is None or call.status == UNAUTHORIZED.status):
        return f"end_user was answered {call.status} '{call.message}'"
    identifier = (call.fields or {}).get("identifier")
    if expected is not None and identifier != expected:
        return f"end_user was called with identifier {identifier!r}, not {expected!r}"
    if forced is None and call.status != ACCEPTED.status:
        return f"end_user was answered {call.status} '{call.message}'"
    return None
