"""The interface of a server's backend to which runs are attached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from vendorsim.conversation.casting import Opening
from vendorsim.conversation.state import Conversation
from vendorsim.delivery.destinations import Destinations
from vendorsim.delivery.ledger import Ledger
from vendorsim.delivery.planning import Policies
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.scenario.calls import SinkAnswer
from vendorsim.vendorkit.backend import Backend


class Opener(Protocol):
    """Opens conversations of a run."""

    def open(self, opening: Opening = ...) -> LiveHandle:
        """Opens a conversation whose steps come from outside. Thread-safe."""
        ...

    def sample(self, opening: Opening = ...) -> Conversation:
        """A conversation as `open` would make it. It does not belong to the run."""
        ...


class SinkAnswers(Protocol):
    """The sinks of a server, as a run uses them. Safe to use from any thread."""

    def ensure(self, name: str) -> None:
        """Makes a sink of that name, with its usual answer, unless there is one."""
        ...

    def answer(self, name: str, answers: Sequence[SinkAnswer], conversation: str) -> None:
        """Sets the answers to the next calls that belong to the conversation, or to none."""
        ...


class RunBackend(Backend, Protocol):
    """A backend to which runs can be attached."""

    @property
    def ledger(self) -> Ledger:
        """The calls that it received."""
        ...

    @property
    def sinks(self) -> SinkAnswers:
        """The sinks that it serves."""
        ...

    def play(self, policies: Policies, destinations: Destinations, opener: Opener) -> None:
        """Attaches a run of a vendor: from now on the vendor's API serves its conversations and targets."""
        ...

    def watch_outages(self, is_away: Callable[[], bool]) -> Callable[[], None]:
        """Lets the vendors' APIs be away while `is_away` says so; it is called in any thread. Returns a function that
        ends that."""
        ...
