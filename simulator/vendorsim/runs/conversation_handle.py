"""A conversation that is under way, for whoever acts on it from outside: an API call, or a person at the web page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from vendorsim.conversation.state import Conversation
from vendorsim.core.clock import Clock
from vendorsim.core.event import Event
from vendorsim.runs.timeline import LiveConversation, Scheduled
from vendorsim.scenario.model import Step
from vendorsim.scenario.verbs import Verb
from vendorsim.vendorkit.profile import Profile

T = TypeVar("T")


class Handle:
    """Safe to use from any thread: the conversation changes and is read by one at a time."""

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
    def live(self) -> LiveConversation:
        return self._live

    @property
    def vendor(self) -> str:
        return self._live.run.vendor.name

    @property
    def profile(self) -> Profile:
        return self._live.run.profile

    def look(self, read: Callable[[Conversation], T]) -> T:
        """What `read` makes of the conversation, which stands still meanwhile. It must not keep hold of it."""
        with self._live.lock:
            return read(self._live.state)

    def act(self, verb: Verb, read: Callable[[Conversation], T]) -> T:
        """Carries out one step now, as if the scenario told it, and sends what it causes; returns what `read` makes of
        the conversation right after it. Raises StepError when the step makes no sense now."""
        return self.act_on(lambda conversation: (verb,), read)

    def act_on(self, choose: Callable[[Conversation], Iterable[Verb]], read: Callable[[Conversation], T]) -> T:
        """The same with as many steps as `choose` makes of the conversation, with nothing in between."""
        live = self._live
        events: list[Event] = []
        with live.lock:
            try:
                for verb in choose(live.state):
                    events += live.advance(Scheduled(-1, Step(verb), self._clock.now(live.state.now)))
                return read(live.state)
            finally:
                # Also when a later step fails: what is done is done.
                if events:
                    self._post(live, events)
