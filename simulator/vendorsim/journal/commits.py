"""Tells readers of a journal that its writer has committed something."""

from __future__ import annotations

from threading import Condition

from vendorsim.core.clock import monotonic

# Seconds after its last question for which a reader counts as following.
_FOLLOWING_SECONDS = 2.0


class Commits:
    """Counts the commits of a writer. Thread-safe."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._count = 0
        self._waiting = 0
        self._asked_at = float("-inf")
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many readers wait for the next commit."""
        return self._waiting

    @property
    def followed(self) -> bool:
        """Whether a reader wants to have what is committed soon: one has asked a moment ago."""
        return monotonic() - self._asked_at < _FOLLOWING_SECONDS

    @property
    def closed(self) -> bool:
        """Whether there will be no more."""
        return self._closed

    def add(self) -> None:
        """Counts a commit, and wakes the readers."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Wakes the readers for the last time."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def ask(self) -> int:
        """Returns how many there were so far; a reader asks before it reads."""
        self._asked_at = monotonic()
        return self._count

    def wait(self, seen: int, seconds: float) -> None:
        """Waits until there are more than `seen`, it is closed, or the time has passed."""
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: self._closed or self._count > seen, seconds)
            finally:
                self._waiting -= 1
