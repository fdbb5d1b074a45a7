"""Sinks: stand-ins for systems that are not a vendor's (a CRM, a chat of the staff), and the answers they are told."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock

from vendorsim.core.errors import InputError
from vendorsim.scenario.calls import Sink, SinkAnswer, check_sink_name

PATH = "/_sinks/"
MOST_SINKS = 100
# Conversations with answers of their own, for each sink. Beyond it, the oldest get the sink's answers again.
_MOST_CONVERSATIONS = 10_000


def path_of(name: str) -> str:
    """The path of a sink; everything below it belongs to the sink, too."""
    return PATH + name


class _Plan:
    """Answers in order; the last one goes on."""

    def __init__(self, answers: Sequence[SinkAnswer]) -> None:
        self.answers = tuple(answers)
        self._given = 0

    def take(self) -> SinkAnswer:
        number = min(self._given, len(self.answers) - 1)
        self._given += 1
        return self.answers[number]


class _SinkState:
    """A sink and its plans: by conversation, "" for calls of none, and `usual` for all others."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.usual = _Plan(sink.answers)
        self.plans: OrderedDict[str, _Plan] = OrderedDict()


class Sinks:
    """The sinks of one server or namespace. Safe to use from any thread."""

    def __init__(self, sinks: Iterable[Sink] = ()) -> None:
        """Raises InputError if two have the same name."""
        self._lock = Lock()
        self._configured = tuple(sinks)
        self._sinks: dict[str, _SinkState] = {}
        self._expected: set[str] = set()
        for sink in self._configured:
            self.add(sink)

    def add(self, sink: Sink) -> None:
        """Adds a sink. Raises InputError for a name that is taken or not allowed, and if there are too many."""
        try:
            check_sink_name(sink.name)
        except ValueError as error:
            raise InputError(str(error)) from None
        with self._lock:
            if sink.name in self._sinks:
                raise InputError(f"the name of the sink '{sink.name}' is taken; choose another one")
            self._add(sink)

    def ensure(self, name: str) -> None:
        """Adds a sink with the usual answer, unless there is one of that name."""
        with self._lock:
            if name not in self._sinks:
                self._add(Sink(name))

    def _add(self, sink: Sink) -> None:
        if len(self._sinks) >= MOST_SINKS:
            raise InputError(f"there are {MOST_SINKS} sinks already; remove one")
        self._sinks[sink.name] = _SinkState(sink)

    def all(self) -> list[Sink]:
        """The sinks, oldest first."""
        with self._lock:
            return [state.sink for state in self._sinks.values()]

    def get(self, name: str) -> Sink | None:
        """The sink of that name, or None."""
        with self._lock:
            state = self._sinks.get(name)
            return None if state is None else state.sink

    def change(self, sink: Sink) -> bool:
        """Replaces the sink of that name; its answers begin anew, for all conversations. False if there is none."""
        with self._lock:
            if sink.name not in self._sinks:
                return False
            self._sinks[sink.name] = _SinkState(sink)
            return True

    def remove(self, name: str) -> bool:
        """Removes a sink; False if there is none."""
        with self._lock:
            return self._sinks.pop(name, None) is not None

    def answer(self, name: str, answers: Sequence[SinkAnswer], conversation: str) -> None:
        """Sets the answers to the next calls that belong to the conversation, or to none. Calls of other conversations
        get the same answers as before."""
        self.ensure(name)
        with self._lock:
            plans = self._sinks[name].plans
            plans[conversation] = plans[""] = _Plan(answers)
            while len(plans) > _MOST_CONVERSATIONS:
                plans.popitem(last=False)

    def expect(self, conversation: str) -> None:
        """Notes that calls may belong to a conversation which the server does not play."""
        with self._lock:
            self._expected.add(conversation)

    def knows(self, conversation: str) -> bool:
        """Whether the conversation was noted."""
        return conversation in self._expected

    def take(self, name: str, conversation: str) -> SinkAnswer | None:
        """The answer to a call that belongs to the conversation ("" for none); None if there is no such sink."""
        with self._lock:
            state = self._sinks.get(name)
            return None if state is None else state.plans.get(conversation, state.usual).take()

    def reset(self) -> None:
        """Goes back to the sinks that it began with."""
        with self._lock:
            self._sinks = {sink.name: _SinkState(sink) for sink in self._configured}
