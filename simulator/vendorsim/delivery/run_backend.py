"""The backend of a server, as a run that its APIs speak of needs it."""

from __future__ import annotations

from typing import Protocol

from vendorsim.conversation.casting import Opening
from vendorsim.delivery.destinations import Destinations
from vendorsim.delivery.planning import Policies
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.vendorkit.backend import Backend


class Open(Protocol):
    """Begins a conversation of a run."""

    def __call__(self, opening: Opening = ...) -> LiveHandle: ...


class RunBackend(Backend, Protocol):
    """A backend that can be told what is played."""

    def play(self, policies: Policies, destinations: Destinations, begin: Open) -> None:
        """A run plays a vendor from now on: the vendor's API speaks of its conversations and its targets."""
        ...
