"""What an API call or a person at the web page may do with a conversation that is under way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from vendorsim.conversation.state import Agent, Conversation
from vendorsim.scenario.verbs import Verb
from vendorsim.vendorkit.profile import Profile

T = TypeVar("T")


class ConversationHandle(Protocol):
    """One conversation that is under way, for an API call or a person who acts on it.

    The handle holds the conversation's lock while a function reads the conversation; that function must not change
    it, nor keep a reference to it. Only the reducer changes a conversation, in `act`, `act_on`, `identify` and
    `introduce`.
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
        """The vendor's own memory of this conversation (`Profile.memory`). Read and change it in functions that are
        given to `look`, `act` and `act_on` only: the lock protects it, too."""
        ...

    @property
    def cast(self) -> Mapping[str, Agent]:
        """The agents of the scenario's cast, by their keys; one object for all conversations of a run."""
        ...

    def look(self, read: Callable[[Conversation], T]) -> T:
        """Returns what `read` makes of the conversation."""
        ...

    def act(self, verb: Verb, read: Callable[[Conversation], T]) -> T:
        """Carries out one step now, as if the scenario had it, and sends the events that it causes.

        Returns what `read` makes of the conversation right after the step. Raises StepError for a step that is not
        possible now.
        """
        ...

    def act_on(self, choose: Callable[[Conversation], Iterable[Verb]], read: Callable[[Conversation], T]) -> T:
        """Like `act`, with the steps that `choose` makes of the conversation, under one lock."""
        ...

    def identify(self, identity: Mapping[str, str]) -> None:
        """An API call has told who the visitor is. This is no step: it sends nothing and takes no time."""
        ...

    def introduce(self, agent: Agent) -> None:
        """From now on steps can name this agent by its key. This is no step: it sends nothing and takes no time."""
        ...
