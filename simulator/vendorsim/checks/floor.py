"""Where the requests of checks meet: pieces of work go on side by side, or one goes on alone."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Floor:
    """A floor with as many places as `room` says at the moment. Who comes first gets in first.

    A piece of work that has a place, or the whole floor, must not ask for another one.
    """

    def __init__(self, room: Callable[[], int]) -> None:
        self._room = room
        self._taken = 0
        self._closed = False
        # Who waits, and whether to be alone.
        self._waiting: deque[tuple[asyncio.Future[None], bool]] = deque()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place beside others."""
        await self._enter(alone=False)
        try:
            yield
        finally:
            self._leave(alone=False)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """The whole floor, once all who came before have left."""
        await self._enter(alone=True)
        try:
            yield
        finally:
            self._leave(alone=True)

    async def _enter(self, *, alone: bool) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append((place, alone))
        self._admit()
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._admit()
            else:
                self._leave(alone=alone)
            raise

    def _leave(self, *, alone: bool) -> None:
        self._taken -= 1
        self._closed = self._closed and not alone
        self._admit()

    def _admit(self) -> None:
        while self._waiting and not self._closed:
            place, alone = self._waiting[0]
            if not place.cancelled():
                if self._taken and (alone or self._taken >= self._room()):
                    return
                self._taken += 1
                self._closed = alone
                place.set_result(None)
            self._waiting.popleft()
