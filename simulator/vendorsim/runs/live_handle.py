"""The implementation of `vendorsim.vendorkit.conversation_handle.ConversationHandle`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from vendorsim.conversation import reducer
from vendorsim.conversation.state import Agent, Conversation
from vendorsim.core.clock import Clock
from vendorsim.core.event import Event
from vendorsim.runs.timeline import LiveConversation, Run
from vendorsim.runs.variation import Scheduled
from vendorsim.scenario.model import Step
from vendorsim.scenario.verbs import Verb
from vendorsim.vendorkit.profile import Profile

T = TypeVar("T")


class LiveHandle:
    """The handle of a conversation that is played. Safe to use from any thread: it holds the conversation's lock while
    the conversation is read or changed."""

    def __init__(
        self, live: LiveConversation, clock: Clock, post: Callable[[LiveConversation, list[Event]], None]
    ) -> None:
        """`post` sends the events that an action has caused."""
        self._live = live
        self._clock = clock
        self._post = post

    @property
    def id(self) -> str:
        """The id that the vendor's bodies carry, as text."""
        return str(self._live.id)

    @property
    def run(self) -> Run:
        """The run that the conversation belongs to."""
        return self._live.run

    @property
    def vendor(self) -> str:
        return self._live.run.vendor.name

    @property
    def profile(self) -> Profile:
        return self._live.run.profile

    @property
    def memory(self) -> Any:
        return self._live.memory

    @property
    def cast(self) -> Mapping[str, Agent]:
        return self._live.run.casting.agents

    def now(self) -> int:
        with self._live.lock:
            return self._clock.now(self._live.state.now)

    def look(self, read: Callable[[Conversation], T]) -> T:
        with self._live.lock:
            return read(self._live.state)

    def act(self, verb: Verb, read: Callable[[Conversation], T]) -> T:
        return self.act_on(lambda conversation: (verb,), read)

    def act_on(self, choose: Callable[[Conversation], Iterable[Verb]], read: Callable[[Conversation], T]) -> T:
        live = self._live
        events: list[Event] = []
        with live.lock:
            try:
                for verb in choose(live.state):
                    events += live.advance(Scheduled(-1, Step(verb), self._clock.now(live.state.now)))
                return read(live.state)
            finally:
                # Also if a later step fails, since the earlier steps have been carried out.
                if events:
                    self._post(live, events)

    def identify(self, identity: Mapping[str, str]) -> None:
        with self._live.lock:
            reducer.identify(self._live.state, identity)

    def introduce(self, agent: Agent) -> None:
        with self._live.lock:
            reducer.introduce(self._live.state, agent)

    def describe_visitor(self, values: Mapping[str, Any]) -> None:
        with self._live.lock:
            reducer.describe_visitor(self._live.state, values)
