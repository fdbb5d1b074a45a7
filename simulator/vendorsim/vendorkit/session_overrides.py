"""Session overrides: what a person or a test sets for sessions of the identification API.

An override counts before the state of the conversation. Several servers can share overrides, so this is an interface;
all of it is safe to use from any thread. With PostgreSQL every method may raise `StateUnreachableError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class SessionOverride:
    """What is set for one session. `answers` are the forced answers of its next calls, in order; `identity` is the
    person who was identified in it, None before."""

    ended: bool = False
    crm_supported: bool = True
    answers: tuple[str, ...] = ()
    identity: Mapping[str, str] | None = None


class SessionOverrides(Protocol):
    """The overrides of sessions, by their ids, and the forced answers that count for any session."""

    def set(self, session_id: str, **changes: Any) -> None:
        """Changes fields of the session's `SessionOverride`; the session is known from now on."""
        ...

    def get(self, session_id: str) -> SessionOverride | None:
        """The override of a session; None where nothing was set."""
        ...

    def take(self, session_id: str) -> SessionOverride | None:
        """The override as it counts for one call; removes its first answer."""
        ...

    def names(self) -> list[str]:
        """The ids of the sessions that have an override, the newest first."""
        ...

    def force(self, answers: Sequence[str]) -> None:
        """Sets the answers of the next calls of any session, in order."""
        ...

    def forced(self) -> tuple[str, ...]:
        """The answers that are left of those set by `force`."""
        ...

    def take_forced(self) -> str | None:
        """The answer that is forced on this call, whatever its session; removes it."""
        ...

    def clear(self) -> None:
        """Removes everything."""
        ...
