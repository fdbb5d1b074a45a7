"""The interface behind which the state of a server stands, of which other servers may be a part.

Everything belongs to one namespace. All is safe to use from any thread; what takes something away or notes something as
seen does so once, however many servers ask at the same time. In PostgreSQL everything may raise
`StateUnreachableError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# Beyond so many sessions set by hand, in a namespace, the oldest is forgotten.
MOST_SESSIONS = 10_000


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a person or a test has said of a session. `answers` are forced on its next calls, one by one; `end_user` is
    who was identified in it."""

    ended: bool = False
    crm_supported: bool = True
    answers: tuple[str, ...] = ()
    end_user: Mapping[str, str] | None = None


class Duplicates(Protocol):
    """The accepted requests, for as long as the duplicate interval."""

    def is_duplicate(self, *request: str) -> bool:
        """Whether the request was accepted before, within the interval. If not, it counts as accepted now."""
        ...

    def clear(self) -> None:
        """Forgets what was accepted."""
        ...


class SetByHand(Protocol):
    """What was set by hand: for sessions, by their ids, and for any session."""

    def set(self, session_id: str, **changes: Any) -> None:
        """Changes what is set by hand (the fields of `ByHand`); the session is known from now on."""
        ...

    def get(self, session_id: str) -> ByHand | None:
        """What is set; None where nothing was."""
        ...

    def take(self, session_id: str) -> ByHand | None:
        """What is set, as it counts for this call: its first answer is used up."""
        ...

    def names(self) -> list[str]:
        """The ids of the sessions, the one that was set first last."""
        ...

    def force(self, answers: Sequence[str]) -> None:
        """What the next calls of any session are told, one by one."""
        ...

    def forced(self) -> tuple[str, ...]:
        """What the next calls of any session are still to be told."""
        ...

    def take_forced(self) -> str | None:
        """What this call is to be told, whatever its session; used up."""
        ...

    def clear(self) -> None:
        """Forgets all."""
        ...


class SharedState(Protocol):
    """Where all namespaces of a server keep what other servers may share."""

    def duplicates(self, namespace: str, interval: int) -> Duplicates:
        """The accepted requests of a namespace. `interval` is in milliseconds, 0 switches the rule off."""
        ...

    def by_hand(self, namespace: str) -> SetByHand:
        """What was set by hand in a namespace."""
        ...

    def failure(self) -> str | None:
        """Why it can't be reached now; None where it can."""
        ...
