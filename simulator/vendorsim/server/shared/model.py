"""The interface behind which the state of a server stands, of which other servers may be a part.

Everything belongs to one namespace. All is safe to use from any thread; what takes something away or notes something as
seen does so once, however many servers ask at the same time. In PostgreSQL everything may raise
`StateUnreachableError`.
"""

from __future__ import annotations

from typing import Protocol

from vendorsim.vendorkit.limits import Duplicates
from vendorsim.vendorkit.session_overrides import SessionOverrides

# Beyond so many sessions with an override, in a namespace, the oldest is forgotten.
MOST_SESSIONS = 10_000


class SharedState(Protocol):
    """Where all namespaces of a server keep what other servers may share."""

    def duplicates(self, namespace: str, interval: int) -> Duplicates:
        """The accepted requests of a namespace. `interval` is in milliseconds, 0 switches the rule off."""
        ...

    def overrides(self, namespace: str) -> SessionOverrides:
        """The session overrides of a namespace."""
        ...

    def failure(self) -> str | None:
        """Why it can't be reached now; None where it can."""
        ...
