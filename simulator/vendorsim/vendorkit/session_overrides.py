"""Session overrides: the values that a person or a test sets for sessions of the identification API.

An override has precedence over the state of the conversation. This is a Protocol, since several servers can share
overrides in PostgreSQL; then every method may raise `StateUnreachableError`. It is safe to use from any thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct


class SessionOverride(Struct, frozen=True):
    """The values of one session. `answers` are the forced answers of its next calls, in order. `identity` is the
    identity that a call gave for the visitor, None before."""

    ended: bool = False
    crm_supported: bool = True
    answers: tuple[str, ...] = ()
    identity: Mapping[str, str] | None = None


class SessionOverrides(Protocol):
    """The overrides of sessions, by session id, and the forced answers for any session."""

    def set(self, session_id: str, **changes: Any) -> None:
        """Changes fields of the session's `SessionOverride`. An unknown session becomes known."""
        ...

    def get(self, session_id: str) -> SessionOverride | None:
        """The override of a session, or None."""
        ...

    def take(self, session_id: str) -> SessionOverride | None:
        """The override for one call; its first answer is then removed."""
        ...

    def names(self) -> list[str]:
        """The ids of the sessions with an override, the newest first."""
        ...

    def force(self, answers: Sequence[str]) -> None:
        """Sets the answers of the next calls of any session, in order."""
        ...

    def forced(self) -> tuple[str, ...]:
        """The answers set by `force` that no call has used yet."""
        ...

    def take_forced(self) -> str | None:
        """Removes and returns the next answer set by `force`, or None."""
        ...

    def clear(self) -> None:
        """Removes everything."""
        ...
