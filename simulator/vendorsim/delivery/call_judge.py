"""The interface of the judge of steps that expect calls."""

from __future__ import annotations

from typing import Protocol

from vendorsim.delivery.records import CallOutcome
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import LiveConversation
from vendorsim.scenario.verbs import Authenticate, ExpectCall, SetSink


class CallJudge(Protocol):
    """Waits for the calls that steps expect, and judges them. Use it in the player's event loop."""

    def attach(self, live: LiveConversation, handle: LiveHandle) -> None:
        """Makes a conversation known to the vendors' APIs, and the sinks that it names known to the server."""
        ...

    async def judge(self, live: LiveConversation, verb: Authenticate | ExpectCall) -> CallOutcome:
        """Waits until the integration has made the calls that the step expects, or the time of the step is over."""
        ...

    def answer(self, live: LiveConversation, verb: SetSink) -> None:
        """Sets what a sink answers to the conversation's calls."""
        ...

    def finish(self, live: LiveConversation) -> None:
        """Marks a conversation as ended."""
        ...
