"""The state of a single server, in memory; it is lost when the server ends."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from msgspec.structs import replace

from vendorsim.core import clock
from vendorsim.server.shared.model import MOST_SESSIONS
from vendorsim.vendorkit.limits import DuplicateRule
from vendorsim.vendorkit.session_overrides import SessionOverride


class OverridesInMemory:
    """The `SessionOverrides` of a namespace, in memory. Beyond `most_sessions`, the oldest is forgotten."""

    def __init__(self, most_sessions: int = MOST_SESSIONS) -> None:
        self._most_sessions = most_sessions
        self._lock = Lock()
        self._sessions: OrderedDict[str, SessionOverride] = OrderedDict()
        self._forced: tuple[str, ...] = ()

    def set(self, session_id: str, **changes: Any) -> None:
        with self._lock:
            known = self._sessions.get(session_id)
            self._sessions[session_id] = SessionOverride(**changes) if known is None else replace(known, **changes)
            if len(self._sessions) > self._most_sessions:
                self._sessions.popitem(last=False)

    def get(self, session_id: str) -> SessionOverride | None:
        return self._sessions.get(session_id)

    def take(self, session_id: str) -> SessionOverride | None:
        if session_id not in self._sessions:
            return None
        with self._lock:
            found = self._sessions.get(session_id)
            if found is not None and found.answers:
                self._sessions[session_id] = replace(found, answers=found.answers[1:])
            return found

    def names(self) -> list[str]:
        with self._lock:
            return list(reversed(self._sessions))

    def force(self, answers: Sequence[str]) -> None:
        with self._lock:
            self._forced = tuple(answers)

    def forced(self) -> tuple[str, ...]:
        return self._forced

    def take_forced(self) -> str | None:
        if not self._forced:
            return None
        with self._lock:
            first, self._forced = (self._forced[0], self._forced[1:]) if self._forced else (None, ())
        return first

    def clear(self) -> None:
        with self._lock:
            self._sessions.clear()
            self._forced = ()


class InMemory:
    """The state of one server (`model.SharedState`). Each call returns new state: a re-created namespace is empty."""

    def __init__(self, now: Callable[[], float] = clock.monotonic, *, most_sessions: int = MOST_SESSIONS) -> None:
        """`now` returns monotonic seconds."""
        self._now = now
        self._most_sessions = most_sessions

    def duplicates(self, namespace: str, interval: int) -> DuplicateRule:
        return DuplicateRule(interval, self._now)

    def overrides(self, namespace: str) -> OverridesInMemory:
        return OverridesInMemory(self._most_sessions)

    def failure(self) -> None:
        return None
