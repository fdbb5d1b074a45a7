"""The interface of a server's backend to which runs are attached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from vendorsim.conversation.casting import Opening
from vendorsim.conversation.state import Conversation
from vendorsim.delivery.destinations import Destinations
from vendorsim.delivery.planning import Policies
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.vendorkit.backend import Backend


class Opener(Protocol):
    """Opens conversations of a run."""

    def open(self, opening: Opening = ...) -> LiveHandle:
        """Opens a conversation whose steps come from outside. Thread-safe."""
        ...

    def sample(self, opening: Opening = ...) -> Conversation:
        """A conversation as `open` would make it. It does not belong to the run."""
        ...


class RunBackend(Backend, Protocol):
    """A backend to which runs can be attached."""

    def play(self, policies: Policies, destinations: Destinations, opener: Opener) -> None:
        """Attaches a run of a vendor: from now on the vendor's API serves its conversations and targets."""
        ...

    def watch_outages(self, is_away: Callable[[], bool]) -> Callable[[], None]:
        """Lets the vendors' APIs be away while `is_away` says so; it is called in any thread. Returns a function that
        ends that."""
        ...
