"""Puts records in the order of their conversations.

Conversations run concurrently; with this order a run prints the same lines at any concurrency.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace

from vendorsim.delivery.records import Attempt, Over, Record


class Outlet(Protocol):
    """Where records go once they are stored."""

    def add(self, item: Record | Over) -> None:
        """Takes the next record of a conversation, or its end."""
        ...

    def end_batch(self) -> None:
        """Is called when all that was stored together was added."""
        ...

    def flush(self) -> None:
        """Is called when nothing more comes."""
        ...


class Sequencer:
    """Emits the records of the first unfinished conversation at once, and holds those of later ones until their turn.

    Records that arrive after the end of their conversation are emitted at once, too.
    """

    def __init__(self, emit: Callable[[Record], None]) -> None:
        self._emit = emit
        self._turn = 0
        self._waiting: dict[int, list[Record]] = {}
        self._heavy: set[int] = set()
        self._over: set[int] = set()

    def add(self, item: Record | Over) -> None:
        if isinstance(item, Over):
            self._finish(item.index)
        elif item.index <= self._turn:
            self._emit(item)
        else:
            self._waiting.setdefault(item.index, []).append(item)
            self._heavy.add(item.index)

    def end_batch(self) -> None:
        """Removes requests and answers from waiting records, to save memory: they may wait for long.

        `add` doesn't do this, since most records wait only for a moment, and the copy costs more than it saves.
        """
        for index in self._heavy & self._waiting.keys():
            self._waiting[index] = [_light(record) for record in self._waiting[index]]
        self._heavy.clear()

    def flush(self) -> None:
        """Emits all waiting records, in order."""
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
