"""Who judges the API calls that the steps `authenticate` of a run wait for."""

from __future__ import annotations

from typing import Protocol

from vendorsim.delivery.records import Authentication
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import LiveConversation
from vendorsim.scenario.verbs import Authenticate


class CallJudge(Protocol):
    """What a player needs of it. All in the player's event loop."""

    def attach(self, live: LiveConversation, handle: LiveHandle) -> None:
        """The vendors' APIs know this conversation from now on."""
        ...

    async def judge(self, live: LiveConversation, verb: Authenticate) -> Authentication:
        """Waits until the integration has called as the step demands, or its time is over."""
        ...

    def finish(self, live: LiveConversation) -> None:
        """The conversation is over."""
        ...
