"""Puts records back in order: conversations run side by side, but their records leave in the order of
the conversations, so that the same run prints the same lines at any concurrency."""

from __future__ import annotations

from collections.abc import Callable

from simulator.delivery.records import Record


class Sequencer:
    """Hands records on: those of the first unfinished conversation at once, later ones when their turn comes."""

    def __init__(self, emit: Callable[[Record], None]) -> None:
        self._emit = emit
        self._turn = 0
        self._waiting: dict[int, list[Record]] = {}
        self._finished: set[int] = set()

    def add(self, index: int, record: Record) -> None:
        """A record of conversation `index`."""
        if index == self._turn:
            self._emit(record)
        else:
            self._waiting.setdefault(index, []).append(record)

    def finish(self, index: int) -> None:
        """Conversation `index` has no more records."""
        self._finished.add(index)
        while self._turn in self._finished:
            self._finished.remove(self._turn)
            self._turn += 1
            self._release(self._turn)

    def flush(self) -> None:
        """Hands on whatever still waits, in order."""
        for index in sorted(self._waiting):
            self._release(index)

    def _release(self, index: int) -> None:
        for record in self._waiting.pop(index, ()):
            self._emit(record)
