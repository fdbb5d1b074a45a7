"""How an API call, or a person at the web page, reads and changes a conversation in progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from vendorsim.conversation.state import Agent, Conversation
from vendorsim.scenario.verbs import Verb
from vendorsim.vendorkit.profile import Profile

T = TypeVar("T")


class ConversationHandle(Protocol):
    """One conversation in progress, for an API call or a person.

    The handle holds the conversation's lock while a function reads the conversation. That function must not change the
    conversation or keep a reference to it. Only `act`, `act_on`, `identify`, `introduce` and `describe_visitor` change
    it, by the reducer.
    """

    @property
    def id(self) -> str:
        """The id that the vendor's bodies carry, as text."""
        ...

    @property
    def vendor(self) -> str:
        """The vendor's name."""
        ...

    @property
    def profile(self) -> Profile:
        """The profile that is played."""
        ...

    @property
    def memory(self) -> Any:
        """The vendor's own memory of this conversation (`Profile.memory`). Use it only in functions that are passed to
        `look`, `act` and `act_on`: the lock protects it, too."""
        ...

    @property
    def cast(self) -> Mapping[str, Agent]:
        """The agents of the scenario's cast, by their keys; one object for all conversations of a run."""
        ...

    def now(self) -> int:
        """The time of a step that is carried out now, by the clock of the run, in milliseconds since 1970."""
        ...

    def look(self, read: Callable[[Conversation], T]) -> T:
        """Returns the result of `read` for the conversation."""
        ...

    def act(self, verb: Verb, read: Callable[[Conversation], T]) -> T:
        """Carries out one step now, like a step of the scenario, and sends the events that it causes.

        Returns the result of `read` directly after the step. Raises StepError for a step that is impossible now.
        """
        ...

    def act_on(self, choose: Callable[[Conversation], Iterable[Verb]], read: Callable[[Conversation], T]) -> T:
        """Like `act`, with the steps that `choose` returns for the conversation. The lock is held for all of them."""
        ...

    def identify(self, identity: Mapping[str, str]) -> None:
        """Sets the visitor's identity, as an API call gave it. Not a step: it sends nothing and takes no time."""
        ...

    def introduce(self, agent: Agent) -> None:
        """Adds an agent, so that steps can name it by its key. Not a step: it sends nothing and takes no time."""
        ...

    def describe_visitor(self, values: Mapping[str, Any]) -> None:
        """Sets fields of the visitor (`vendorsim.conversation.state.Visitor`) by name. Not a step: it sends nothing and
        takes no time."""
        ...
