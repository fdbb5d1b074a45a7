"""The interface of the state that several servers may share.

Each part of the state belongs to one namespace. Everything is safe to use from any thread. Operations that take or
record something are atomic across servers. With PostgreSQL, every operation may raise `StateUnreachableError`.
"""

from __future__ import annotations

from typing import Protocol

from vendorsim.vendorkit.limits import Duplicates
from vendorsim.vendorkit.session_overrides import SessionOverrides

# Maximum sessions with an override in a namespace; beyond it, the oldest is forgotten.
MOST_SESSIONS = 10_000


class SharedState(Protocol):
    """The shared state of all namespaces of a server."""

    def duplicates(self, namespace: str, interval: int) -> Duplicates:
        """Returns the accepted requests of a namespace. `interval` is in milliseconds; 0 switches the rule off."""
        ...

    def overrides(self, namespace: str) -> SessionOverrides:
        """Returns the session overrides of a namespace."""
        ...

    def failure(self) -> str | None:
        """Returns why the state can't be reached, or None if it can."""
        ...
