"""The interface of the judge of `authenticate` steps."""

from __future__ import annotations

from typing import Protocol

from vendorsim.delivery.records import Authentication
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import LiveConversation
from vendorsim.scenario.verbs import Authenticate


class CallJudge(Protocol):
    """Waits for the API calls that `authenticate` steps expect, and judges them. Use it in the player's event loop."""

    def attach(self, live: LiveConversation, handle: LiveHandle) -> None:
        """Makes a conversation known to the vendors' APIs."""
        ...

    async def judge(self, live: LiveConversation, verb: Authenticate) -> Authentication:
        """Waits until the integration has made the call that the step expects, or the time of the step is over."""
        ...

    def finish(self, live: LiveConversation) -> None:
        """Marks a conversation as ended."""
        ...
