"""The interface of a server's backend to which runs are attached."""

from __future__ import annotations

from typing import Protocol

from vendorsim.conversation.casting import Opening
from vendorsim.delivery.destinations import Destinations
from vendorsim.delivery.planning import Policies
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.vendorkit.backend import Backend


class Open(Protocol):
    """Opens a conversation of a run."""

    def __call__(self, opening: Opening = ...) -> LiveHandle: ...


class RunBackend(Backend, Protocol):
    """A backend to which runs can be attached."""

    def play(self, policies: Policies, destinations: Destinations, begin: Open) -> None:
        """Attaches a run of a vendor: from now on the vendor's API serves its conversations and targets."""
        ...
