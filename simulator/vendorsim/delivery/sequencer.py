"""Puts records back in order: conversations run side by side, but their records are reported in the order of
the conversations, so that the same run prints the same lines at any concurrency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vendorsim.delivery.records import Attempt, Over, Record


class Sequencer:
    """Hands records on: those of the first unfinished conversation at once, later ones when their turn comes.

    What still comes of a conversation that is over is handed on at once, too.
    """

    def __init__(self, emit: Callable[[Record], None]) -> None:
        self._emit = emit
        self._turn = 0
        self._waiting: dict[int, list[Record]] = {}
        self._heavy: set[int] = set()
        self._over: set[int] = set()

    def add(self, item: Record | Over) -> None:
        """The next record of a conversation, or its end."""
        if isinstance(item, Over):
            self._finish(item.index)
        elif item.index <= self._turn:
            self._emit(item)
        else:
            self._waiting.setdefault(item.index, []).append(item)
            self._heavy.add(item.index)

    def lighten(self) -> None:
        """Lets go of the bytes that went over the wire: what waits now may wait for long, and they are kept elsewhere.

        Not at once: most records wait for a moment only, and a copy costs more than that.
        """
        for index in self._heavy & self._waiting.keys():
            self._waiting[index] = [_light(record) for record in self._waiting[index]]
        self._heavy.clear()

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


def _light(record: Record) -> Record:
    if isinstance(record, Attempt) and record.request is not None:
        return replace(record, request=None, answer=None)
    return record
