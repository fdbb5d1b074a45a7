"""Puts records back in order: conversations run side by side, but their records are reported in the order of
the conversations, so that the same run prints the same lines at any concurrency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulator.delivery.records import Attempt, Over, Record


class Sequencer:
    """Hands records on: those of the first unfinished conversation at once, later ones when their turn comes."""

    def __init__(self, emit: Callable[[Record], None]) -> None:
        self._emit = emit
        self._turn = 0
        self._waiting: dict[int, list[Record]] = {}
        self._over: set[int] = set()

    def add(self, item: Record | Over) -> None:
        """The next record of a conversation, or its end."""
        if isinstance(item, Over):
            self._finish(item.index)
        elif item.index == self._turn:
            self._emit(item)
        else:
            # It may wait for long; the bytes that went over the wire are kept elsewhere by now.
            light = replace(item, request=None, answer=None) if isinstance(item, Attempt) else item
            self._waiting.setdefault(item.index, []).append(light)

    def flush(self) -> None:
        """Hands on whatever still waits, in order."""
        for index in sorted(self._waiting):
            self._release(index)

    def _finish(self, index: int) -> None:
        self._over.add(index)
        while self._turn in self._over:
            self._over.remove(self._turn)
            self._turn += 1
            self._release(self._turn)

    def _release(self, index: int) -> None:
        for record in self._waiting.pop(index, ()):
            self._emit(record)
