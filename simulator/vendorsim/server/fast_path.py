"""The hot door: the operations that vendors answer without a framework, for the default namespace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vendorsim.http.messages import Answered, Asked, HotDoor
from vendorsim.server.backend import ServerState
from vendorsim.vendorkit import registry

_NAMESPACE = b"x-vendorsim-namespace"
# Calls are answered faster than the journal is written while both want the processor. Beyond so many records that wait
# to be written, answers are held back for the time that the others take, at so many a second.
_WAITING = 3_000
_WRITTEN_PER_SECOND = 30_000


def hot_door(state: ServerState, backlog: Callable[[], int] = lambda: 0) -> HotDoor:
    """What the vendors answer at once, from that state. A request that names a namespace, which has a state of its own,
    is left to the app. `backlog` says how many records wait to be written."""
    vendors = map(registry.get, registry.names())
    doors = [vendor.hot(state) for vendor in vendors if vendor.hot is not None]

    def answer(asked: Asked) -> Answered | None:
        if _NAMESPACE in asked.headers:
            return None
        for door in doors:
            answered = door(asked)
            if answered is not None:
                waiting = backlog() - _WAITING
                return answered if waiting <= 0 else _held(answered, waiting / _WRITTEN_PER_SECOND)
        return None

    return answer


def _held(answered: Answered, seconds: float) -> Answered:
    return replace(answered, held=max(answered.held, seconds))
