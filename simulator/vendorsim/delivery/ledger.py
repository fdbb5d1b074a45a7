"""The ledger: the newest calls that a server received, of all vendors' APIs and sinks.

The journal keeps the calls for people; the ledger has them in memory, for assertions and as the state of a
conversation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, RLock
from typing import Any, TypeVar

from vendorsim.core.clock import monotonic
from vendorsim.vendorkit.api_call import NO_DOCUMENT, ApiCall

# Beyond these it forgets the oldest calls.
MOST_CALLS = 10_000
MOST_BYTES = 64 * 1024 * 1024
# Calls that only read leave nothing behind.
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

T = TypeVar("T")


class Ledger:
    """The calls so far, oldest first. Thread-safe. It keeps `most_calls` calls with `most_bytes` bytes of bodies."""

    def __init__(self, most_calls: int = MOST_CALLS, most_bytes: int = MOST_BYTES) -> None:
        self._most_calls = most_calls
        self._most_bytes = most_bytes
        self._lock = RLock()
        self._changed = Condition(self._lock)
        self._waiting = 0
        self._calls: deque[ApiCall] = deque()
        self._bytes = 0

    def add(self, call: ApiCall) -> None:
        """Takes a call."""
        with self._lock:
            calls = self._calls
            calls.append(call)
            self._bytes += len(call.body or b"")
            while len(calls) > self._most_calls or (self._bytes > self._most_bytes and len(calls) > 1):
                self._bytes -= len(calls.popleft().body or b"")
            if self._waiting:
                self._changed.notify_all()

    def calls(self) -> list[ApiCall]:
        """All calls that it keeps."""
        with self._lock:
            return list(self._calls)

    def of(self, conversation: str) -> list[ApiCall]:
        """The calls that belong to a conversation, by its id: those of vendors' APIs that have it in their path, and
        those of sinks that name it."""
        return [call for call in self.calls() if call.session_id == conversation]

    def state(self, conversation: str) -> dict[str, Any] | None:
        """What the integration did for a conversation, as a JSON document: `{"calls": [{"call", "method", "path",
        "body"}]}`, in the order in which the calls came. None if it did nothing.

        Calls that only read (GET, HEAD, OPTIONS), calls that were refused (status from 400) and those that a check did
        not carry out (status 0) did nothing. The document has no times and no numbers of its own, so that two ways to
        the same end give the same document.
        """
        done = [call for call in self.of(conversation) if call.method not in _READING and 0 < call.status < 400]
        return {"calls": [_done(call) for call in done]} if done else None

    def wait_until(self, find: Callable[[list[ApiCall]], T], enough: Callable[[T], bool], seconds: float) -> T:
        """Returns `find(calls)` as soon as that is `enough`, at the latest after so many seconds."""
        until = monotonic() + seconds
        with self._lock:
            self._waiting += 1
            try:
                while True:
                    found = find(list(self._calls))
                    left = until - monotonic()
                    if left <= 0 or enough(found):
                        return found
                    self._changed.wait(left)
            finally:
                self._waiting -= 1

    def clear(self) -> None:
        """Forgets all calls."""
        with self._lock:
            self._calls.clear()
            self._bytes = 0


def _done(call: ApiCall) -> dict[str, Any]:
    document = call.document()
    if document is NO_DOCUMENT:
        document = None if not call.body else call.body.decode(errors="replace")
    return {"call": call.name, "method": call.method, "path": call.path, "body": document}
